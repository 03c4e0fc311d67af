"""One member's slots by the compiled loop over all articles: what `alone` does, in a call a slot.

Open this file to see what is compiled for a program that chooses for one member after the other.
"""

import numpy as np

from bandit.compiling import compile_for
from bandit.core.types import Bools, Floats
from bandit.slates.loop.dense import take
from bandit.slates.sets import unpack


class One:
    """Takes articles for one member by an exploration: arguments and methods are `alone.Alone`'s.

    There is no limit on k, which is not needed here.
    """

    def __init__(
        self, scores: Floats, shares: tuple[float, float, float], weights: Floats, k: int
    ) -> None:
        scores, weights = (np.require(own, np.float64, ["C", "W"]) for own in (scores, weights))
        self._given, self._m = (scores[None], np.inf, weights, np.array(shares)), len(scores)
        self._taken: list[tuple[int, float, float, bool, bool]] = []

    def pin(self, article: int, choice: int) -> int:
        """See `Alone.pin`."""
        mass = float(choice == article)
        self._taken.append((choice, mass, 1.0 - mass, True, True))
        return choice

    def follow(self, open: int, choice: int) -> int:
        """See `Alone.follow`."""
        self._taken.append(_take_one(unpack(open, self._m), *self._given, -1.0, choice))
        return choice

    def draw(self, open: int, uniform: float) -> int:
        """See `Alone.draw`."""
        self._taken.append(_take_one(unpack(open, self._m), *self._given, uniform, -1))
        return self._taken[-1][0]

    def read_off(self) -> list[tuple[int, float, float, bool, bool]]:
        """See `Alone.read_off`."""
        return self._taken


@compile_for(
    "Tuple((int64, float64, float64, boolean, boolean))(boolean[::1], float64[:,::1], float64,"
    "float64[::1], float64[::1], float64, int64)"
)
def _take_one(
    row: Bools,
    tables: Floats,
    gamma: float,
    weights: Floats,
    shares: Floats,
    uniform: float,
    choice: int,
) -> tuple[int, float, float, bool, bool]:
    """`dense.take` of one slot."""
    m = len(row)
    pmf, passed, everything = np.empty(m), np.empty(m), np.ones(m, np.bool_)
    own = take(row, tables, gamma, weights, shares, uniform, choice, pmf, passed, everything)
    return own[0], own[1], own[2], own[3], own[4]
