"""Ids numbered from 0: by counting where they lie close together, and by sorting elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.ids import number_ids


@given(
    st.sampled_from(["i1", "i8", "u1", "u8"]),
    st.lists(st.integers(0, 40), max_size=30),
    st.sampled_from(["low", "high"]),
    st.integers(1, 6),
)
def test_ids_have_the_places_that_sorting_gives_them(
    kind: str, steps: list[int], end: str, apart: int
) -> None:
    at = np.iinfo(kind)
    start = at.min if end == "low" else at.max - 240
    ids = np.array([start + apart * step for step in steps], dtype=kind)
    np.testing.assert_array_equal(number_ids(ids), np.unique(ids, return_inverse=True)[1])


@pytest.mark.parametrize("ids", [["b", "a", "b"], [7, -(10**15), 7], [2.5, 1.0]])
def test_text_and_ids_far_apart_are_sorted(ids: list[object]) -> None:
    assert number_ids(np.array(ids)).tolist() == [1, 0, 1][: len(ids)]
