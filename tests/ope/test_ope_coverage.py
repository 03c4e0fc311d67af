"""Off-policy answers: intervals that cover, and no number where the log cannot tell."""

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Bools, Floats, Ints
from bandit.ope import estimators
from bandit.ope.evaluate import ESTIMATORS, evaluate
from bandit.ope.intervals import normal_interval
from bandit.slates import exploration
from tests.support.ope_cases import (
    LOGGER,
    assert_same_interval,
    list_slates,
    make_plain_log,
    replay_plan,
)

# coverage: fixed seeds, nominal 95 %


def test_all_estimators_cover_on_slates_with_cascading_clicks_and_ips_terms_are_unbiased() -> None:
    rules, sends, runs = Rules(slots=3), 3000, 400
    scores = ([0.9, -0.4, 0.3, 1.7, 0.1], [0.2, 1.1, 0.8, -0.5, 0.6])
    choice, logged = list_slates(5, rules, LOGGER, scores[0])
    target = replay_plan(choice, 5, rules, exploration.epsilon_greedy(0.6), scores[1])
    rng = np.random.default_rng(16)
    appeal = rng.uniform(0.1, 0.6, 5)[choice]
    click = appeal * np.cumprod(
        np.c_[np.ones(len(choice)), 1 - appeal[:, :-1]], axis=1
    )  # a slot depends on those above
    value = float((target.prod(axis=1)[:, None] * click).sum())
    chance = logged.prod(axis=1) / logged.prod(axis=1).sum()
    covered, estimates = dict.fromkeys(ESTIMATORS, 0), {name: np.empty(runs) for name in ESTIMATORS}
    members = np.arange(sends) % 600
    for run in range(runs):
        drawn = rng.choice(len(choice), sends, p=chance)
        reward = rng.random((sends, 3)) < click[drawn] * rng.uniform(0.5, 1.5, 600)[members, None]
        for name, estimator in ESTIMATORS.items():
            interval = normal_interval(estimator(logged[drawn], target[drawn], reward), members)
            covered[name] += interval.low <= value <= interval.high
            estimates[name][run] = interval.estimate
    for name in ESTIMATORS:
        assert abs(covered[name] - 0.95 * runs) < 3.5 * np.sqrt(0.95 * 0.05 * runs), (name, covered)
    for name in ("ips", "cascade"):
        spread = estimates[name].std(ddof=1) / np.sqrt(runs)
        assert abs(estimates[name].mean() - value) < 3.5 * spread, name
    assert estimates["cascade"].std() < 0.9 * estimates["ips"].std()


def test_clusters_are_needed_where_a_member_s_sends_agree() -> None:
    rng, runs, members = np.random.default_rng(17), 300, np.repeat(np.arange(100), 10)
    clustered = single = 0
    for _ in range(runs):
        terms = rng.normal(size=100)[members] + rng.normal(size=1000)
        robust, naive = normal_interval(terms, members), normal_interval(terms)
        clustered += robust.low <= 0 <= robust.high
        single += naive.low <= 0 <= naive.high
    assert abs(clustered - 0.95 * runs) < 3.5 * np.sqrt(0.95 * 0.05 * runs)
    assert single < 0.8 * runs


def newsletter(
    rng: np.random.Generator, sends: int, best: float, worst: float
) -> tuple[Floats, Floats, Bools, Ints, float]:
    """A uniform log over 40 articles, one slot; a target that shows the first with .95, else any.

    37 % open, 14 sends a member. Clicks fall (or rise) from `best` to `worst`. Returns logged,
    target, reward, members and the true value.
    """
    m, share = 40, 0.05
    appeal = np.linspace(best, worst, m)
    members = np.arange(sends) % (sends // 14)
    opens = rng.beta(0.74, 1.26, sends // 14)[members]
    shown = rng.integers(m, size=sends)
    target = share / m + (1 - share) * (shown == 0)
    clicked = (rng.random(sends) < opens) & (rng.random(sends) < appeal[shown])
    value = 0.37 * (share * appeal.mean() + (1 - share) * best)
    return np.full((sends, 1), 1 / m), target[:, None], clicked[:, None], members, value


@pytest.mark.parametrize(("best", "worst"), [(0.2, 0.02), (0.02, 0.2)], ids=["good", "poor"])
def test_what_evaluate_reports_covers(best: float, worst: float) -> None:
    rng, runs, reported = np.random.default_rng(18), 300, 0
    covered = dict.fromkeys(ESTIMATORS, 0)
    for _ in range(runs):
        logged, target, reward, members, value = newsletter(rng, 21_000, best, worst)
        estimates = evaluate(logged, target, reward, np.ones(logged.shape, dtype=bool), members)
        reported += estimates[0].interval is not None
        for estimate in estimates:
            if estimate.interval is not None:
                covered[estimate.estimator] += (
                    estimate.interval.low <= value <= estimate.interval.high
                )
    assert reported > 0.9 * runs
    for name in ESTIMATORS:
        assert covered[name] > 0.95 * reported - 3.5 * np.sqrt(0.95 * 0.05 * reported), (
            name,
            covered,
        )


def test_what_evaluate_refuses_would_not_have_covered() -> None:
    rng, runs, covered = np.random.default_rng(19), 200, 0
    for _ in range(runs):
        logged, target, reward, members, value = newsletter(rng, 2800, 0.02, 0.2)
        estimate = evaluate(logged, target, reward, np.ones(logged.shape, dtype=bool), members)[3]
        assert estimate.interval is None
        assert "at slot 1 the 2,800 sends count as" in estimate.reason
        interval = normal_interval(estimators.cascade_sn(logged, target, reward), members)
        covered += interval.low <= value <= interval.high
    assert covered < 0.7 * runs


# evaluate: what it reports, what it refuses and why


def test_evaluate_gives_every_estimator_on_the_whole_slate_where_it_can() -> None:
    logged, target, reward, support, members = make_plain_log()
    estimates = evaluate(logged, target, reward, support, members, level=0.8)
    assert [e.estimator for e in estimates] == ["ips", "snips", "cascade", "cascade_sn"]
    for e in estimates:
        assert (e.slots, e.reason, e.ess) == (3, "", 4000)
        assert e.interval is not None
        assert_same_interval(e.interval, normal_interval(reward.sum(axis=1), members, 0.8))


def test_evaluate_stops_above_the_slot_that_is_too_thin() -> None:
    logged, target, reward, support, members = make_plain_log()
    target[499:, 2] = 0
    target[2000:, 1] = 0
    for e in evaluate(logged, target, reward, support, members):
        assert (e.slots, e.ess) == (2, 2000)
        few = "the 4,000 sends count as 499 that chose as this policy would, fewer than 500"
        assert e.reason == f"at slot 3 {few}"
        estimator = ESTIMATORS[e.estimator]
        assert e.interval is not None
        assert_same_interval(
            e.interval,
            normal_interval(estimator(logged[:, :2], target[:, :2], reward[:, :2]), members),
        )
    assert evaluate(logged, target, reward, support, members, least_ess=499)[0].slots == 3


def test_evaluate_gives_no_number_where_the_logger_may_never_show_what_the_target_wants() -> None:
    logged, target, reward, support, members = make_plain_log()
    logged[:, 0], target[:, 0], support[:, 0] = 1.0, 0.9, False
    for e in evaluate(logged, target, reward, support, members):
        assert (e.interval, e.slots) == (None, 0)
        assert e.ess == pytest.approx(4000)
        assert (
            e.reason
            == "at slot 1 the logging policy may never show 10.0% of what this policy wants, "
            "more than 1%"
        )
    target[:, 0] = 0.995
    assert evaluate(logged, target, reward, support, members)[0].slots == 3
    support[:, 1] = False
    assert evaluate(logged, target, reward, support, members)[0].slots == 1


def test_evaluate_gives_no_number_without_clicks_enough() -> None:
    logged, target, reward, support, members = make_plain_log()
    reward[:] = 0
    reward[:9, 0] = 1
    first = evaluate(logged, target, reward, support, members)[0]
    assert first.interval is None
    assert (
        first.reason == "at slot 1 the sends that count hold about 9.0 with a click, fewer than 10"
    )
    assert (
        evaluate(logged, target, reward, support, members, least_clicks=9)[0].interval is not None
    )
    reward[20:29, 1] = (
        1  # 18 sends with a click on the first two slots, half of them worth nothing at slot 3
    )
    target[2000:, 2] = 0
    assert evaluate(logged, target, reward, support, members, least_clicks=9)[0].slots == 3
    assert evaluate(logged, target, reward, support, members, least_clicks=9.5)[0].slots == 0


def test_evaluate_of_a_target_that_shares_no_slate_with_the_log() -> None:
    logged, target, reward, support, members = make_plain_log()
    target[:] = 0
    assert all(
        (e.interval, e.ess) == (None, 0) for e in evaluate(logged, target, reward, support, members)
    )
