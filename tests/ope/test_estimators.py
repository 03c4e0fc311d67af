"""Off-policy estimators: identities, exact unbiasedness over every slate, and errors."""

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import SlotPmf
from bandit.ope import estimators, inputs
from bandit.ope.evaluate import evaluate
from bandit.ope.inputs import check_inputs
from bandit.slates import exploration
from bandit.slates import propensity as slates
from tests.support.ope_cases import (
    LOGGER,
    SCORES,
    TARGETS,
    Estimator,
    Explore,
    draw_log,
    every_estimator,
    list_slates,
    make_issue,
    make_plain_log,
    replay_plan,
)

# identities


@every_estimator
def test_on_policy_every_estimator_is_the_mean_reward(estimator: Estimator) -> None:
    logged, _, reward = draw_log(np.random.default_rng(1))
    np.testing.assert_allclose(
        estimator(logged, logged, reward), reward.sum(axis=1), rtol=0, atol=1e-14
    )
    np.testing.assert_array_equal(estimators.ips(logged, logged, reward), reward.sum(axis=1))


def test_with_one_slot_cascade_is_ips() -> None:
    log = draw_log(np.random.default_rng(2), k=1)
    np.testing.assert_array_equal(estimators.cascade(*log), estimators.ips(*log))
    np.testing.assert_array_equal(estimators.cascade_sn(*log), estimators.snips(*log))


def test_with_reward_only_in_the_last_slot_cascade_is_ips() -> None:
    logged, target, reward = draw_log(np.random.default_rng(3))
    reward[:, :-1] = 0
    log = (logged, target, reward)
    np.testing.assert_allclose(estimators.cascade(*log), estimators.ips(*log), rtol=1e-14)
    np.testing.assert_allclose(estimators.cascade_sn(*log), estimators.snips(*log), rtol=1e-12)


@pytest.mark.parametrize("estimator", [estimators.snips, estimators.cascade_sn])
def test_self_normalised_terms_do_not_change_with_the_scale_of_the_weights(
    estimator: Estimator,
) -> None:
    logged, target, reward = draw_log(np.random.default_rng(4))
    scaled = estimator(logged, target * [0.3, 1, 0.7], reward)
    np.testing.assert_allclose(scaled, estimator(logged, target, reward), rtol=1e-12)


def test_self_normalised_estimates_follow_a_shift_and_stay_among_the_rewards() -> None:
    logged, target, reward = draw_log(np.random.default_rng(5), n=30)
    for estimator in (estimators.snips, estimators.cascade_sn):
        shifted = estimator(logged, target, reward + 2.5).mean()
        assert shifted == pytest.approx(
            estimator(logged, target, reward).mean() + 3 * 2.5, rel=1e-12
        )
        assert 0 <= estimator(logged, target, reward).mean() <= reward.max(axis=0).sum()


def test_snips_is_the_ratio_of_sums_and_its_spread_the_linearised_one() -> None:
    logged, target, reward = draw_log(np.random.default_rng(6))
    w, r = inputs.weights(logged, target)[:, -1], reward.sum(axis=1)
    value = (w * r).sum() / w.sum()
    terms = estimators.snips(logged, target, reward)
    assert terms.mean() == pytest.approx(value, rel=1e-13)
    assert terms.var() == pytest.approx((w**2 * (r - value) ** 2).mean() / w.mean() ** 2, rel=1e-12)


def test_cascade_sn_is_rips_which_normalises_the_running_product_at_each_slot() -> None:
    logged, target, reward = draw_log(np.random.default_rng(7))
    running, value = np.ones(len(logged)), 0.0
    for j in range(logged.shape[1]):
        running = running * target[:, j] / logged[:, j]
        running = running / running.mean()
        value += (running * reward[:, j]).mean()
    assert estimators.cascade_sn(logged, target, reward).mean() == pytest.approx(value, rel=1e-12)


@every_estimator
def test_clicks_may_be_booleans_and_propensities_narrow(estimator: Estimator) -> None:
    logged, target, reward = draw_log(np.random.default_rng(8))
    narrow = estimator(logged.astype(np.float32), target.astype(np.float32), reward > 0)
    np.testing.assert_allclose(
        narrow, estimator(logged, target, (reward > 0).astype(float)), rtol=1e-4, atol=1e-4
    )


# exact unbiasedness: a sum over every slate, propensities from the real walk


@pytest.mark.parametrize("explore", TARGETS.values(), ids=TARGETS)
def test_exactly_unbiased_over_every_slate(explore: Explore) -> None:
    rules = Rules(slots=2)
    choice, logged = list_slates(4, rules, LOGGER, SCORES[0])
    target = replay_plan(choice, 4, rules, explore, SCORES[1])
    assert len(choice) == 12
    chance, wanted = logged.prod(axis=1), target.prod(axis=1)
    assert chance.sum() == pytest.approx(1, abs=1e-12)
    assert wanted.sum() == pytest.approx(1, abs=1e-12)
    rng = np.random.default_rng(9)
    anything = rng.uniform(0, 2, (12, 2))  # every slot's reward depends on the whole slate
    down = anything.copy()
    down[:, 0] = rng.uniform(0, 2, 4)[choice[:, 0]]  # slot 1 depends on itself alone
    value = (wanted[:, None] * anything).sum()
    assert chance @ estimators.ips(logged, target, anything) == pytest.approx(value, abs=1e-12)
    assert abs(chance @ estimators.cascade(logged, target, anything) - value) > 1e-3
    assert chance @ estimators.ips(logged, target, down) == pytest.approx(
        (wanted[:, None] * down).sum(), abs=1e-12
    )
    assert chance @ estimators.cascade(logged, target, down) == pytest.approx(
        (wanted[:, None] * down).sum(), abs=1e-12
    )
    first = estimators.ips(
        logged[:, :1], target[:, :1], down[:, :1]
    )  # the first s slots, by slicing
    assert chance @ first == pytest.approx(wanted @ down[:, 0], abs=1e-12)
    np.testing.assert_allclose(chance @ inputs.weights(logged, target), 1, atol=1e-12)


def test_unbiased_around_pins_and_empty_slots_whose_ratio_is_1() -> None:
    rules = Rules(
        slots=4, pins={2: "a1"}, only={3: {"kind": ["event"]}, 4: {"kind": ["event"]}}
    )  # one event
    scores = ([0.9, -0.4, 0.3, 1.7, 0.1], [0.2, 1.1, 0.8, -0.5, 0.6])
    choice, logged = list_slates(5, rules, LOGGER, scores[0])
    target = replay_plan(choice, 5, rules, TARGETS["epsilon"], scores[1])
    assert (choice[:, 1] == 1).all()
    assert len(set(choice[:, 0])) > 1
    assert (choice[:, 2:] == [2, -1]).all()
    weights = inputs.weights(logged, target)
    np.testing.assert_array_equal(weights[:, 1:], weights[:, [0, 0, 0]])
    chance, wanted = logged.prod(axis=1), target.prod(axis=1)
    reward = np.random.default_rng(10).uniform(0, 2, choice.shape)
    value = (wanted[:, None] * reward).sum()
    assert chance @ estimators.ips(logged, target, reward) == pytest.approx(value, abs=1e-12)
    assert chance @ estimators.cascade(logged, target, reward) == pytest.approx(value, abs=1e-12)


def test_a_plan_replayed_on_its_own_draws_has_weight_1() -> None:
    n, m = 50, 7
    rules = Rules(slots=3, pins={1: "a4"}, at_most={"kind": {"article": 2}})
    eligible = np.random.default_rng(11).random((n, m)) < 0.7
    plan = SlotPmf(np.random.default_rng(12).normal(size=(n, m)), exploration.softmax(0.7))
    where = make_issue(n, m, rules, eligible)
    drawn = slates.draw(plan, where, seed=5)
    assert drawn.pinned.any()
    weights = inputs.weights(drawn.propensity, slates.replay(plan, where, drawn.choice))
    np.testing.assert_array_equal(weights, np.ones((n, 3)))


# errors


@every_estimator
@pytest.mark.parametrize(
    ("what", "where", "value", "says"),
    [
        (
            "logged",
            (17, 2),
            0.0,
            r"logged\[17, 2\] = 0.0; must be in \(0, 1\]: the logging policy could not have chosen",
        ),
        ("logged", (4, 0), 1.01, r"logged\[4, 0\] = 1.01; must be in \(0, 1\]"),
        ("logged", (4, 0), np.nan, r"logged\[4, 0\] = nan; must be in \(0, 1\]"),
        ("target", (3, 1), -0.1, r"target\[3, 1\] = -0.1; must be in \[0, 1\]"),
        ("target", (3, 1), np.inf, r"target\[3, 1\] = inf; must be in \[0, 1\]"),
        ("reward", (5, 2), np.nan, r"reward\[5, 2\] = nan; must be finite"),
        ("reward", (5, 2), -1e31, r"reward\[5, 2\] = -1e\+31; must be at most 1e\+30 in size"),
        (
            "logged",
            (9, 1),
            1e-200,
            r"weight\[9, 1\] = .*e\+1\d\d; must be at most 1e\+100: the log",
        ),
        ("logged", (9, 0), 5e-324, r"weight\[9, 0\] = inf; must be at most 1e\+100"),
    ],
)
def test_impossible_values_are_named(
    estimator: Estimator, what: str, where: tuple[int, int], value: float, says: str
) -> None:
    log = dict(
        zip(("logged", "target", "reward"), draw_log(np.random.default_rng(21)), strict=True)
    )
    log[what][where] = value
    with pytest.raises(ValueError, match=says):
        estimator(**log)


@every_estimator
def test_shapes_must_agree(estimator: Estimator) -> None:
    logged, target, reward = draw_log(np.random.default_rng(22))
    with pytest.raises(ValueError, match=r"target has shape \(200, 2\); must be \(200, 3\)"):
        estimator(logged, target[:, :2], reward)
    with pytest.raises(ValueError, match=r"reward has shape \(199, 3\); must be \(200, 3\)"):
        estimator(logged, target, reward[1:])
    with pytest.raises(ValueError, match=r"logged has shape \(0, 3\); must be \(sends, slots\)"):
        estimator(logged[:0], target[:0], reward[:0])
    with pytest.raises(ValueError, match=r"logged has shape \(200,\); must be \(sends, slots\)"):
        estimator(logged[:, 0], target[:, 0], reward[:, 0])


def test_a_propensity_that_is_1_but_for_rounding_is_accepted() -> None:
    almost = np.array([[sum([1 / 9] * 9)]])
    assert almost.max() > 1
    check_inputs(almost, almost)
    draws = np.tile([[2.0, 1.0, 0.0]], (9, 1, 1))
    assert exploration.thompson(draws, floor=0.0)(draws[0], np.ones((1, 3), dtype=bool)).max() == 1


@pytest.mark.parametrize("estimator", [estimators.snips, estimators.cascade_sn])
def test_self_normalised_needs_some_weight(estimator: Estimator) -> None:
    logged, target, reward = draw_log(np.random.default_rng(23))
    target[:, 1] = 0
    with pytest.raises(ValueError, match="every weight is 0 at slot 2"):
        estimator(logged, target, reward)


def test_evaluate_checks_its_own_arguments() -> None:
    logged, target, reward, support, members = make_plain_log()
    with pytest.raises(ValueError, match="full_support has shape"):
        evaluate(logged, target, reward, support[:, :1], members)
    with pytest.raises(ValueError, match="members has shape"):
        evaluate(logged, target, reward, support, members[1:])
    with pytest.raises(ValueError, match="least_ess = 0; must be at least 1"):
        evaluate(logged, target, reward, support, members, least_ess=0)
    with pytest.raises(ValueError, match="least_clicks = 0; must be at least 1"):
        evaluate(logged, target, reward, support, members, least_clicks=0)
    with pytest.raises(ValueError, match="1 cluster in 4000 terms"):
        evaluate(logged, target, reward, support, np.zeros_like(members))
