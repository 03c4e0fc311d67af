"""Widths of linear models: the compiled loop, the plain products and a dense quadratic form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit import compiling
from bandit.core import exact
from bandit.core.types import Floats
from bandit.models.linear.learner import _contract, _Contracted

P, Q, M = 7, 4, 9


def make_widths(seed: int) -> tuple[_Contracted, Floats, Floats]:
    """What measures them, the articles [m, q] and the root [p, q, p q]."""
    rng = np.random.default_rng(seed)
    a, root = rng.normal(size=(M, Q)), rng.normal(size=(P, Q, P * Q)).astype(np.float32) / 20
    return _contract(a, root), a, root


def measure(contracted: _Contracted, x: Floats, worth: float) -> Floats:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_WORTH", worth)
        return contracted.measure(x)


@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.0, 0.2, 1.0]))
def test_the_compiled_loop_has_the_bits_of_the_products(seed: int, share: float) -> None:
    """Members with none, some or all of the attributes, which are not only 0 and 1."""
    pytest.importorskip("numba", reason="numba is not installed: pip install letterbandit[fast]")
    rng, (contracted, _, _) = np.random.default_rng(seed), make_widths(seed)
    x = np.round(rng.normal(size=(30, P)), 3) * (rng.random((30, P)) < share)
    plain, compiled = measure(contracted, x, np.inf), measure(contracted, x, 0.0)
    assert plain.tobytes() == compiled.tobytes()
    assert measure(contracted, x[3:5], 0.0).tobytes() == compiled[3:5].tobytes()


@pytest.mark.parametrize("worth", [0.0, np.inf], ids=["compiled", "plain"])
def test_widths_are_those_of_the_dense_form(worth: float) -> None:
    contracted, a, root = make_widths(1)
    x = np.random.default_rng(2).normal(size=(20, P))
    wide = root.reshape(P * Q, -1).astype(np.float64)
    z = np.einsum("np,mq->nmpq", x, a).reshape(20, M, -1)
    expected = np.sqrt(((z @ wide) ** 2).sum(axis=2))
    np.testing.assert_allclose(measure(contracted, x, worth), expected, rtol=1e-4)


def test_members_too_long_for_exact_sums_are_left_to_the_products(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seven times 40^2 is beyond 2^13; 40 alone is not. Beyond exact products, all is refused."""
    contracted, _, _ = make_widths(1)
    asked: list[float] = []

    def worth(size: float) -> bool:
        asked.append(size)
        return False

    monkeypatch.setattr("bandit.models.linear.learner.is_worth", worth)
    x = np.zeros((2, P))
    x[:, 0] = 40.0
    contracted.measure(x)
    assert not asked
    contracted.measure(x / 2)
    assert asked == [2 * M * P]
    with pytest.raises(ValueError, match="exact products need less"):
        contracted.measure(x * exact.LIMIT)
