"""Exact intervals of a click rate cover as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from simulators.replay.evaluation import exact_interval


@given(st.integers(1, 40), st.floats(0.01, 0.99), st.floats(0.5, 0.99))
def test_the_interval_covers_as_it_says(kept: int, rate: float, level: float) -> None:
    """By every outcome's probability, not by simulation."""
    outcomes = np.arange(kept + 1)
    found = [exact_interval(int(clicks), kept, level) for clicks in outcomes]
    held = [interval.low <= rate <= interval.high for interval in found]
    assert binom.pmf(outcomes, kept, rate)[held].sum() >= level - 1e-9
    assert all(interval.low <= interval.estimate <= interval.high for interval in found)


def test_the_interval_in_closed_form() -> None:
    none = exact_interval(0, 280)
    assert (none.low, none.estimate) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 280))
    assert exact_interval(7, 7, 0.9).low == pytest.approx(0.05 ** (1 / 7))
    for clicks, kept, level in [(-1, 3, 0.9), (4, 3, 0.9), (0, 0, 0.9), (1, 3, 1.0)]:
        with pytest.raises(ValueError, match="no such interval"):
            exact_interval(clicks, kept, level)
