"""The compiled loop beside the plain walk where it does the least: what it keeps, and edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.types import Bools, Floats, Ints
from bandit.slates.exploration import (
    Draws,
    Shares,
    budgeted,
    epsilon_greedy,
    softmax,
    squarecb,
    thompson,
    weigh,
)
from bandit.slates.taking import Taken, choose, read_off

N, M = 40, 100  # thirteen blocks of articles, the last half empty, and four chunks


def take_plainly(scores: Floats, shares: Shares, open: Bools, by: Floats | Ints) -> Taken:
    pmf = shares(scores, open, weigh(scores, shares))
    return read_off(pmf, open, choose(pmf, by))


def assert_alike(scores: Floats, shares: Shares, slots: list[tuple[Bools, Floats | Ints]]) -> None:
    """Slot after slot, the loop takes what the plain walk takes, to the bit."""
    compiled = pytest.importorskip("bandit.slates.compiled", reason="needs numba")
    weights = weigh(scores, shares)
    assert weights is not None
    loop, nobody = compiled.Loop(scores, shares, weights), np.full(len(scores), -1)
    for open, by in slots:
        found = loop.take(open, nobody, by)._asdict()
        for name, values in take_plainly(scores, shares, open.copy(), by)._asdict().items():
            assert found[name].tobytes() == values.tobytes(), name


def make_explorations(rng: np.random.Generator, n: int, m: int) -> list[Shares]:
    draws = rng.normal(size=(5, n, m))
    return [
        epsilon_greedy(1.0),
        epsilon_greedy(0.02),
        softmax(0.5),
        softmax(0.5, floor=0.1),
        budgeted(0.05, 1.0),
        squarecb(30.0),
        thompson(draws, 0.02),
        thompson(np.round(draws, 1), 0.0),  # ties
        Shares(best=0.4, soft=0.5, uniform=0.1, draws=draws),
    ]


@given(seed=st.integers(0, 10**6))
def test_articles_that_close_and_open_again_are_followed(seed: int) -> None:
    """A few close from slot to slot; in the fourth a section opens, in the sixth nearly all do."""
    rng = np.random.default_rng(seed)
    scores, open = rng.normal(size=(N, M)), rng.random((N, M)) < 0.9
    slots: list[tuple[Bools, Floats | Ints]] = []
    for slot in range(6):
        shown = rng.random((N, M)) < [0.0, 0.02, 0.05, 0.7, 0.1, 0.0][slot]
        open = open & ~shown if slot not in (3, 5) else shown | (slot == 5)
        slots.append((open.copy(), rng.random(N) if slot != 4 else rng.integers(-1, M, N)))
    for shares in make_explorations(rng, N, M):
        assert_alike(scores, shares, slots)


@pytest.mark.parametrize("m", [1, 2, 8, 10, 40])
def test_numbers_that_fall_between_two_articles_are_told_apart_alike(m: int) -> None:
    """Numbers j / m, and those next to them, lie where rounding decides."""
    edges = np.arange(m) / m
    numbers = np.concatenate([edges, np.nextafter(edges, 1), np.nextafter(edges[1:], 0)])
    numbers = np.append(numbers, np.nextafter(1.0, 0.0))
    scores, open = np.zeros((len(numbers), m)), np.ones((len(numbers), m), dtype=bool)
    for shares in (epsilon_greedy(1.0), softmax(1.0), budgeted(0.5, 1.0), softmax(1.0, 0.25)):
        assert_alike(scores, shares, [(open, numbers)])


def test_with_one_open_article_or_none_there_is_little_to_take() -> None:
    rng = np.random.default_rng(3)
    scores, open = rng.normal(size=(N, M)), np.zeros((N, M), dtype=bool)
    open[np.arange(N // 2), rng.integers(0, M, N // 2)] = True
    for shares in make_explorations(rng, N, M):
        assert_alike(scores, shares, [(open, rng.random(N)), (~open, rng.random(N))])


def test_draws_that_are_worked_out_are_those_that_are_given() -> None:
    rng = np.random.default_rng(4)
    scores, open, draws = (
        rng.normal(size=(N, 9)),
        rng.random((N, 9)) < 0.7,
        rng.normal(size=(6, N, 9)),
    )
    given, asked = thompson(draws, 0.1), thompson(Draws(6, lambda rows: draws[:, rows]), 0.1)
    assert asked(scores, open).tobytes() == given(scores, open).tobytes()
    assert asked.count_tables() == given.count_tables() == 6
    some = np.array([7, 2, 2, 31])
    one, other = asked.take(some), given.take(some)
    assert one(scores[some], open[some]).tobytes() == other(scores[some], open[some]).tobytes()
