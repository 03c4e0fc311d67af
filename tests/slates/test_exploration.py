"""Exploration as functions of scores: closed forms, then what holds for any scores and masks."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bandit.slates.exploration import budgeted, epsilon_greedy, greedy, softmax, squarecb, thompson


def _make_draws(scores: np.ndarray) -> np.ndarray:
    return np.stack([scores, scores[:, ::-1], 0.5 * scores])


def _explore_draws(scores: np.ndarray, open: np.ndarray, floor: float) -> np.ndarray:
    """Thompson sampling whose draws treat each article alike."""
    return thompson(np.stack([scores, -scores, np.round(scores), 0 * scores]), floor)(scores, open)


KINDS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "greedy": greedy,
    "epsilon": epsilon_greedy(0.3),
    "softmax": softmax(0.7),
    "budgeted": budgeted(0.3, 0.7),
    "squarecb": squarecb(7.0),
    "thompson": lambda scores, open: thompson(_make_draws(scores), floor=0.1)(scores, open),
}
every = pytest.mark.parametrize("explore", KINDS.values(), ids=KINDS.keys())
SCORES = np.array([[0.5, 0.3, 0.2, 9.0]])
OPEN = np.array([[True, True, True, False]])


def test_greedy_shares_exact_ties() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 3.0], [2.0, 1.0, 0.0, 9.0], [-5.0, -5.0, -7.0, 0.0]])
    pmf = greedy(scores, np.array([[True, True, False, True]] * 2 + [[True, True, True, False]]))
    assert pmf.tolist() == [[0, 0.5, 0, 0.5], [0, 0, 0, 1], [0.5, 0.5, 0, 0]]


def test_epsilon_closed_form() -> None:
    np.testing.assert_allclose(
        epsilon_greedy(0.3)(SCORES, OPEN), [[0.7 + 0.1, 0.1, 0.1, 0]], rtol=1e-14
    )
    tied = np.array([[2.0, 2.0, 1.0]])
    np.testing.assert_allclose(epsilon_greedy(0.3)(tied, tied > 0), [[0.45, 0.45, 0.1]], rtol=1e-14)
    assert epsilon_greedy(0.0)(SCORES, OPEN).tolist() == greedy(SCORES, OPEN).tolist()
    np.testing.assert_allclose(
        epsilon_greedy(1.0)(SCORES, OPEN), [[1 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-14
    )


def test_softmax_closed_form_and_budget() -> None:
    weights = np.exp([5.0, 3.0, 2.0])  # temperature 0.1
    expected = np.append(weights / weights.sum(), 0.0)
    np.testing.assert_allclose(softmax(0.1)(SCORES, OPEN), [expected], rtol=1e-13)
    np.testing.assert_allclose(
        budgeted(0.2, 0.1)(SCORES, OPEN), [0.8 * np.eye(4)[0] + 0.2 * expected], rtol=1e-13
    )
    assert budgeted(0.0, 0.1)(SCORES, OPEN).tolist() == greedy(SCORES, OPEN).tolist()


@pytest.mark.parametrize("size", [1e3, 1e150, 1e300])
def test_softmax_of_extreme_scores(size: float) -> None:
    scores = np.array([[size, -size, size, 0.0], [-size, -size, -2 * size, 0.0]])
    pmf = softmax(0.5)(scores, np.array([[True] * 4, [True, True, True, False]]))
    assert pmf.tolist() == [[0.5, 0, 0.5, 0], [0.5, 0.5, 0, 0]]
    shifted = softmax(0.1)(SCORES + 1e6, OPEN)
    np.testing.assert_allclose(shifted, softmax(0.1)(SCORES, OPEN), rtol=1e-8)


def test_squarecb_closed_form() -> None:
    second, third = 1 / (3 + 7 * 0.2), 1 / (3 + 7 * 0.3)  # m = 3 open articles, gamma = 7
    np.testing.assert_allclose(
        squarecb(7.0)(SCORES, OPEN), [[1 - second - third, second, third, 0]], rtol=1e-14
    )
    np.testing.assert_allclose(
        squarecb(7.0)(np.zeros((1, 4)), OPEN), [[1 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-14
    )
    np.testing.assert_allclose(squarecb(0.0)(SCORES, OPEN), [[1 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-14)
    assert squarecb(1e12)(SCORES, OPEN)[0, 0] == pytest.approx(1, abs=1e-10)


def test_thompson_is_the_share_of_draws_won() -> None:
    draws = np.array(
        [[[3.0, 2, 1, 9]], [[3, 2, 1, 9]], [[1, 2, 3, 9]], [[0, 5, 1, 9]], [[4, 2, 3, 9]]]
    )
    np.testing.assert_allclose(
        thompson(draws, 0.0)(draws[0], OPEN), [[3 / 5, 1 / 5, 1 / 5, 0]], rtol=1e-14
    )
    expected = [[0.9 * 0.6 + 0.1 / 3, 0.9 * 0.2 + 0.1 / 3, 0.9 * 0.2 + 0.1 / 3, 0]]
    np.testing.assert_allclose(thompson(draws, 0.1)(draws[0], OPEN), expected, rtol=1e-14)


def test_thompson_shares_ties() -> None:
    """Sixteen draws that tell nothing apart: nobody is preferred for standing first."""
    everything = np.ones((1, 4), dtype=bool)
    assert thompson(np.zeros((16, 1, 4)), 0.02)(np.zeros((1, 4)), everything).tolist() == [
        [0.25] * 4
    ]
    assert thompson(np.full((3, 1, 4), -np.inf), 0.0)(np.zeros((1, 4)), everything).tolist() == [
        [0.25] * 4
    ]
    draws = np.array([[[7.0, 3, 7, 9]], [[1.0, 5, 5, 9]], [[2.0, 2, 2, 9]], [[0.0, 0, 8, 9]]])
    shares = np.array([1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 2 + 1 / 2 + 1 / 3 + 1, 0]) / 4
    np.testing.assert_allclose(thompson(draws, 0.0)(draws[0], OPEN), [shares], rtol=1e-14)
    np.testing.assert_allclose(
        thompson(draws, 0.3)(draws[0], OPEN),
        [0.7 * shares + 0.3 * np.array([1, 1, 1, 0]) / 3],
        rtol=1e-14,
    )


def test_squarecb_shares_ties() -> None:
    scores, open = (
        np.array([[0.5, 0.2, 0.5, 0.5, 9.0]]),
        np.array([[True, True, True, True, False]]),
    )
    behind = 1 / (4 + 7 * 0.3)
    best = (1 - behind) / 3
    np.testing.assert_allclose(
        squarecb(7.0)(scores, open), [[best, behind, best, best, 0]], rtol=1e-14
    )


# Whatever the scores

cells = arrays(
    np.float64, (4, 5), elements=st.floats(-30, 30) | st.sampled_from([0.0, 1.0, -1e9, 1e9])
)
masks = arrays(np.bool_, (4, 5))


@every
@given(scores=cells, open=masks)
def test_a_distribution_over_the_open_articles(
    explore: Callable, scores: np.ndarray, open: np.ndarray
) -> None:
    pmf = explore(scores, open)
    assert (pmf >= 0).all()
    assert (pmf[~open] == 0).all()
    np.testing.assert_allclose(pmf.sum(axis=1), open.any(axis=1).astype(float), atol=1e-12)


@every
@given(scores=cells, open=masks)
def test_rows_never_mix(explore: Callable, scores: np.ndarray, open: np.ndarray) -> None:
    whole = explore(scores, open)
    alone = np.vstack([explore(scores[i : i + 1], open[i : i + 1]) for i in range(len(scores))])
    assert alone.tobytes() == whole.tobytes()
    before = scores.copy()
    assert explore(scores, open).tobytes() == whole.tobytes()
    assert scores.tobytes() == before.tobytes()


@every
def test_rows_never_mix_however_the_scores_lie_in_memory(explore: Callable) -> None:
    """A policy may hand over a transposed product.

    Its rows are then far apart, and sums may run in another order.
    """
    rng = np.random.default_rng(0)
    scores, open = rng.normal(size=(300, 41)), rng.random((300, 41)) < 0.7
    whole = explore(np.asfortranarray(scores), open)
    alone = np.vstack([explore(scores[i : i + 1], open[i : i + 1]) for i in range(len(scores))])
    assert np.ascontiguousarray(whole).tobytes() == alone.tobytes()


@every
@given(scores=cells, open=masks, other=st.sampled_from([1e9, -1e9, np.nan, np.inf, -np.inf]))
def test_closed_articles_do_not_matter(
    explore: Callable, scores: np.ndarray, open: np.ndarray, other: float
) -> None:
    if explore is not KINDS["thompson"]:  # whose test draws are mirrored
        assert (
            explore(np.where(open, scores, other), open).tobytes()
            == explore(scores, open).tobytes()
        )


@every
@given(scores=cells)
def test_a_better_score_never_means_less(explore: Callable, scores: np.ndarray) -> None:
    if explore is not KINDS["thompson"]:
        pmf = explore(scores, np.ones(scores.shape, dtype=bool))
        better = scores[:, :, None] > scores[:, None, :]
        assert (pmf[:, :, None] - pmf[:, None, :] > -1e-12)[better].all()


@every
@given(scores=cells, open=masks, order=st.permutations(range(5)))
def test_equal_scores_have_equal_chances_and_no_place_is_preferred(
    explore: Callable, scores: np.ndarray, open: np.ndarray, order: list[int]
) -> None:
    if explore is KINDS["thompson"]:  # whose test draws are mirrored
        explore = partial(_explore_draws, floor=0.1)
    pmf = explore(scores, open)
    alike = (scores[:, :, None] == scores[:, None, :]) & open[:, :, None] & open[:, None, :]
    assert (pmf[:, :, None] == pmf[:, None, :])[alike].all()
    moved = explore(scores[:, order], open[:, order])
    np.testing.assert_allclose(moved, pmf[:, order], atol=1e-12)


@every
def test_a_score_that_is_no_number_never_makes_a_distribution(explore: Callable) -> None:
    """The walk over the slots refuses what is no distribution: NaN must show, not win or vanish."""
    pmf = explore(np.array([[0.5, np.nan, 0.2]]), np.ones((1, 3), dtype=bool))
    assert not abs(pmf.sum() - 1) < 1e-9


@every
def test_nothing_open_and_one_open(explore: Callable) -> None:
    assert explore(SCORES, np.zeros((1, 4), dtype=bool)).tolist() == [[0, 0, 0, 0]]
    np.testing.assert_allclose(
        explore(SCORES, np.array([[False, False, True, False]])), [[0, 0, 1, 0]], rtol=1e-14
    )
