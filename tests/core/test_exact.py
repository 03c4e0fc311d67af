"""Promise 2: products whose bits do not depend on the batch."""

from fractions import Fraction
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bandit.core import exact


def _multiply_fractions(a: np.ndarray, b: np.ndarray) -> list[list[float]]:
    """What the product is, from the factors on the grid, with no rounding before the end."""
    on_grid = [
        [[Fraction(round(Fraction(float(v)) * 2**20), 2**20) for v in row] for row in x]
        for x in (a, b)
    ]
    return [
        [float(sum(u * v for u, v in zip(r, s, strict=True))) for s in on_grid[1]]
        for r in on_grid[0]
    ]


def test_snap_rounds_to_the_grid() -> None:
    x = np.random.default_rng(0).normal(size=(7, 5))
    snapped = exact.snap(x)
    assert (snapped * 2**20 == np.rint(snapped * 2**20)).all()
    assert np.abs(snapped - x).max() <= 2.0**-21
    assert (exact.snap(snapped) == snapped).all()
    assert exact.snap(np.float32([0.1])).dtype == np.float64


def test_equals_fractions() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(6, 7)), rng.normal(size=(3, 7))
    assert exact.dot(a, b).tolist() == _multiply_fractions(a, b)


def test_equals_fractions_close_to_the_limit_and_through_cancellation() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(4, 35)), rng.normal(size=(5, 35))
    a *= 2.0**8 / np.linalg.norm(a, axis=1, keepdims=True)
    b *= 31.99 / np.linalg.norm(b, axis=1, keepdims=True)
    assert exact.dot(a, b).tolist() == _multiply_fractions(a, b)
    tiny = 2.0**-20
    a, b = np.array([[4000.0, tiny, -4000.0, 3 * tiny]]), np.array([[1.0, tiny, 1.0, tiny]])
    assert exact.dot(a, b).tolist() == [[4 * tiny**2]]


@given(
    arrays(np.float64, (5, 4), elements=st.floats(-40, 40)),
    arrays(np.float64, (3, 4), elements=st.floats(-40, 40)),
)
def test_equals_fractions_for_any_factors(a: np.ndarray, b: np.ndarray) -> None:
    assert exact.dot(a, b).tolist() == _multiply_fractions(a, b)


@pytest.mark.parametrize(("d", "m"), [(1, 1), (3, 7), (35, 41), (36, 200)])
def test_any_batch_gives_the_same_bytes(d: int, m: int) -> None:
    rng = np.random.default_rng(d)
    a, b = rng.normal(size=(501, d)), rng.normal(size=(m, d))
    a[rng.random(a.shape) < 0.3] = 0.0  # and signed zeros
    a[0], b[0] = -0.0, 0.0
    whole = exact.dot(a, b)
    for size in (1, 2, 3, 16, 17, 250):
        assert (
            np.vstack([exact.dot(a[i : i + size], b) for i in range(0, len(a), size)]).tobytes()
            == whole.tobytes()
        )
    order, articles, inner = rng.permutation(len(a)), rng.permutation(m), rng.permutation(d)
    assert exact.dot(a[order], b).tobytes() == whole[order].tobytes()
    assert exact.dot(a[100:107], b[articles]).tobytes() == whole[100:107][:, articles].tobytes()
    assert (
        exact.dot(a[:, inner], b[:, inner]).tobytes() == whole.tobytes()
    )  # the order of summation does not matter
    assert exact.dot(np.asfortranarray(a), b).tobytes() == whole.tobytes()
    assert (
        exact.dot(np.repeat(a, 2, axis=0)[::2], np.asfortranarray(b)).tobytes() == whole.tobytes()
    )
    assert exact.dot(b, a).T.tobytes() == whole.tobytes()


@pytest.mark.slow
def test_a_million_rows_in_any_chunks() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((1_000_000, 35), dtype=np.float32), rng.normal(size=(23, 35))
    digests = set()
    for size in (7_919, 100_000, 1_000_000):
        digest = sha256()
        for i in range(0, len(a), size):
            digest.update(exact.dot(a[i : i + size], b).tobytes())
        digests.add(digest.hexdigest())
    assert len(digests) == 1


def test_refuses_what_could_leave_the_exact_range() -> None:
    a, b = np.full((2, 3), 10.0), np.ones((4, 3))
    exact.dot(a * 273, b)
    with pytest.raises(ValueError, match="exact products need less than 8192: scale the features"):
        exact.dot(a * 274, b)
    with pytest.raises(ValueError, match=r"scores could reach 8\.19e"):
        exact.dot(np.array([[2.0**13, 0.0]]), np.array([[1.0, 0.0]]))
    for bad in (np.nan, np.inf, 1e300):
        with pytest.raises(ValueError, match="could reach"):
            exact.dot(np.array([[bad, 1.0]]), np.ones((3, 2)))


def test_empty_batches() -> None:
    assert exact.dot(np.zeros((0, 3)), np.ones((2, 3))).shape == (0, 2)
    assert exact.dot(np.zeros((2, 3)), np.ones((0, 3))).shape == (2, 0)
