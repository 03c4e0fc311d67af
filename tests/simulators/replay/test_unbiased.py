"""What replay keeps is a fair sample, and judges policies without bias."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.policies.lin_ts import LinTS
from bandit.policies.popular import Popular
from bandit.policies.random import Random
from bandit.slates.exploration import epsilon_greedy, greedy
from simulators.play import play
from simulators.replay.evaluation import evaluate_by_replay
from simulators.replay.loaders.tables import ChoiceLog
from simulators.replay.replay import Replay
from tests.support.replay_cases import EVEN, TARGET, UNEVEN, VALUE, WANTS, Fixed, M, logged


class Follows(Fixed):
    """Greedy on the clicks a look of each group, as far as it was taught: a policy that learns."""

    def start(self, features: Any) -> None:
        super().start(features)
        self._looks, self._clicks = np.full((3, M), 2.0), np.full((3, M), 1.0)

    def plan(self, context: Context) -> SlotPmf:
        rate = (self._clicks / self._looks)[self.group(context)]
        return SlotPmf(rate, lambda scores, open: epsilon_greedy(0.2)(scores, open))

    def learn(self, round: Round) -> None:
        rows, _, index, clicked = round.list_exposures()
        np.add.at(self._looks, (self.group(round.context)[rows], index), 1)
        np.add.at(self._clicks, (self.group(round.context)[rows], index), clicked)


def z_score(values: list[float], truth: float) -> float:
    return float((np.mean(values) - truth) / (np.std(values, ddof=1) / np.sqrt(len(values))))


@pytest.mark.parametrize(
    ("chances", "floor"), [(EVEN, 0.25), (UNEVEN, 0.1)], ids=["uniform", "not uniform"]
)
def test_rejection_is_unbiased(chances: Floats, floor: float) -> None:
    """Over 150 logs of 900 rounds. A match is kept with the chance `floor`, whoever chose."""
    results = [
        evaluate_by_replay(Fixed(), logged(900, 100 + s, chances), seed=s, batches=3)
        for s in range(150)
    ]
    rejection = [r.rejection.estimate for r in results if r.rejection]
    assert len(rejection) == 150
    assert abs(z_score(rejection, VALUE)) < 3
    assert abs(z_score([r.kept for r in results], 900 * floor)) < 3
    covered = np.mean(
        [r.rejection.low <= VALUE <= r.rejection.high for r in results if r.rejection]
    )
    assert covered >= 0.9


@pytest.mark.parametrize("chances", [EVEN, UNEVEN], ids=["uniform", "not uniform"])
def test_the_weighted_form_is_unbiased(chances: Floats) -> None:
    results = [
        evaluate_by_replay(
            Fixed(), logged(3000, 500 + s, chances), seed=s, batches=2
        ).weighted.interval
        for s in range(60)
    ]
    found = [interval for interval in results if interval]
    assert len(found) == 60
    assert abs(z_score([interval.estimate for interval in found], VALUE)) < 3
    assert np.mean([interval.low <= VALUE <= interval.high for interval in found]) >= 0.85


def test_the_checks_above_would_see_a_bias() -> None:
    """Matches of an uneven log are no fair sample unthinned, or by each round's own floor."""
    plain_matches, own_floor = [], []
    for s in range(150):
        log, rng = logged(900, 100 + s, UNEVEN), np.random.default_rng(s)
        group = pd.Index(["a", "b", "c"]).get_indexer(pd.Index(log.members["group"]))
        choice = (rng.random(900)[:, None] > np.cumsum(TARGET, axis=1)[group][:, :-1]).sum(axis=1)
        match = choice == log.choice
        plain_matches.append(log.clicked[match].mean())
        own = match & (rng.random(900) < UNEVEN.min(axis=1)[group] / log.propensity)
        own_floor.append(log.clicked[own].mean())
    assert abs(z_score(plain_matches, VALUE)) > 6
    assert abs(z_score(own_floor, VALUE)) > 3


@pytest.mark.parametrize("chances", [EVEN, UNEVEN], ids=["uniform", "not uniform"])
def test_a_policy_that_learns_is_judged_fairly_at_every_issue(chances: Floats) -> None:
    """What `expected` estimates, against the true value of the slates that the policy chose."""
    off: list[float] = []
    first, last = [], []
    for s in range(120):
        log = logged(600, 300 + s, chances)
        place, policy = Replay(log, s, issues=4), Follows()
        for round in play(policy, place, seed=s):
            context, slates = round.context, round.slates
            true = WANTS[policy.group(context), slates.choice[:, 0]].mean()
            off.append(float(place.expected(context, slates).mean() / place.floor - true))
            (first if context.issue == 1 else last).append(true)
    assert abs(z_score(off, 0.0)) < 3
    assert np.mean(last) > np.mean(first) + 0.05  # it did learn


def test_better_policies_are_told_apart() -> None:
    wants = np.tile([0.05, 0.6, 0.1, 0.2], (3, 1))
    log = logged(6000, 8, wants=wants)
    popular, chance = evaluate_by_replay(Popular(), log), evaluate_by_replay(Random(), log)
    assert popular.rejection
    assert chance.rejection
    assert popular.rejection.low > chance.rejection.high
    assert popular.weighted.interval
    assert popular.weighted.interval.low > chance.rejection.high


def test_attributes_are_used() -> None:
    log = logged(6000, 9)
    personal, popular = (
        evaluate_by_replay(LinTS(ridge=20.0), log),
        evaluate_by_replay(Popular(), log),
    )
    assert personal.rejection
    assert popular.rejection
    assert personal.rejection.low > popular.rejection.high


def test_nothing_kept_has_no_click_rate() -> None:
    log = logged(12, 4, wants=np.zeros((3, M)))
    chances = np.where(np.arange(12) == 3, 1e-9, 0.9)
    result = evaluate_by_replay(
        Random(), ChoiceLog(**vars(log) | {"propensity": chances}), batches=2
    )
    assert (result.kept, result.rejection) == (0, None)
    assert result.weighted.interval is None
    assert "fewer than 500" in result.weighted.reason


def test_greedy_policies_keep_about_one_in_m() -> None:
    """A policy that never explores is replayed as well: uniform choices match one in m."""

    class Greedy(Fixed):
        def plan(self, context: Context) -> SlotPmf:
            return SlotPmf(WANTS[self.group(context)], greedy)

    result = evaluate_by_replay(Greedy(), logged(4000, 6), batches=2)
    assert abs(result.kept - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)
    assert result.rejection
    assert result.rejection.low <= WANTS.max(axis=1).mean() <= result.rejection.high
