"""Processor time of works that take turns, so that a busy machine slows all of them alike."""

from collections.abc import Callable, Mapping
from time import process_time
from typing import Any

import numpy as np


def least(works: Mapping[str, Callable[[], Any]], repeats: int = 40) -> dict[str, float]:
    """The fewest seconds of processor time that each work took, in `repeats` rounds of them all."""
    times = dict.fromkeys(works, np.inf)
    for _ in range(repeats):
        for name, work in works.items():
            start = process_time()
            work()
            times[name] = min(times[name], process_time() - start)
    return times
