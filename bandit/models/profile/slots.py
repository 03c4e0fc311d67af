"""A long list of members in parts, and what is believed of a click in each slot that was looked at.

Open this file for how an issue of a million members is learned from in little memory.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from bandit.core.types import Context, Floats, Ints

PART = 10_000  # members that are learned from together, so that memory holds little of a long list
Pool = TypeVar("Pool", contravariant=True)


class Scored(Protocol[Pool]):
    """What is believed of some members' interests (`bandit.models.profiles.Belief`)."""

    def score(self, pool: Pool) -> tuple[Floats, Floats]:
        """Mean and variance of w_i . a_j, each [n, m]."""


def cut(n: int, size: int | None = None) -> list[slice]:
    """The rows of n members, `size` (default PART) after the others."""
    size = size or PART
    return [slice(at, min(at + size, n)) for at in range(0, n, size)]


def score_slots(
    infer: Callable[[Context], Scored[Pool]], context: Context, pool: Pool, rows: Ints, index: Ints
) -> tuple[Floats, Floats]:
    """Mean and variance of w_i . a_j in e slots, each [e], some members after the others.

    infer: what is believed of some members' interests
    rows, index: [e], the member and the article of each slot; rows ascend
    """
    mean, spread = np.empty(len(rows)), np.empty(len(rows))
    for part in cut(len(context.members)):
        at = slice(*np.searchsorted(rows, [part.start, part.stop]))
        where = rows[at] - part.start, index[at]
        scores = infer(context.take(part)).score(pool)
        mean[at], spread[at] = (each[where] for each in scores)
    return mean, spread
