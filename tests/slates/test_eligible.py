"""Which members may see which articles, by the `only_...` columns of the pool."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.slates.editorial import find_eligible

Make = Callable[..., Any]


MEMBERS = pd.DataFrame(
    {
        "member": [1, 2, 3],
        "region": ["north", "south", None],
        "year": [2020, 2021, 2021],
        "likes": ["art; law", "arts", "art;art"],
    }
)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, [[1, 1], [1, 1], [1, 1]]),
        ({"only_region": ["", "north"]}, [[1, 1], [1, 0], [1, 0]]),
        ({"only_region": [None, "west"]}, [[1, 0], [1, 0], [1, 0]]),
        ({"only_year": [2020, 2021]}, [[1, 0], [0, 1], [0, 1]]),
        ({"only_region": ["south", ""], "only_year": ["2021", "2021"]}, [[0, 0], [1, 1], [0, 1]]),
        (
            {"only_region": [np.nan, np.nan]},
            [[1, 1], [1, 1], [1, 1]],
        ),  # how a CSV reads a column that is all empty
        ({"only_year": [np.nan, 2021]}, [[1, 0], [1, 1], [1, 1]]),  # and one of numbers with a gap
        ({"only_region": ["north;south", "west; north"]}, [[1, 1], [1, 0], [0, 0]]),
        ({"only_region": [" south ;; ", ";"]}, [[0, 0], [1, 0], [0, 0]]),
        ({"only_likes": ["art", "zoo; law"]}, [[1, 1], [0, 0], [1, 0]]),
        ({"only_likes": ["", "art;law"], "only_year": [2021, 2021]}, [[0, 0], [1, 0], [1, 1]]),
        ({"only_region": pd.Categorical(["", "north"])}, [[1, 1], [1, 0], [1, 0]]),
        ({"only_region": pd.Categorical([None, "north"])}, [[1, 1], [1, 0], [1, 0]]),
    ],
)
def test_eligible(make_pool: Make, columns: dict, expected: list) -> None:
    allowed = find_eligible(MEMBERS, make_pool(2, **columns))
    assert allowed.dtype == bool
    assert allowed.astype(int).tolist() == expected


def test_eligible_names_an_attribute_that_members_lack(make_pool: Make) -> None:
    with pytest.raises(
        ValueError, match="pool column 'only_chapter': members have no attribute 'chapter'"
    ):
        find_eligible(MEMBERS, make_pool(2, only_chapter=["", "x"]))
