"""Item-position and position-based weights: identities, exact means over every slate, errors."""

from collections.abc import Callable

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Floats
from bandit.ope import estimators
from bandit.ope.inputs import weigh_items
from bandit.ope.whole.item_position import item_position
from bandit.ope.whole.position_based import (
    estimate_curve,
    position_based,
    position_based_learned,
    weigh_positions,
)
from tests.support.ope_cases import LOGGER, SCORES, TARGETS, Explore, list_slates
from tests.support.whole_cases import draw_chances, sum_chances

CURVE = np.array([1.0, 0.55, 0.7])
Estimator = Callable[[Floats, Floats, Floats], Floats]


def position_based_known(logged: Floats, target: Floats, reward: Floats) -> Floats:
    return position_based(logged, target, reward, CURVE[: reward.shape[1]])


every_whole = pytest.mark.parametrize(
    "estimator", [item_position, position_based_known, position_based_learned]
)


@every_whole
def test_with_one_slot_each_is_ips(estimator: Estimator) -> None:
    logged, target, reward = draw_chances(np.random.default_rng(1), k=1)
    expected = estimators.ips(logged[:, 0], target[:, 0], reward)
    np.testing.assert_allclose(estimator(logged, target, reward), expected, rtol=1e-12)


@every_whole
def test_on_policy_each_is_the_mean_reward(estimator: Estimator) -> None:
    logged, _, reward = draw_chances(np.random.default_rng(2))
    found = estimator(logged, logged, reward)
    np.testing.assert_allclose(found, reward.sum(axis=1), rtol=0, atol=1e-10)


def test_the_curve_s_scale_does_not_matter() -> None:
    logged, target, reward = draw_chances(np.random.default_rng(3))
    np.testing.assert_allclose(
        position_based(logged, target, reward, 0.3 * CURVE),
        position_based(logged, target, reward, CURVE),
        rtol=1e-12,
    )


RULED = {
    "plain": Rules(slots=3),
    "pinned": Rules(slots=3, pins={2: "a1"}),
    "capped": Rules(slots=3, at_most={"kind": {"article": 2}}),
}


@pytest.mark.parametrize("explore", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("rules", RULED.values(), ids=RULED)
def test_exactly_unbiased_over_every_slate(rules: Rules, explore: Explore) -> None:
    choice, logged = list_slates(4, rules, LOGGER, SCORES[0])
    wanted, chosen = list_slates(4, rules, explore, SCORES[1])
    before = sum_chances(choice, 4, rules, LOGGER, SCORES[0])
    after = sum_chances(choice, 4, rules, explore, SCORES[1])
    chance, mass = logged.prod(axis=1), chosen.prod(axis=1)
    rng, slot = np.random.default_rng(4), np.arange(3)
    free = np.append(rng.uniform(0, 2, (4, 3)), np.zeros((1, 3)), axis=0)  # -1, the last: empty
    value = mass @ free[wanted, slot].sum(axis=1)
    assert chance @ item_position(before, after, free[choice, slot]) == pytest.approx(value)
    looked = free[:, :1] * CURVE
    value = mass @ looked[wanted, slot].sum(axis=1)
    for estimator in (item_position, position_based_known):
        found = chance @ estimator(before, after, looked[choice, slot])
        assert found == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(chance @ weigh_items(before, after), 1, atol=1e-12)
    known = (choice >= 0) * weigh_positions(before, after, CURVE)
    assert chance @ known @ CURVE <= CURVE.sum() + 1e-12


def test_an_other_dependence_than_assumed_leaves_a_bias() -> None:
    rules = RULED["plain"]
    choice, logged = list_slates(4, rules, LOGGER, SCORES[0])
    target = list_slates(4, rules, TARGETS["epsilon"], SCORES[1])[1].prod(axis=1)
    before = sum_chances(choice, 4, rules, LOGGER, SCORES[0])
    after = sum_chances(choice, 4, rules, TARGETS["epsilon"], SCORES[1])
    reward = np.random.default_rng(5).uniform(0, 2, choice.shape)  # of the whole slate
    value = target @ reward.sum(axis=1)
    for estimator in (item_position, position_based_known):
        assert abs(logged.prod(axis=1) @ estimator(before, after, reward) - value) > 1e-3


# the curve


def test_the_curve_is_the_true_one_where_the_log_holds_every_slate_as_often_as_it_is_sent() -> None:
    choice, logged = list_slates(4, RULED["plain"], LOGGER, SCORES[0])
    before = sum_chances(choice, 4, RULED["plain"], LOGGER, SCORES[0])
    appeal = np.array([0.9, 0.2, 0.5, 0.07])
    reward = logged.prod(axis=1)[:, None] * appeal[choice] * CURVE
    np.testing.assert_allclose(estimate_curve(before, reward), CURVE, rtol=1e-7)


def test_under_a_uniform_logger_the_curve_is_the_clicks_of_each_slot() -> None:
    reward = (np.random.default_rng(6).random((500, 3)) < [0.3, 0.1, 0.2]).astype(float)
    reward[:, 1] *= 0
    found = estimate_curve(np.full((500, 3, 3), 0.2), reward)
    np.testing.assert_allclose(found, reward.sum(axis=0) / reward[:, 0].sum(), rtol=1e-9)
    assert found[1] == 0


def test_the_learned_curve_moves_terms_as_a_small_change_of_the_log_moves_the_estimate() -> None:
    """The influence function, by weighing one send a little more (finite differences)."""
    logged, target, reward = draw_chances(np.random.default_rng(7), n=60)

    def estimate(weight: Floats) -> float:
        counted = reward * weight[:, None]
        curve = estimate_curve(logged, counted)
        return float((weigh_positions(logged, target, curve) * counted).sum() / weight.sum())

    terms, even, small = position_based_learned(logged, target, reward), np.ones(60), 1e-4
    assert terms.mean() == pytest.approx(estimate(even), rel=1e-9)
    for i in (0, 17, 41):
        push = small * (np.arange(60) == i)
        moved = (estimate(even + push) - estimate(even - push)) / (2 * small) * 60
        assert terms[i] - terms.mean() == pytest.approx(moved, rel=1e-3, abs=1e-4)


def test_no_click_no_curve_and_no_clicks_estimated() -> None:
    logged, target, reward = draw_chances(np.random.default_rng(8))
    assert not position_based_learned(logged, target, 0 * reward).any()
    with pytest.raises(ValueError, match="nothing was clicked"):
        estimate_curve(logged, 0 * reward)


# errors


@every_whole
@pytest.mark.parametrize(
    ("what", "where", "value", "says"),
    [
        ("logged", (17, 2, 2), 0.0, r"logged\[17, 2\] = 0.0; must be in \(0, 1\]"),
        ("logged", (17, 2, 1), -0.1, r"logged\[17, 2, 1\] = -0.1; must be in \[0, 1\]"),
        ("target", (3, 0, 1), np.nan, r"target\[3, 0, 1\] = nan; must be in \[0, 1\]"),
        ("target", (3, 1, 1), 1.2, r"target\[3, 1\] = 1.2; must be in \[0, 1\]"),
        ("reward", (5, 2), np.nan, r"reward\[5, 2\] = nan; must be finite"),
    ],
)
def test_impossible_values_are_named(
    estimator: Estimator, what: str, where: tuple[int, ...], value: float, says: str
) -> None:
    log = dict(
        zip(("logged", "target", "reward"), draw_chances(np.random.default_rng(9)), strict=True)
    )
    log[what][where] = value
    with pytest.raises(ValueError, match=says):
        estimator(**log)


@every_whole
def test_shapes_must_agree(estimator: Estimator) -> None:
    logged, target, reward = draw_chances(np.random.default_rng(10))
    with pytest.raises(ValueError, match=r"target has shape \(200, 3, 2\); must be \(200, 3, 3\)"):
        estimator(logged, target[:, :, :2], reward)
    with pytest.raises(ValueError, match=r"reward has shape \(200, 2\); must be \(200, 3\)"):
        estimator(logged, target, reward[:, :2])
    with pytest.raises(ValueError, match=r"logged has shape \(200, 3\); must be \(sends, slots"):
        estimator(logged[:, 0], target, reward)


@pytest.mark.parametrize("curve", [[1.0, -0.1, 0.5], [0.0, 0.0, 0.0], [1.0, np.nan, 1.0]])
def test_a_curve_must_be_one(curve: list[float]) -> None:
    with pytest.raises(ValueError, match=r"curve = \[.*\]; must be finite, at least 0, and not"):
        position_based(*draw_chances(np.random.default_rng(11)), np.array(curve))
    with pytest.raises(ValueError, match=r"curve has shape \(2,\); must be \(3,\)"):
        position_based(*draw_chances(np.random.default_rng(11)), CURVE[:2])
