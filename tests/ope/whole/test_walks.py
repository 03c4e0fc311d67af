"""Marginal chances: every slate added up, pins, caps and empty slots, drawn means, denominators."""

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Floats, SlotPmf
from bandit.ope.whole.position_based import estimate_curve, weigh_positions
from bandit.slates import exploration, walks
from bandit.slates.propensity import draw
from tests.support.ope_cases import LOGGER, SCORES, TARGETS, Explore, list_slates, make_issue
from tests.support.whole_cases import sum_chances

RULED = {
    "plain": Rules(slots=2),
    "pinned": Rules(slots=3, pins={2: "a1"}),
    "capped": Rules(slots=3, at_most={"kind": {"article": 1}}),
    "sections": Rules(slots=3, only={2: {"kind": ["event"]}, 3: {"kind": ["event"]}}),  # one event
}


def find(rules: Rules, explore: Explore, **given: object) -> tuple[Floats, Floats]:
    """Chances as found for the logger's every slate, and as added up."""
    choice, _ = list_slates(4, rules, LOGGER, SCORES[0])
    n = len(choice)
    plan = SlotPmf(np.tile(SCORES[1], (n, 1)), explore)
    found = walks.find_chances(plan, make_issue(n, 4, rules), choice, np.arange(n), 1, **given)
    return found, sum_chances(choice, 4, rules, explore, SCORES[1])


@pytest.mark.parametrize("explore", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("rules", RULED.values(), ids=RULED)
def test_chances_are_those_of_every_slate_added_up(rules: Rules, explore: Explore) -> None:
    found, expected = find(rules, explore)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rules", RULED.values(), ids=RULED)
def test_drawn_chances_come_near_them(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "FEW", 0)
    found, expected = find(rules, TARGETS["budgeted"], draws=4000)
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02)


def make_plans() -> tuple[Context, SlotPmf, SlotPmf]:
    n, m = 400, 9
    rng = np.random.default_rng(31)
    rules = Rules(slots=4, pins={2: "a4"}, at_most={"kind": {"article": 2}})
    context = make_issue(n, m, rules, rng.random((n, m)) < 0.8)
    scores = rng.normal(size=(n, m))
    return context, SlotPmf(scores, LOGGER), SlotPmf(scores[::-1], exploration.softmax(0.6))


def test_no_member_s_chances_depend_on_who_else_is_asked_about() -> None:
    context, plan, _ = make_plans()
    choice = draw(plan, context, 5).choice
    rows = np.array([7, 311, 12])
    for own in (False, True):
        every = walks.walk_beside(plan, context, choice, np.arange(400), 2, 3, own)
        some = walks.walk_beside(plan, context, choice[rows], rows, 2, 3, own)
        np.testing.assert_array_equal(every.choice[:, rows], some.choice)
        np.testing.assert_array_equal(every.chance[:, rows], some.chance)


def test_a_plan_that_cannot_be_divided_gives_the_same() -> None:
    context, plan, _ = make_plans()

    def explore(scores: Floats, open: Bools) -> Floats:
        return LOGGER(scores, open)

    whole = SlotPmf(plan.scores, explore)
    values = np.random.default_rng(4).normal(size=(400, 9))
    mean = walks.expect_first(plan, context, values)
    np.testing.assert_allclose(walks.expect_first(whole, context, values), mean, atol=1e-12)
    choice, rows = draw(plan, context, 5).choice[3:20], np.arange(3, 20)
    appeal = np.random.default_rng(3).normal(size=(17, 9, 2))
    for own in (False, True):
        first = walks.walk_beside(plan, context, choice, rows, 2, 3, own, appeal)
        second = walks.walk_beside(whole, context, choice, rows, 2, 3, own, appeal)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rules", RULED.values(), ids=RULED)
def test_what_the_first_slot_shows_is_a_mean_over_every_slate(rules: Rules) -> None:
    slates, propensity = list_slates(4, rules, LOGGER, SCORES[0])
    plan = SlotPmf(np.array([SCORES[0]]), LOGGER)
    values = np.array([[0.3, -1.1, 2.0, 0.7]])
    found = walks.expect_first(plan, make_issue(1, 4, rules), values)
    shown = np.where(slates[:, 0] >= 0, values[0, slates[:, 0]], 0.0)
    assert found[0] == pytest.approx(float(propensity.prod(axis=1) @ shown))


def test_slates_that_are_the_plan_s_own_come_first_with_their_propensities() -> None:
    context, plan, _ = make_plans()
    slates = draw(plan, context, 5)
    every = np.arange(400)
    found = walks.walk_beside(plan, context, slates.choice, every, 2, 3, own=True)
    np.testing.assert_array_equal(found.choice[0], slates.choice)
    at = np.arange(4)
    chance, filled = found.chance[0][:, at, at], slates.choice >= 0
    np.testing.assert_allclose(chance[filled], slates.propensity[filled], rtol=1e-12)


def test_the_mean_appeal_is_the_pmf_s() -> None:
    context, plan, _ = make_plans()
    slates = draw(plan, context, 5)
    appeal = np.zeros((400, 9, 9)) + np.eye(9)
    mean = walks.walk_beside(plan, context, slates.choice, np.arange(400), 2, 1, True, appeal).mean
    filled = slates.choice >= 0
    np.testing.assert_allclose(mean.sum(axis=2)[filled], 1, rtol=1e-12)
    shown = np.take_along_axis(mean, np.maximum(slates.choice, 0)[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(shown[filled], slates.propensity[filled], rtol=1e-12)


@pytest.mark.parametrize("draws", [1, 2])
def test_one_over_a_chance_that_was_drawn_has_no_bias(
    draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sent slate is one of the walks, so even with two or three of them weights average 1."""
    monkeypatch.setattr(walks, "FEW", 0)
    n, m, k = 40_000, 5, 3
    rng = np.random.default_rng(32)
    context = make_issue(n, m, Rules(slots=k))
    logger = SlotPmf(np.tile([0.9, -0.4, 0.3, 1.7, 0.1], (n, 1)), exploration.softmax(2.5))
    choice = draw(logger, context, 5).choice
    found = walks.walk_beside(logger, context, choice, np.arange(n), 2, draws, own=True)
    logged = found.chance.mean(axis=0)
    reward = rng.uniform(0.2, 1.4, (m, k))
    slot = np.arange(k)
    own = logged[:, slot, slot]
    # an article that stands above in every walk cannot be drawn; the rest of it is exact
    exact = sum_chances(
        np.tile(np.arange(m)[:, None], (1, k)),
        m,
        Rules(slots=k),
        logger.explore,
        [0.9, -0.4, 0.3, 1.7, 0.1],
    )[:, 0, :]
    for j in range(k):
        above = np.stack([(found.choice[:, :, :j] == a).any(axis=2).all(axis=0) for a in range(m)])
        hole = above.mean(axis=1)
        terms = exact[choice[:, j], j] / own[:, j] * reward[choice[:, j], j]
        value = (exact[:, j] * reward[:, j] * (1 - hole)).sum()
        error = terms.std(ddof=1) / np.sqrt(n)
        assert abs(terms.mean() - value) < 4 * error


def test_looks_and_weights_by_chances_of_several_slots_lean_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The target shows the first articles in order. With the sent slate among the walks below its
    own slot, the weights average 1.04, and looks at the last slot are 10 % too many."""
    monkeypatch.setattr(walks, "FEW", 0)
    n, m, k, rng = 40_000, 6, 3, np.random.default_rng(33)
    context, slot, curve = make_issue(n, m, Rules(slots=k)), np.arange(k), np.array([1.0, 0.7, 0.4])
    scores = np.tile([0.9, -0.4, 0.3, 1.7, 0.1, 0.5], (n, 1))
    logger = SlotPmf(scores, exploration.softmax(2.5))
    choice, rows = draw(logger, context, 5).choice, np.arange(n)
    beside = walks.walk_beside(logger, context, choice, rows, 2, 8, own=True)
    logged = walks.find_chances(logger, context, choice, rows, 2, walks=beside)
    weight = weigh_positions(logged, (choice[:, :, None] == slot).astype(float), curve)
    terms = (weight * curve).sum(axis=1) / curve.sum()
    assert abs(terms.mean() - 1) < 4 * terms.std() / np.sqrt(n)
    clicks = rng.random((n, k)) < rng.uniform(0.3, 1, m)[choice] * curve
    np.testing.assert_allclose(estimate_curve(logged, clicks), curve, rtol=0.04)


@pytest.mark.parametrize("own", [False, True])
def test_of_nobody_nothing_is_asked(own: bool) -> None:
    context, plan, _ = make_plans()
    none = np.zeros(0, dtype=np.int64)
    found = walks.walk_beside(plan, context, np.zeros((0, 4), dtype=np.int32), none, 2, 3, own)
    assert found.chance.shape == (3 + own, 0, 4, 4)
    again = walks.find_chances(plan, context, np.zeros((0, 4), dtype=np.int32), none, 2)
    assert again.shape == (0, 4, 4)


def test_draws_must_be_at_least_one() -> None:
    context, plan, _ = make_plans()
    choice = draw(plan, context, 5).choice
    with pytest.raises(ValueError, match="draws = 0; must be at least 1"):
        walks.find_chances(plan, context, choice, np.arange(400), 2, draws=0)
