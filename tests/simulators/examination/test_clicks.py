"""Examination models: the exact quantities against enumeration and simulation."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from simulators.examination import models
from simulators.examination.em import fit
from simulators.examination.models import (
    Cascade,
    DependentClick,
    DynamicBayesian,
    Newsletter,
    PositionBased,
    UserBrowsing,
)
from simulators.examination.walk import (
    chance_of_click,
    expect_clicks,
    log_likelihood,
    perplexity,
    walk,
)
from tests.support.click_cases import (
    CONFIGS,
    TRUE,
    every,
    uniform,
)

# Identities


def test_the_models_and_their_configs_are_the_same_set() -> None:
    assert set(CONFIGS) == set(TRUE)
    for name, config in CONFIGS.items():
        made = getattr(models, config["_target_"].rpartition(".")[2])(
            **{k: v for k, v in config.items() if k != "_target_"}
        )
        assert type(made) is type(TRUE[name])
        assert made.chances(6).shape == (2, 7, 6)


@every
def test_chances_are_probabilities_and_fewer_slots_are_a_part_of_more_unless_the_end_matters(
    name: str,
) -> None:
    chances = TRUE[name].chances(6)
    assert ((chances >= 0) & (chances <= 1)).all()
    if name != "newsletter":
        assert np.array_equal(TRUE[name].chances(4), chances[:, :5, :4])


def test_position_based_with_ones_is_an_independent_coin_for_each_slot() -> None:
    p = np.random.default_rng(0).uniform(0.01, 0.6, (500, 4))
    seen, _ = walk(PositionBased([1] * 4), uniform(1, "a", 500, 4) < p, uniform(1, "b", 500, 4))
    clicks = uniform(1, "a", 500, 4) < p
    assert seen.all()
    assert np.array_equal(expect_clicks(PositionBased([1] * 4), p), p)
    coin = np.log(np.where(clicks, p, 1 - p)).sum()
    assert log_likelihood(PositionBased([1] * 4), p, clicks) == pytest.approx(coin, rel=1e-12)


def test_the_cascade_never_has_two_clicks_and_equals_a_reader_whom_every_click_satisfies() -> None:
    wants, luck = uniform(2, "a", 3000, 5) < 0.4, uniform(2, "b", 3000, 5)
    seen, clicks = walk(Cascade(), wants, luck)
    assert clicks.sum(1).max() == 1
    assert np.array_equal(clicks.any(1), wants.any(1))
    assert np.array_equal(seen, np.cumsum(wants, axis=1) - wants == 0)
    assert np.array_equal(Cascade().chances(5), DynamicBayesian(1, 1).chances(5))
    assert np.array_equal(Cascade().chances(5), DependentClick([0] * 4).chances(5))
    two = np.array([[True, False, True]])
    assert log_likelihood(Cascade(), np.full((1, 3), 0.3), two) == -np.inf
    assert perplexity(Cascade(), np.full((1, 3), 0.3), two).overall == np.inf


def test_a_reader_who_never_tires_and_is_never_satisfied_sees_every_slot() -> None:
    p = np.random.default_rng(1).uniform(0, 0.6, (400, 5))
    clicks = uniform(3, "a", 400, 5) < p
    every_slot = PositionBased([1] * 5)
    for same in (DynamicBayesian(1, 0), DependentClick([1] * 4), Newsletter(1, 1, 0, 0.5)):
        assert walk(same, clicks, uniform(3, "b", 400, 5))[0].all()
        np.testing.assert_allclose(expect_clicks(same, p), p, rtol=1e-14)
        assert log_likelihood(same, p, clicks) == pytest.approx(
            log_likelihood(every_slot, p, clicks), rel=1e-12
        )


def test_user_browsing_with_equal_columns_is_position_based() -> None:
    e = (0.95, 0.7, 0.5, 0.6)
    browsing = UserBrowsing([e[r:] for r in range(4)])
    p = np.random.default_rng(2).uniform(0, 0.7, (400, 4))
    wants, luck = uniform(4, "a", 400, 4) < p, uniform(4, "b", 400, 4)
    for one, other in zip(
        walk(browsing, wants, luck), walk(PositionBased(e), wants, luck), strict=True
    ):
        assert np.array_equal(one, other)
    assert np.array_equal(expect_clicks(browsing, p), expect_clicks(PositionBased(e), p))
    assert np.array_equal(
        chance_of_click(browsing, p, wants), chance_of_click(PositionBased(e), p, wants)
    )


def test_dependent_click_with_equal_chances_is_the_dynamic_bayesian_that_never_tires() -> None:
    np.testing.assert_allclose(
        DependentClick([0.6] * 4).chances(5), DynamicBayesian(1, 0.4).chances(5), rtol=1e-15
    )


def test_the_newsletter_law_falls_and_rises_again() -> None:
    curve = Newsletter(first=0.95, down=0.78, last=0.3, up=0.35).curve(7)
    assert curve.argmax() == 0
    assert curve[-1] > curve.min()
    turn = curve.argmin()
    assert (np.diff(curve)[:turn] < 0).all()
    assert (np.diff(curve)[turn:] > 0).all()
    np.testing.assert_allclose(
        Newsletter(0.9, 0.7, 0.0, 0.5).curve(5), 0.9 * 0.7 ** np.arange(5), rtol=1e-14
    )  # primacy
    # one slot is both first and last: 1 - .1 * .7
    assert Newsletter(0.9, 0.7, 0.3, 0.5).curve(1)[0] == pytest.approx(0.93)


# Exact quantities against every pattern of clicks


@every
@pytest.mark.parametrize("k", [3, 4])
def test_all_patterns_have_total_probability_one_and_give_the_expected_clicks(
    name: str, k: int
) -> None:
    p = np.random.default_rng(5).uniform(0.05, 0.9, (6, k))
    patterns = np.array(list(product([False, True], repeat=k)))
    for row in p:
        chances = np.exp(
            [log_likelihood(TRUE[name], row[None], pattern[None], slots=6) for pattern in patterns]
        )
        assert chances.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(
            expect_clicks(TRUE[name], row[None], slots=6)[0], chances @ patterns, rtol=1e-11
        )


@every
def test_the_walk_against_a_plain_tree_of_looks_and_clicks(name: str) -> None:
    """Enumerated by hand: each slot is looked at or not, and clicked or not if it is."""
    model, p = TRUE[name], np.array([0.3, 0.8, 0.5])
    table = model.chances(3)
    clicks = np.zeros(3)

    def down(j: int, above: int, last: int, mass: float) -> None:
        if j == 3:
            return
        looks = mass * table[above, last, j]
        clicks[j] += looks * p[j]
        down(j + 1, 0, last, mass - looks)
        down(j + 1, 1, last, looks * (1 - p[j]))
        down(j + 1, 1, j + 1, looks * p[j])

    down(0, 1, 0, 1.0)
    np.testing.assert_allclose(expect_clicks(model, p[None])[0], clicks, rtol=1e-12)


@every
def test_simulated_clicks_are_the_expected_ones(name: str) -> None:
    n, k = 200_000, 6
    p = np.tile(np.random.default_rng(6).uniform(0.05, 0.6, (1, k)), (n, 1))
    seen, clicks = walk(TRUE[name], uniform(7, "a", n, k) < p, uniform(7, "b", n, k))
    exact = expect_clicks(TRUE[name], p[:1])[0]
    assert (np.abs(clicks.mean(0) - exact) < 4 * np.sqrt(exact * (1 - exact) / n)).all()
    assert not (clicks & ~seen).any()
    # and given the clicks above: the residual is noise in every slot below those that the members
    # are picked by
    residual = clicks - chance_of_click(TRUE[name], p, clicks)
    everyone = np.ones(n, dtype=bool)
    for members, below in (
        (everyone, 0),
        (clicks[:, 0], 1),
        (clicks[:, 1:3].any(1) & ~clicks[:, 0], 3),
    ):
        left = residual[members, below:]
        assert (np.abs(left.mean(0)) < 4 * left.std(0) / np.sqrt(len(left)) + 1e-12).all()


@every
def test_rows_chunks_and_top_slots_change_nothing(name: str) -> None:
    n, k = 400, 6
    p = np.random.default_rng(8).uniform(0.05, 0.8, (n, k))
    wants, luck = uniform(8, "a", n, k) < p, uniform(8, "b", n, k)
    seen, clicks = walk(TRUE[name], wants, luck)
    some = np.random.default_rng(9).permutation(n)[:37]
    top = 4
    for one, other in zip(
        walk(TRUE[name], wants[some, :top], luck[some, :top], slots=k), (seen, clicks), strict=True
    ):
        assert np.array_equal(one, other[some, :top])
    assert np.array_equal(
        expect_clicks(TRUE[name], p[some, :top], slots=k), expect_clicks(TRUE[name], p)[some, :top]
    )
    part = chance_of_click(TRUE[name], p[some, :top], clicks[some, :top], slots=k)
    assert np.array_equal(part, chance_of_click(TRUE[name], p, clicks)[some, :top])


@every
def test_float32_gives_float32_and_the_same_clicks_but_for_rounding(name: str) -> None:
    p = np.random.default_rng(10).uniform(0.05, 0.5, (5000, 6))
    wants, luck = uniform(10, "a", 5000, 6) < p, uniform(10, "b", 5000, 6)
    single = np.minimum(luck.astype(np.float32), np.nextafter(np.float32(1), np.float32(0)))
    assert (walk(TRUE[name], wants, single)[1] != walk(TRUE[name], wants, luck)[1]).mean() < 1e-4
    low = expect_clicks(TRUE[name], p.astype(np.float32))
    assert low.dtype == np.float32
    np.testing.assert_allclose(low, expect_clicks(TRUE[name], p), rtol=1e-5)


def test_perplexity_by_hand() -> None:
    """Two newsletters, e p = .45 and .1; the second slot of the second is empty."""
    model, p = PositionBased([0.9, 0.5]), np.array([[0.5, 0.2], [0.5, 0.0]])
    found = perplexity(model, p, np.array([[True, False], [False, False]]))
    np.testing.assert_allclose(found.slots, [(0.45 * 0.55) ** -0.5, 1 / 0.9], rtol=1e-12)
    assert found.overall == pytest.approx((0.45 * 0.55 * 0.9) ** (-1 / 3))
    empty = perplexity(model, np.zeros((2, 2)), np.zeros((2, 2), dtype=bool))
    assert np.isnan(empty.overall)


# Refusals


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PositionBased([0.9, 1.2]), "PositionBased: examine of slot 2 = 1.2"),
        (lambda: PositionBased([float("nan")]), "examine of slot 1 = nan"),
        (
            lambda: UserBrowsing([[0.9, 0.8], [-0.1]]),
            "UserBrowsing: examine of slot 2 after a click in slot 1 = -0.1",
        ),
        (lambda: DependentClick([0.5, 7]), "DependentClick: onward of slot 2 = 7"),
        (lambda: DynamicBayesian(1.5, 0.2), "DynamicBayesian: continuation = 1.5"),
        (lambda: DynamicBayesian(0.5, -0.2), "DynamicBayesian: satisfaction = -0.2"),
        (lambda: Newsletter(0.9, 0.5, 2, 0.1), "Newsletter: last = 2"),
        (lambda: PositionBased([0.9, 0.8]).chances(3), "gives 2 slots; the layout needs 3"),
        (lambda: DependentClick([0.9]).chances(3), "gives 1 slots; the layout needs 2"),
        (
            lambda: UserBrowsing([[0.9, 0.8, 0.7], [0.9], [0.8]]).chances(3),
            r"row 2\) gives 1 slots; the layout needs 2",
        ),
        (
            lambda: walk(Cascade(), np.zeros((2, 3), dtype=bool), np.zeros((2, 2))),
            "uniform has shape",
        ),
        (
            lambda: expect_clicks(Cascade(), np.full((2, 3), 0.1), slots=2),
            "slots of the layout = 2; must be at least 3",
        ),
        (
            lambda: log_likelihood(Cascade(), np.array([[0.2, 1.4]]), np.zeros((1, 2), dtype=bool)),
            r"p\[0, 1\] = 1.4",
        ),
        (
            lambda: perplexity(Cascade(), np.zeros((1, 1)), np.ones((1, 1), dtype=bool)),
            r"clicks\[0, 0\] is true; slot 1 is",
        ),
        (
            lambda: fit(Cascade(), np.array([[0, -1]]), np.array([[False, True]])),
            r"clicks\[0, 1\] is true; slot 2 is empty",
        ),
        (
            lambda: fit(Cascade(), np.array([[0]]), np.array([[True]]), np.array([[-0.5]])),
            r"p\[0, 0\] = -0.5",
        ),
        (
            lambda: fit(Cascade(), np.zeros((0, 2), dtype=int), np.zeros((0, 2), dtype=bool)),
            "no opened newsletter",
        ),
    ],
)
def test_bad_values_are_refused_by_name(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
