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


def test_lots_keep_an_article_to_a_share_that_never_changes(make_pool: Make) -> None:
    """Of 4,000 members a share of .3 may see the article: the same ones alone, and for good."""
    members = pd.DataFrame({"member": np.arange(4000) + 7})
    pool = make_pool(3, admit_below=[0.3, None, 0.0])
    allowed = find_eligible(members, pool)
    assert abs(allowed[:, 0].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)
    assert allowed[:, 1].all()
    assert not allowed[:, 2].any()
    some = members.iloc[[3999, 5, 70]]
    assert (find_eligible(some, pool) == allowed[[3999, 5, 70]]).all()
    wider = find_eligible(members, make_pool(3, admit_below=[0.5, None, 0.1]))
    assert (wider >= allowed).all()
    other = find_eligible(members, make_pool(3, admit_below=[None, 0.3, None]))
    assert 0.07 < (other[:, 1] & allowed[:, 0]).mean() < 0.11  # lots of two articles: .3 x .3
