"""Sums over articles have the same bits for one member as among many."""

import numpy as np
import pytest

from bandit.slates.sums import FEW, add_up, cumulate


@pytest.mark.parametrize("m", [1, 7, 8, 9, 40, 203])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_members_have_the_bits_of_many(m: int, dtype: type[np.floating]) -> None:
    mass = np.random.default_rng(m).exponential(size=(5 * FEW, m)).astype(dtype)
    mass[mass < 0.2] = 0
    whole, running = add_up(mass), cumulate(mass.T.copy())
    for n in (1, 3, FEW):
        assert np.array_equal(add_up(mass[:n]), whole[:n])
        assert np.array_equal(cumulate(mass[:n].T.copy()), running[:, :n])
    assert add_up(mass[:1]).dtype == whole.dtype
