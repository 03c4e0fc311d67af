"""Replay: what is kept is a fair sample, and policies may learn from nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.policies.lin_ts import LinTS
from bandit.policies.popular import Popular
from bandit.policies.random import Random
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy, greedy
from bandit.slates.walk import draw
from experiments.runner.configs import make, resolve
from experiments.runner.unit import run_unit
from simulators.play import play
from simulators.replay.evaluation import evaluate_by_replay, exact_interval
from simulators.replay.loaders.mind import Mind
from simulators.replay.loaders.tables import Account, ChoiceLog, list_articles
from simulators.replay.replay import ArticleNumbers, Replay

M = 4
# P(click | group, article): the groups want different articles
WANTS = np.array([[0.1, 0.5, 0.3, 0.2], [0.6, 0.15, 0.2, 0.05], [0.3, 0.3, 0.7, 0.1]])
EVEN = np.full((3, M), 1 / M)
UNEVEN = np.array([[0.1, 0.2, 0.3, 0.4], [0.55, 0.2, 0.15, 0.1], [0.25, 0.25, 0.25, 0.25]])
TARGET = np.array(
    [[0.1, 0.7, 0.1, 0.1], [0.4, 0.2, 0.2, 0.2], [0.0, 0.5, 0.5, 0.0]]
)  # what `Fixed` chooses
VALUE = float((TARGET * WANTS).sum(axis=1).mean())


def logged(n: int, seed: int, chances: Floats = EVEN, wants: Floats = WANTS) -> ChoiceLog:
    """n rounds of three groups: articles by `chances` [3, m] of the group, clicks by `wants`."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    choice = (rng.random(n)[:, None] > np.cumsum(chances, axis=1)[group][:, :-1]).sum(axis=1)
    clicked = rng.random(n) < wants[group, choice]
    members = pd.DataFrame(
        {"member": np.arange(1, n + 1), "group": np.array(["a", "b", "c"])[group]}
    )
    m = chances.shape[1]
    articles = list_articles([f"n{j}" for j in range(m)], [f"News {j}" for j in range(m)])
    account = Account("made", n, n, {})
    return ChoiceLog(
        members,
        articles,
        pd.DataFrame(index=members.index),
        choice,
        chances[group, choice],
        clicked,
        account,
    )


class Fixed(Policy):
    """Chooses by TARGET and never learns; remembers what it was shown to learn from."""

    def __init__(self) -> None:
        self.taught: list[Round] = []

    def start(self, features: Any) -> None:
        self._names = features.member_names

    def group(self, context: Context) -> NDArray[np.intp]:
        return np.stack(
            [context.member_features[:, self._names.index(f"group={g}")] for g in "abc"], axis=1
        ).argmax(axis=1)

    def plan(self, context: Context) -> SlotPmf:
        return SlotPmf(TARGET[self.group(context)], lambda scores, open: scores)

    def learn(self, round: Round) -> None:
        self.taught.append(round)

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...


class Follows(Fixed):
    """Greedy on the clicks a look of each group, as far as it was taught: a policy that learns."""

    def start(self, features: Any) -> None:
        super().start(features)
        self._looks, self._clicks = np.full((3, M), 2.0), np.full((3, M), 1.0)

    def plan(self, context: Context) -> SlotPmf:
        rate = (self._clicks / self._looks)[self.group(context)]
        return SlotPmf(rate, lambda scores, open: epsilon_greedy(scores, open, 0.2))

    def learn(self, round: Round) -> None:
        rows, _, index, clicked = round.list_exposures()
        np.add.at(self._looks, (self.group(round.context)[rows], index), 1)
        np.add.at(self._clicks, (self.group(round.context)[rows], index), clicked)


def test_the_batches_are_the_log() -> None:
    log = logged(103, 1)
    place = Replay(log, seed=3, issues=5)
    issues = [place.issue(t) for t in range(1, 6)]
    met = np.concatenate([issue.member_ids for issue in issues])
    assert sorted(met) == log.members["member"].tolist()
    assert {len(issue.members) for issue in issues} == {20, 21}
    assert not np.array_equal(
        met,
        np.concatenate([Replay(log, seed=4, issues=5).issue(t).member_ids for t in range(1, 6)]),
    )
    np.testing.assert_array_equal(
        log.members["member"].to_numpy()[place.find_rows(issues[2])], issues[2].member_ids
    )
    features = issues[0].article_features
    np.testing.assert_array_equal(features[:, -M:], np.eye(M))


def test_what_matches_is_kept_and_nothing_else() -> None:
    log = logged(200, 2)
    place = Replay(log, seed=3, issues=2)
    context = place.issue(2)
    slates = draw(
        SlotPmf(np.zeros((100, M)), lambda s, open: open / open.sum(1, keepdims=True)), context, 9
    )
    feedback = place.respond(context, slates)
    rows = place.find_rows(context)
    match = slates.choice[:, 0] == log.choice[rows]
    assert 10 < match.sum() < 45
    np.testing.assert_array_equal(feedback.opened, match)
    assert feedback.delivered.all()
    np.testing.assert_array_equal(feedback.clicked[:, 0], match & log.clicked[rows])
    np.testing.assert_array_equal(place.expected(context, slates)[:, 0], match & log.clicked[rows])
    back = np.arange(100)[::-1]
    turned = place.respond(context.take(back), slates.take(back))
    np.testing.assert_array_equal(turned.clicked, feedback.clicked[back])


def test_a_policy_is_taught_what_was_kept() -> None:
    log, policy = logged(300, 3), Fixed()
    result = evaluate_by_replay(policy, log, seed=5, batches=7)
    assert len(policy.taught) == 7
    assert (
        sum(len(round.list_exposures()[0]) for round in policy.taught)
        == result.kept
        < result.rounds
        == 300
    )
    for round in policy.taught:
        rows, _, index, clicked = round.list_exposures()
        at = round.context.member_ids[rows] - 1
        np.testing.assert_array_equal(index, log.choice[at])
        np.testing.assert_array_equal(clicked, log.clicked[at])
    assert evaluate_by_replay(Fixed(), log, seed=5, batches=7) == result


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


def test_what_a_log_cannot_tell_is_refused(tmp_path: Path) -> None:
    place = Replay(logged(30, 1), issues=3)
    with pytest.raises(
        ValueError, match="made is a log: it does not tell what a member would have clicked on"
    ):
        place.truth(place.issue(1))
    with pytest.raises(ValueError, match="made is a log: nobody knows how its members differ"):
        place.hyperparameters()
    for number, message in [
        (0, "issue = 0; must be at least 1"),
        (4, "issue = 4; the log is cut into 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            place.issue(number)
    with pytest.raises(ValueError, match="issues = 31; made has 30 rounds"):
        Replay(logged(30, 1), issues=31)
    (tmp_path / "news.tsv").write_text("N1\tc\ts\tOne\t\nN2\tc\ts\tTwo\t\n")
    (tmp_path / "behaviors.tsv").write_text("1\tU1\t11/15/2019 9:05:58 AM\t\tN1-1 N2-0\n")
    with pytest.raises(
        ValueError, match=r"behaviors\.tsv: replay needs one choice a round and its propensity"
    ):
        Replay(Mind(str(tmp_path)))


@given(st.integers(1, 40), st.floats(0.01, 0.99), st.floats(0.5, 0.99))
def test_the_interval_covers_as_it_says(kept: int, rate: float, level: float) -> None:
    """By every outcome's probability, not by simulation."""
    outcomes = np.arange(kept + 1)
    found = [exact_interval(int(clicks), kept, level) for clicks in outcomes]
    held = [interval.low <= rate <= interval.high for interval in found]
    assert binom.pmf(outcomes, kept, rate)[held].sum() >= level - 1e-9
    assert all(interval.low <= interval.estimate <= interval.high for interval in found)


def test_the_interval_in_closed_form() -> None:
    none = exact_interval(0, 280)
    assert (none.low, none.estimate) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 280))
    assert exact_interval(7, 7, 0.9).low == pytest.approx(0.05 ** (1 / 7))
    for clicks, kept, level in [(-1, 3, 0.9), (4, 3, 0.9), (0, 0, 0.9), (1, 3, 1.0)]:
        with pytest.raises(ValueError, match="no such interval"):
            exact_interval(clicks, kept, level)


def test_an_article_is_known_by_its_number() -> None:
    encoder = ArticleNumbers(["one. ", "two. "])
    np.testing.assert_array_equal(
        encoder.encode(["two. ", "one. ", "new"]), [[0, 1], [1, 0], [0, 0]]
    )
    assert encoder.name != ArticleNumbers(["two. ", "one. "]).name


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """A file for a loader: readers click where their first number names the article."""
    rng = np.random.default_rng(5)
    features = rng.integers(0, 10, (1500, 100))
    shown = rng.integers(0, 10, 1500)
    click = (rng.random(1500) < np.where(shown == features[:, 0] // 5, 0.8, 0.1)).astype(int)
    table = {
        "arm": shown + 1,
        "click": click,
        "features": [" ".join(map(str, row)) for row in features],
    }
    pd.DataFrame(table).to_csv(tmp_path / "ten.csv", index=False)
    return tmp_path / "ten.csv"


POLICIES: list[Callable[[], dict[str, Any]]] = [
    lambda: {"_target_": "bandit.policies.popular.Popular", "looks": 5.0},
    lambda: {"_target_": "bandit.policies.random.Random"},
]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_unit_runs_on_a_log_and_resumes_from_its_own(
    tmp_path: Path, ten: Path, policy: Callable[[], dict[str, Any]]
) -> None:
    loader = {"_target_": "simulators.replay.loaders.columbia.Columbia", "path": str(ten)}
    config = {"_target_": "simulators.replay.replay.Replay", "log": loader, "issues": 5}
    run_unit(tmp_path / "whole", policy(), config, seed=11)
    sent = [
        pd.read_json(path, typ="series")
        for path in sorted((tmp_path / "whole/issues").glob("*.json"))
    ]
    result = evaluate_by_replay(make(policy()), make(loader), seed=11, batches=5)
    assert sum(issue["opened"] for issue in sent) == result.kept
    assert sum(issue["delivered"] for issue in sent) == result.rounds
    assert result.rejection
    assert sum(issue["clicks"] for issue in sent) == pytest.approx(
        result.kept * result.rejection.estimate
    )

    cut = tmp_path / "cut"
    run_unit(cut, policy(), config, seed=11)
    for gone in (
        "done.json",
        "log/004.parquet",
        "log/005.parquet",
        "issues/004.json",
        "issues/005.json",
    ):
        (cut / gone).unlink()
    run_unit(cut, policy(), config, seed=11)
    for path in sorted((tmp_path / "whole").rglob("*.*")):
        assert (cut / path.relative_to(tmp_path / "whole")).read_bytes() == path.read_bytes(), path


def test_the_config_names_a_loader_that_says_what_it_needs() -> None:
    from omegaconf import OmegaConf

    config = resolve(OmegaConf.load(Path(__file__).parents[2] / "configs/simulator/replay.yaml"))
    assert config["log"]["_target_"] == "simulators.replay.loaders.open_bandit.OpenBandit"
    config["log"]["folder"] = "nowhere"
    with pytest.raises(ValueError, match="`make data` fetches it"):
        make(config, seed=1)


def test_greedy_policies_keep_about_one_in_m() -> None:
    """A policy that never explores is replayed as well: uniform choices match one in m."""

    class Greedy(Fixed):
        def plan(self, context: Context) -> SlotPmf:
            return SlotPmf(WANTS[self.group(context)], greedy)

    result = evaluate_by_replay(Greedy(), logged(4000, 6), batches=2)
    assert abs(result.kept - 1000) < 4 * np.sqrt(4000 * 0.25 * 0.75)
    assert result.rejection
    assert result.rejection.low <= WANTS.max(axis=1).mean() <= result.rejection.high
