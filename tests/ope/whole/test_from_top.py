"""Weights from the top on whole newsletters: identities, and when they are the answer."""

from dataclasses import replace

import numpy as np

from bandit.core.types import Floats
from bandit.ope import estimators
from bandit.ope.evaluate import evaluate
from bandit.ope.intervals import normal_interval
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import WholeAnswer, evaluate_whole
from bandit.ope.whole.from_top import FromTop
from bandit.ope.whole.looks import find_change, look_by_issue
from tests.support.ope_cases import assert_same_interval
from tests.support.whole_cases import make_beside


def know_top(log: Beside, near: float) -> Beside:
    """The same with a target that differs little from the logger at each slot, given the above.

    near: 1 is the logger itself
    """
    n, k = len(log.members), log.reward.shape[1]
    reward = np.zeros((n, k))
    reward[log.rows] = log.reward
    rng = np.random.default_rng(41)
    logged = np.full((n, k), 0.125)
    target = near * logged + (1 - near) * rng.choice([0.05, 0.2], (n, k))
    return replace(log, from_top=FromTop(logged, target, reward, np.ones((n, k), dtype=bool)))


def judge(log: Beside) -> WholeAnswer:
    seen = log.from_top
    assert seen is not None
    top = evaluate(seen.logged, seen.target, seen.reward, seen.supported, log.members)
    return evaluate_whole(log, top=top[0])


def give(answer: WholeAnswer) -> list[str]:
    return [each.estimator for each in answer.estimates if each.interval]


def test_the_policy_that_logged_earns_what_was_sent_by_every_estimate() -> None:
    log, _ = make_beside(np.random.default_rng(1), greed=0.0)
    answer = judge(know_top(log, 1.0))
    assert give(answer) == ["snips", "cascade_sn", "item_position", "position_based"]
    for each in answer.estimates:
        assert each.interval is not None
        assert_same_interval(each.interval, answer.sent)


def test_one_slot_makes_all_of_them_self_normalised_or_plain_ips() -> None:
    log, _ = make_beside(np.random.default_rng(2), looks=(1.0,), share=1.0)
    target = log.target[:, :, 0]
    top = know_top(log, 1.0).from_top
    assert top is not None
    one = judge(replace(log, from_top=replace(top, target=target)))
    snips, cascade, item, position = (each.interval for each in one.estimates)
    assert snips == cascade
    assert item is not None
    assert position is not None
    assert_same_interval(item, position)


def test_where_clicks_depend_on_slots_above_the_cascade_is_the_answer() -> None:
    log, _ = make_beside(np.random.default_rng(3))
    log = know_top(log, 0.6)
    above = judge(replace(log, leans=log.leans + np.array([0.4, 0.0])))
    assert give(above) == ["snips", "cascade_sn"]
    assert above.best is not None
    assert above.best.reason == ""
    below = judge(replace(log, leans=log.leans + np.array([0.0, 0.4])))
    assert give(below) == ["snips"]
    assert below.estimates[1].reason.startswith("clicks depend on the articles below (p = ")


def test_a_log_of_which_only_the_top_is_known_answers_by_what_assumes_nothing() -> None:
    log, _ = make_beside(np.random.default_rng(4))
    known = know_top(log, 0.6)
    assert known.from_top is not None
    answer = judge(Beside.know_top(log.members, known.from_top))
    assert give(answer) == ["snips"]
    assert answer.estimates[1].reason == (
        "the log cannot tell whether clicks depend on other slots"
    )
    whole = judge(known)
    assert answer.sent == whole.sent
    assert answer.estimates[0] == whole.estimates[0]


def test_what_contradicts_an_estimate_that_assumes_less_is_refused() -> None:
    """Clicks come where the target's newsletters are likelier as a whole than slot by slot."""
    log, _ = make_beside(np.random.default_rng(5), n=20_000, greed=0.0)
    known = know_top(log, 0.6)
    top = known.from_top
    assert top is not None
    w: Floats = (top.target / top.logged).prod(axis=1)
    reward = top.reward * (w > np.median(w))[:, None]
    told = replace(known, from_top=replace(top, reward=reward), reward=reward[log.rows])
    reasons = [each.reason for each in judge(told).estimates]
    assert reasons[0] == ""
    assert reasons[2].startswith("it contradicts what snips weights say by ")
    assert reasons[2].endswith("clicks a send: clicks depend on other slots")


def test_looks_and_change_are_those_of_the_estimate() -> None:
    log, _ = make_beside(np.random.default_rng(6))
    known = know_top(log, 0.6)
    answer = judge(known)
    for each in answer.estimates[:2]:
        assert each.change is not None
        assert_same_interval(
            normal_interval(find_change(known, each.estimator), log.members), each.change
        )
        (look,) = look_by_issue([known], each.estimator)
        assert look.interval is not None
        assert abs(look.interval.estimate - each.change.estimate) < 1e-12


def test_joined_issues_keep_what_is_known_from_the_top() -> None:
    log, _ = make_beside(np.random.default_rng(7))
    known = know_top(log, 0.6)
    two = Beside.join([known, known])
    assert two.from_top is not None
    assert len(two.from_top.reward) == 2 * len(log.members)
    assert Beside.join([known, log]).from_top is None


def test_a_cascade_that_is_wrong_about_slots_below_is_refused() -> None:
    """The first slot is clicked only where the target's lower slots are likely."""
    log, _ = make_beside(np.random.default_rng(8), n=20_000, greed=0.0)
    known = know_top(log, 0.6)
    top = known.from_top
    assert top is not None
    below: Floats = (top.target / top.logged)[:, 1:].prod(axis=1)
    reward = top.reward.copy()
    reward[:, 0] *= below > np.median(below)
    lean = estimators.cascade(top.logged, top.target, reward) + 0.1
    told = replace(top, reward=reward, modelled=lean)
    by = {
        each.estimator: each.reason
        for each in judge(replace(known, from_top=told, reward=reward[log.rows])).estimates
    }
    assert by["snips"] == ""
    assert by["cascade_sn"].endswith("clicks a send: clicks depend on the slots below")
    assert by["cascade_dr"].endswith(
        "clicks a send: who opens depends on the articles, or clicks on the slots below"
    )
