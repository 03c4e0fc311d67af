"""Whole newsletters looked at after every issue: the sequence, and false alarms of A/A."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.ope.intervals import normal_interval
from bandit.ope.sequences import find_first
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from bandit.ope.whole.looks import find_change, lift_by_issue, look_by_issue
from tests.support.whole_cases import make_beside

M, SLOTS = 6, 2


def make_issues(seed: int, issues: int, members: int, apart: float) -> list[Beside]:
    """Uniform logs of the same members; the target shows articles 0 and 1 in order.

    apart: how much likelier these are clicked than the others, in all 0 where the target earns
        what was sent
    """
    rng = np.random.default_rng(seed)
    lasting = rng.beta(1, 6, members)
    found = []
    for _ in range(issues):
        choice = rng.permuted(np.tile(np.arange(M), (members, 1)), axis=1)[:, :SLOTS]
        chance = lasting[:, None] * np.where(choice < SLOTS, 1 + apart, 1.0)
        reward = (rng.random(choice.shape) < chance).astype(float)
        wanted = (choice[:, :, None] == np.arange(SLOTS)).astype(float)
        found.append(
            Beside(
                members=np.arange(members),
                rows=np.arange(members),
                sampled=np.ones(members, dtype=bool),
                reward=reward,
                supported=np.ones((members, SLOTS), dtype=bool),
                logged=np.full((members, SLOTS, SLOTS), 1 / M),
                target=wanted,
                leans=rng.normal(size=(members, SLOTS, 2, 2)),
            )
        )
    return found


def test_the_last_look_is_the_estimate_of_the_whole_log() -> None:
    log, _ = make_beside(np.random.default_rng(1))
    answer = evaluate_whole(log)
    for each in answer.estimates:
        assert each.change is not None
        looks = look_by_issue([log], each.estimator)
        assert looks[0].interval is not None
        assert looks[0].interval.estimate == pytest.approx(each.change.estimate, rel=1e-9)
        terms = find_change(log, each.estimator)
        plain = normal_interval(terms, log.members)
        error = (plain.high - plain.estimate) / 1.96
        assert looks[0].error == pytest.approx(error, rel=0.02)
        assert looks[0].interval.high - looks[0].interval.estimate > 3 * looks[0].error


def test_an_early_look_does_not_know_later_issues() -> None:
    issues = make_issues(2, 4, 500, 0.5)
    few, many = look_by_issue(issues[:2], "item_position"), look_by_issue(issues, "item_position")
    assert many[:2] == few
    assert look_by_issue(make_issues(3, 1, 20, 0.0), "item_position")[0].interval is None


def test_false_alarms_are_rare_however_often_one_looks_and_a_gain_is_found() -> None:
    alarms, looked, found = 0, 0, 0
    for seed in range(60):
        for estimator in ("item_position", "position_based"):
            looks = look_by_issue(make_issues(seed, 8, 300, 0.0), estimator)
            alarms += find_first(looks) is not None
            looked += 1
    for seed in range(10):
        found += (
            find_first(look_by_issue(make_issues(seed, 8, 1500, 1.0), "item_position")) is not None
        )
    assert alarms / looked <= 0.05
    assert found == 10


def test_a_look_that_cannot_know_what_a_click_keeps_away_has_no_interval() -> None:
    """Nobody has opened two newsletters after the first issue; a reading that ends with the first
    click is beyond what is allowed for."""
    issues = [replace(each, opened=np.ones(800, bool)) for each in make_issues(5, 3, 800, 0.8)]
    for estimator in ("item_position", "position_based"):
        first, *later = look_by_issue(issues, estimator)
        assert first.interval is None
        assert all(each.interval for each in later)
        unknown = [replace(each, opened=None) for each in issues]
        assert look_by_issue(unknown, estimator)[0].interval is not None
        ends = [
            replace(each, reward=each.reward * (np.cumsum(each.reward, axis=1) == 1))
            for each in issues
        ]
        assert all(each.interval is None for each in look_by_issue(ends, estimator))


def test_lifts_of_issues_are_parts_of_the_change_of_all() -> None:
    issues = make_issues(4, 3, 800, 0.8)
    for estimator in ("item_position", "position_based"):
        log = Beside.join(issues)
        change, own = find_change(log, estimator).mean(), 0.0
        lifts = lift_by_issue(issues, estimator)
        for issue, lift in zip(issues, lifts, strict=True):
            assert lift is not None
            assert lift.low < lift.estimate < lift.high
            own += lift.estimate * issue.count_clicks().sum() / len(log.members)
        assert own == pytest.approx(change, rel=1e-9)
    silent = replace(issues[0], reward=0 * issues[0].reward)
    assert lift_by_issue([silent, *issues[1:]], "item_position")[0] is None
