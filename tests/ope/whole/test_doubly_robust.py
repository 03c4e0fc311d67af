"""Doubly robust forms: identities, exact means with any model, folds without a click."""

from itertools import permutations

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Floats, Ints
from bandit.ope import estimators
from bandit.ope.folds import assign_folds, cross_fit
from bandit.ope.inputs import weigh_items, weights
from bandit.ope.whole.adaptive import weigh_readings
from bandit.ope.whole.doubly_robust import (
    cascade_dr,
    ips_dr,
    item_position_dr,
    repair,
)
from bandit.ope.whole.item_position import item_position
from bandit.ope.whole.position_based import position_based, weigh_positions
from bandit.ope.whole.pseudo_inverse import weigh_pairs
from tests.support.ope_cases import LOGGER, SCORES, TARGETS, draw_log, list_slates, replay_plan
from tests.support.whole_cases import draw_chances, sum_chances


def test_a_model_of_nothing_leaves_the_weights() -> None:
    chances, log = draw_chances(np.random.default_rng(1)), draw_log(np.random.default_rng(2))
    none = np.zeros((200, 3))
    np.testing.assert_allclose(
        item_position_dr(*chances, none, none), item_position(*chances), rtol=1e-12
    )
    np.testing.assert_allclose(cascade_dr(*log, none, none), estimators.cascade(*log), rtol=1e-12)
    flat = np.zeros(200)
    np.testing.assert_allclose(ips_dr(*log, flat, flat), estimators.ips(*log), rtol=1e-12)


def test_without_model_error_each_is_the_direct_method() -> None:
    rng = np.random.default_rng(3)
    logged, target, reward = draw_chances(rng)
    wanted = rng.random((200, 3))
    np.testing.assert_array_equal(
        item_position_dr(logged, target, reward, reward, wanted), wanted.sum(axis=1)
    )
    logged, target, reward = draw_log(rng)
    total = reward.sum(axis=1)
    np.testing.assert_array_equal(ips_dr(logged, target, reward, total, wanted[:, 0]), wanted[:, 0])
    first = cascade_dr(logged[:, :1], target[:, :1], reward[:, :1], reward[:, :1], wanted[:, :1])
    np.testing.assert_array_equal(first, wanted[:, 0])


def test_with_one_slot_all_three_are_one() -> None:
    rng = np.random.default_rng(4)
    logged, target, reward = draw_chances(rng, k=1)
    shown, wanted = rng.random((200, 1)), rng.random((200, 1))
    flat = (logged[:, 0], target[:, 0], reward)
    one = item_position_dr(logged, target, reward, shown, wanted)
    np.testing.assert_allclose(cascade_dr(*flat, shown, wanted), one, rtol=1e-12)
    np.testing.assert_allclose(ips_dr(*flat, shown[:, 0], wanted[:, 0]), one, rtol=1e-12)


@pytest.mark.parametrize("rules", [Rules(slots=2), Rules(slots=2, pins={1: "a1"})])
def test_exactly_unbiased_with_any_model(rules: Rules) -> None:
    explore = TARGETS["epsilon"]
    choice, logged = list_slates(4, rules, LOGGER, SCORES[0])
    target = replay_plan(choice, 4, rules, explore, SCORES[1])
    chance, mass = logged.prod(axis=1), target.prod(axis=1)
    before = sum_chances(choice, 4, rules, LOGGER, SCORES[0])
    after = sum_chances(choice, 4, rules, explore, SCORES[1])
    rng, slot = np.random.default_rng(5), np.arange(2)
    appeal, model = rng.uniform(0, 2, (2, 4, 2))
    reward, shown = appeal[choice, slot], model[choice, slot]
    slates, given = list_slates(4, rules, explore, SCORES[1])
    likely = given.prod(axis=1)
    value = likely @ appeal[slates, slot].sum(axis=1)
    wanted = np.tile(likely @ model[slates, slot], (len(choice), 1))
    found = chance @ item_position_dr(before, after, reward, shown, wanted)
    assert found == pytest.approx(value, abs=1e-12)
    anything, guess = rng.uniform(0, 2, (2, len(choice)))  # clicks and model of the whole slate
    both = np.c_[anything, np.zeros(len(choice))]
    mean = np.full(len(choice), mass @ guess)
    found = chance @ ips_dr(logged, target, both, guess, mean)
    assert found == pytest.approx(mass @ anything, abs=1e-12)
    down = reward.copy()
    down[:, 1] = rng.uniform(0, 2, (4, 4))[choice[:, 0], choice[:, 1]]  # depends on slot 1 as well
    same = choice[:, :1] == choice[:, 0]
    below = np.array([target[same_row, 1] @ shown[same_row, 1] for same_row in same])
    above = np.full(len(choice), likely @ model[slates[:, 0], 0])
    found = chance @ cascade_dr(logged, target, down, shown, np.c_[above, below])
    assert found == pytest.approx(mass @ down.sum(axis=1), abs=1e-12)


@pytest.mark.parametrize("rules", [Rules(slots=2), Rules(slots=2, pins={1: "a1"})])
def test_looks_by_slot_are_repaired_without_bias_by_any_appeal(rules: Rules) -> None:
    explore, curve = TARGETS["epsilon"], np.array([1.0, 0.4])
    choice, logged = list_slates(4, rules, LOGGER, SCORES[0])
    mass = replay_plan(choice, 4, rules, explore, SCORES[1]).prod(axis=1)
    chances = [
        sum_chances(choice, 4, rules, *plan) for plan in ((LOGGER, SCORES[0]), (explore, SCORES[1]))
    ]
    appeal, model = np.random.default_rng(9).uniform(0, 2, (2, 4))
    reward, shown = curve * appeal[choice], curve * model[choice]
    wanted = np.tile(mass @ shown, (len(choice), 1))
    weight = weigh_positions(*chances, curve)
    found = logged.prod(axis=1) @ repair(weight, reward, shown, wanted)
    assert found == pytest.approx(mass @ reward.sum(axis=1), abs=1e-12)
    none = np.zeros_like(shown)
    np.testing.assert_allclose(
        repair(weight, reward, none, none), position_based(*chances, reward, curve), rtol=1e-12
    )


def test_the_pseudo_inverse_is_repaired_without_bias_by_any_sum_over_pairs() -> None:
    choice = np.array(list(permutations(range(5), 3)))
    rng = np.random.default_rng(10)
    mass = rng.dirichlet(np.full(len(choice), 0.4))
    shows = choice[:, :, None] == np.arange(5)  # [s, k, m]
    asked = np.einsum("s,skm->mk", mass, shows)[choice]  # [s, j, l]: slot l shows what slot j did
    worth, model = rng.normal(size=(2, 3, 5))
    reward, shown = (np.einsum("skm,km->sk", shows, each) for each in (worth, model))
    reward = np.roll(reward, 1, axis=1)  # clicks may fall in other slots
    weight = weigh_pairs(asked, np.full(len(choice), 5))[:, None]
    found = repair(weight, reward, shown, np.tile(mass @ shown, (len(choice), 1)))
    assert found.mean() == pytest.approx(mass @ reward.sum(axis=1), abs=1e-12)
    with pytest.raises(ValueError, match=r"weight has shape \(60, 2\); must be \(60, 3\)"):
        repair(np.ones((60, 2)), reward, shown, shown)


def test_each_member_s_reading_is_repaired_without_bias_by_a_model_of_single_slots() -> None:
    explore, rules = TARGETS["epsilon"], Rules(slots=2)
    choice, logged = list_slates(4, rules, LOGGER, SCORES[0])
    target = replay_plan(choice, 4, rules, explore, SCORES[1])
    own = weigh_items(
        sum_chances(choice, 4, rules, LOGGER, SCORES[0]),
        sum_chances(choice, 4, rules, explore, SCORES[1]),
    )
    rng, slot, mass = np.random.default_rng(11), np.arange(2), target.prod(axis=1)
    appeal, model = rng.uniform(0, 2, (2, 4, 2))
    reward, shown = appeal[choice, slot], model[choice, slot]
    wanted = np.tile(mass @ shown, (len(choice), 1))
    for weight in weigh_readings(own, weights(logged, target)):
        found = logged.prod(axis=1) @ repair(weight, reward, shown, wanted)
        assert found == pytest.approx(mass @ reward.sum(axis=1), abs=1e-12)


def test_a_good_model_leaves_less_noise() -> None:
    rng, n = np.random.default_rng(6), 3000
    appeal = np.array([0.2, 0.7, 0.9])
    shown = rng.integers(3, size=n)
    logged, target = np.full((n, 1, 1), 1 / 3), np.array([0.1, 0.1, 0.8])[shown][:, None, None]
    reward = (rng.random(n) < appeal[shown]).astype(float)[:, None]
    mean = np.full((n, 1), appeal @ [0.1, 0.1, 0.8])
    robust = item_position_dr(logged, target, reward, appeal[shown][:, None], mean)
    assert robust.std() < 0.7 * item_position(logged, target, reward).std()


# folds


def test_a_member_s_sends_are_in_one_fold_whoever_else_there_is() -> None:
    members = np.arange(400) % 90
    fold = assign_folds(members, 3)
    assert all(len(set(fold[members == who])) == 1 for who in range(90))
    assert set(fold) == {0, 1, 2}
    np.testing.assert_array_equal(assign_folds(members[::-1], 3), fold[::-1])
    assert (assign_folds(members, 3, seed=1) != fold).any()
    with pytest.raises(ValueError, match="folds = 1; must be"):
        assign_folds(members, 1)


def test_a_model_never_sees_the_members_that_it_speaks_of_and_a_fold_may_have_no_click() -> None:
    rng = np.random.default_rng(7)
    members = rng.integers(40, size=300)
    reward = np.zeros(300)
    reward[members == members[0]] = 1.0  # all clicks are one member's: a fold has none
    heard: list[set[int]] = []

    def fit(on: Ints, of: Ints) -> tuple[Floats, Floats]:
        heard.append(set(members[on]) & set(members[of]))
        rate = reward[on].mean() if len(on) else 0.0
        return np.full((len(of), 1), rate), members[of].astype(float)[:, None]

    shown, wanted = cross_fit(members, fit)
    assert heard == [set(), set()]
    np.testing.assert_array_equal(wanted[:, 0], members)
    fold = assign_folds(members, 2)
    for each in (0, 1):
        assert shown[fold == each] == pytest.approx(reward[fold != each].mean())
    logged = np.full((300, 1, 1), 0.5)
    terms = item_position_dr(logged, logged, reward[:, None], shown, shown)
    assert terms.mean() == pytest.approx(reward.mean())


def test_models_must_fit() -> None:
    log = draw_chances(np.random.default_rng(8))
    with pytest.raises(ValueError, match=r"shown has shape \(200, 2\); must be \(200, 3\)"):
        item_position_dr(*log, np.zeros((200, 2)), np.zeros((200, 3)))
    with pytest.raises(ValueError, match="wanted"):
        item_position_dr(*log, np.zeros((200, 3)), np.full((200, 3), np.nan))
