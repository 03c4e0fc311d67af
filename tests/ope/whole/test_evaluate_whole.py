"""Whole newsletters judged: identities, coverage, and every refusal by name."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.ope.intervals import normal_interval
from bandit.ope.trust import limits
from bandit.ope.whole.assumptions import APART
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from tests.support.ope_cases import assert_same_interval
from tests.support.whole_cases import make_beside


def test_the_policy_that_logged_earns_what_was_sent() -> None:
    log, _ = make_beside(np.random.default_rng(1), greed=0.0)
    answer = evaluate_whole(log, level=0.8)
    own = np.bincount(log.rows, log.reward.sum(axis=1), 6000)
    sent = normal_interval(own, log.members, 0.8)
    assert_same_interval(answer.sent, sent)
    for each in answer.estimates:
        assert (each.reason, round(each.ess)) == ("", 6000)
        assert each.interval is not None
        assert each.change is not None
        assert_same_interval(each.interval, sent)
        assert abs(each.change.estimate) + abs(each.change.high) < 1e-9
        assert each.lift is not None
        assert abs(each.lift.estimate) + abs(each.lift.high) < 1e-9
    assert [each.estimator for each in answer.estimates] == list(APART)


def test_intervals_cover_and_position_based_ones_are_narrower() -> None:
    rng, runs, inside, width = np.random.default_rng(2), 200, np.zeros((2, 3)), np.zeros(2)
    for _ in range(runs):
        log, value = make_beside(rng)
        answer = evaluate_whole(log)
        sent = 0.4 * np.linspace(0.3, 0.05, 8).mean() * 2.4
        for i, each in enumerate(answer.estimates):
            if each.interval is None or each.change is None or each.lift is None:
                assert "contradicts" in each.reason or "depend" in each.reason
                inside[i] += 0.95
                continue
            inside[i, 0] += each.interval.low <= value <= each.interval.high
            inside[i, 1] += each.change.low <= value - sent <= each.change.high
            inside[i, 2] += each.lift.low <= value / sent - 1 <= each.lift.high
            width[i] += each.interval.high - each.interval.low
    assert (np.abs(inside - 0.95 * runs) < 3.5 * np.sqrt(0.95 * 0.05 * runs)).all(), inside
    assert width[1] < 0.8 * width[0]


def refusals(log: Beside, **limits: float) -> list[str]:
    answer = evaluate_whole(log, **limits)
    for each in answer.estimates:
        assert (each.interval is None) == bool(each.reason) == (each.change is None)
    return [each.reason for each in answer.estimates]


def test_best_is_the_narrowest_that_may_be_believed() -> None:
    log, _ = make_beside(np.random.default_rng(3))
    best = evaluate_whole(log).best
    assert best is not None
    assert best.estimator == "position_based"
    assert evaluate_whole(log, least_ess=1e9).best is None


def test_clicks_that_depend_on_other_slots_are_refused() -> None:
    log, _ = make_beside(np.random.default_rng(4))
    leaning = log.leans + np.array([0.0, 0.4])
    why = "clicks depend on the articles below (p = "
    assert all(each.startswith(why) for each in refusals(replace(log, leans=leaning)))


def test_a_click_that_ends_the_reading_is_refused() -> None:
    log, _ = make_beside(np.random.default_rng(13), n=20_000)
    first = log.reward * (np.cumsum(log.reward, axis=1) == 1)
    for why in refusals(replace(log, reward=first)):
        assert why.startswith("a click in one slot keeps others away (p = ")


def test_what_the_logger_never_shows_is_refused() -> None:
    log, _ = make_beside(np.random.default_rng(5))
    supported = log.supported.copy()
    supported[:, 1] = False
    (why, again) = refusals(replace(log, supported=supported))
    assert why == again
    assert why.startswith("at slot 2 the logging policy may never show 8")
    assert why.endswith("% of what this policy wants, more than 1%")


def test_weights_that_do_not_average_1_are_refused() -> None:
    log, _ = make_beside(np.random.default_rng(6))
    wrong = log.target.copy()
    wrong[:, 2] *= 1.3
    one, other = refusals(replace(log, target=np.minimum(wrong, 1)))
    assert one.startswith("the weights at slot 3 average 1.")
    assert one.endswith("and must average 1: chances are not known well")
    assert other.startswith("the weights average 1.")


def test_too_few_sends_are_refused() -> None:
    log, _ = make_beside(np.random.default_rng(7))
    one, other = refusals(log, least_ess=5900.0)
    assert one.startswith("at slot ")
    assert " the 6,000 sends count as " in one
    assert one.endswith("that chose as this policy would, fewer than 5900")
    assert other.startswith("the 6,000 sends count as ")


def test_too_few_clicks_are_refused() -> None:
    log, _ = make_beside(np.random.default_rng(8))
    for why in refusals(log, least_clicks=5000.0):
        assert why.startswith("the clicks count as ")
        assert why.endswith(" of equal weight, fewer than 5000")


def test_one_click_that_is_the_estimate_is_refused_by_name() -> None:
    log, _ = make_beside(np.random.default_rng(9))
    row, slot = np.argwhere(log.reward)[5]
    heavy = log.logged.copy()
    heavy[row, slot, slot] = 1e-7
    one, _ = refusals(replace(log, logged=heavy))
    assert one.startswith(f"one click, of send {log.rows[row]}, slot {slot + 1}, is ")
    answer = evaluate_whole(replace(log, logged=heavy), name=lambda i: f"member m{i}, May")
    assert f"of member m{log.rows[row]}, May, slot" in answer.estimates[0].reason


def test_clicks_on_nothing_that_the_target_would_show_are_refused() -> None:
    assert limits.find_heaviest(np.zeros((4, 2)), str, np.arange(4), 30.0) == (
        "no click was of an article that this policy would show there"
    )


def test_looks_that_depend_on_more_than_the_slot_are_refused() -> None:
    """The first article is never looked at in the first slot, where the target shows it."""
    rng = np.random.default_rng(10)
    log, _ = make_beside(rng, n=30_000, greed=0.9)
    item = log.target[:, 0, 0] > 0.5
    reward = log.reward.copy()
    reward[item, 0] = 0
    one, other = refusals(replace(log, reward=reward))
    assert one == ""
    assert other.startswith("it contradicts what item-position weights say by +")
    assert other.endswith("looks depend on more than the slot")


def test_without_clicks_there_is_no_estimate() -> None:
    log, _ = make_beside(np.random.default_rng(11))
    assert refusals(replace(log, reward=0 * log.reward)) == ["nothing was clicked"] * 2
    wrong = replace(log, target=0 * log.target)
    assert refusals(wrong)[0].startswith(
        "at slot 1 the 6,000 sends count as 0 that chose as this policy"
    )
    none = replace(log, sampled=np.zeros_like(log.sampled))
    assert refusals(none)[0].startswith("too few sends were looked at to see how large")


def test_limits_are_checked() -> None:
    log, _ = make_beside(np.random.default_rng(12))
    with pytest.raises(ValueError, match="least_ess = 0; must be at least 1"):
        evaluate_whole(log, least_ess=0)
    with pytest.raises(ValueError, match=r"least_clicks = 0.5; must be at least 1"):
        evaluate_whole(log, least_clicks=0.5)
