"""The check of stories counts what it says."""

import numpy as np
import pytest

from experiments.checks.stories import count_found, find_twice, measure_newsletters
from simulators.association.association import Association
from simulators.association.press import Press


def test_slates_that_tell_a_story_twice() -> None:
    choice = np.array([[0, 1, 3], [0, 2, 1], [-1, -1, 2], [3, 1, -1]])
    assert find_twice(np.array([0, 1, 0, 1]), choice).tolist() == [True, True, False, True]


@pytest.mark.slow
def test_what_is_told_is_found_and_kept_apart() -> None:
    press = Press(duplicates=0.3)
    world = Association(31, 80, 26, pool=20, slots=5, carried=0.0, press=press)
    found = count_found(world)
    assert found["found"] / found["told"] > 0.5
    assert found["besides"] == found["chance"] < 10
    table = measure_newsletters(world)

    assert table["twice"]["with"] == 0 < table["twice"]["without"]
    assert (table["clicks"] > 0).all()
