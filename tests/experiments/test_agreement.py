"""A held-out random log and a simulator fitted to what came before rank policies alike."""

from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from bandit.core.types import Context, Floats, Round, Slates
from bandit.policies.random import Random
from experiments.checks.agreement import (
    ENOUGH,
    Agreement,
    compare_rankings,
    list_sendable,
    tau,
)
from experiments.runner.configs import CONFIGS, list_configs, make, resolve
from simulators.association.association import Association
from simulators.base import Simulator
from simulators.fitted.logged import Logged
from simulators.play import play
from tests.support.dynamics_cases import MOVING, build


def test_every_policy_that_could_be_sent_is_ranked() -> None:
    unsent = {"oracle", "bayes_limit", "profile_true_topics", "wave"}
    assert set(list_configs("policy")) - set(list_sendable()) == unsent
    assert len(list_sendable()) >= 8


def test_tau_counts_pairs() -> None:
    values, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert tau(values, other) == pytest.approx((5 - 1) / 6)
    assert tau(values, -values) == pytest.approx(-1)


def judge(policies: list[str], seed: int = 5) -> tuple[Agreement, list[Round], Association]:
    association = build(**MOVING | {"members": 300})
    twin, log = association.twin(), list(play(Random(), association, seed, 6))
    return (
        compare_rankings(log, 2, policies, association.features, twin, seed, association.twin()),
        log,
        association,
    )


def test_the_logger_is_valued_at_what_it_earned() -> None:
    result, log, _ = judge(["random", "popular"])
    met = {member for round in log[:2] for member in round.context.member_ids}
    judged_by = [(round, np.isin(round.context.member_ids, list(met))) for round in log[2:]]
    deliveries = sum(rows.sum() for _, rows in judged_by)
    clicks = sum(round.feedback.clicked[rows].sum() for round, rows in judged_by)
    assert result.values.loc["random", "log"] == pytest.approx(1000 * clicks / deliveries)


def test_the_true_simulator_expects_the_truth() -> None:
    """It also expects what the log's clicks were expected to be.

    Moods, lapses and campaigns are followed along the log.
    """
    result, log, association = judge(["random", "popular", "recency"])
    np.testing.assert_array_equal(result.values["simulated"], result.values["true"])
    assert result.simulated_true == pytest.approx(1)
    assert result.tau == result.log_true
    twin, expected, deliveries = association.twin(), 0.0, 0
    met = [member for round in log[:2] for member in round.context.member_ids]
    for round in log:
        twin.issue(round.context.issue)
        if round.context.issue > 2:
            rows = np.isin(round.context.member_ids, met)
            expected += twin.expected(round.context, round.slates)[rows].sum()
            deliveries += rows.sum()
        twin.remember(round.context, round.slates, round.feedback)
    # the same policy with the same seed draws the same slates
    assert result.values.loc["random", "true"] == pytest.approx(1000 * expected / deliveries)


def test_without_the_truth_it_is_not_known() -> None:
    association = build()
    log = list(play(Random(), association, 5, 4))
    result = compare_rankings(
        log, 2, ["random", "recency", "blast"], association.features, association.twin(), 5
    )
    assert np.isnan(result.log_true)
    assert result.values["true"].isna().all()
    assert np.isfinite(result.tau)


def test_a_log_with_nothing_to_judge_by_is_refused_by_name() -> None:
    association = build()
    log = list(play(Random(), association, 5, 3))
    for until in (0, 3):
        with pytest.raises(ValueError, match=f"until = {until}; .* 3 issues"):
            compare_rankings(log, until, ["random"], association.features, association, 5)


class Mistaken(Simulator):
    """Knows the association, and takes every member for another one."""

    def __init__(self, twin: Association) -> None:
        self._twin, self.issue, self.issues = twin, twin.issue, twin.issues
        self.remember, self.respond = twin.remember, twin.respond

    def expected(self, context: Context, slates: Slates) -> Floats:
        others = np.random.default_rng(1).permutation(len(context.members))
        return self._twin.expected(context, slates.take(others))


def world(name: str, members: int, issues: int, seed: int) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        simulator = resolve(compose("run", overrides=[f"simulator={name}"])["simulator"])
    return make(simulator | {"members": members, "issues": issues, "embeddings": None}, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["association", "informz"])
def test_the_fitted_simulator_ranks_as_the_held_out_log_does(name: str) -> None:
    """The size and the first seed are those of configs/calibrate.yaml.

    The seed chose nothing; the size was settled after logs of 6,000 to 16,000 members had given .69
    to .92 (docs/findings.md): those rank as the truth does by .85 to .92 only.
    """
    issues, until, seed = 24, 12, 40
    association = world(name, 24000, issues, seed)
    truth = association.twin()
    log = list(play(Random(), association, seed, issues))
    fitted = Logged(log[:until], seed=seed + 1, features=association.features)
    result = compare_rankings(
        log, until, list_sendable(), association.features, fitted, seed, truth
    )
    print(result)
    assert result.tau >= ENOUGH
    alike, apart = result.resolved
    assert apart >= 40
    assert alike / apart > 0.95


@pytest.mark.slow
def test_a_mistaken_simulator_does_not() -> None:
    association = world("association", 4000, 12, 10)
    log = list(play(Random(), association, 10, 12))
    result = compare_rankings(
        log,
        6,
        list_sendable(),
        association.features,
        Mistaken(association.twin()),
        10,
        association.twin(),
    )
    print(result)
    assert result.tau < ENOUGH
    assert result.simulated_true < ENOUGH
