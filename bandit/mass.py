"""The masses that one slot after the other is drawn from, without replacement, by inverse CDF."""

import numpy as np

from bandit.exploration import BLOCK, cumulated, one_by_one
from bandit.types import Bools, Floats, Ints


class Mass:
    """What a slot is drawn from [n, m], with the sum and the largest of each block of eight articles: taking one away, and
    finding where a uniform falls, then cost a block instead of the pool.

    Tables are read and written by their flat index, and nothing branches on what chance decides: that is most of the speed.
    """

    def __init__(self, m: int, n: int) -> None:
        count = m // BLOCK + 1  # the last cell is always 0: it stands for the empty slot
        self._of, self._members = np.zeros((n, count * BLOCK)), np.arange(n)
        self._sums, self._most = np.zeros((count, n)), np.zeros((count, n))
        self._ends = np.zeros((count + 1, n))  # where each block ends, below where the first begins
        self._block: Floats | None = None  # those that `drawn` has looked into

    def put(self, which: slice | Ints, given: Floats) -> None:
        """New masses [rows, m] of some members."""
        self._of[:, : given.shape[1]][which] = given
        self._sum(which)

    def close(self, which: Ints, articles: Bools) -> None:
        """Some members can no longer be given some articles [m]."""
        self._of[which[:, None], np.flatnonzero(articles)] = 0.0
        self._sum(which)

    def whole(self) -> Floats:
        """All that is left [n]."""
        self._ends[1:] = cumulated(self._sums)
        return np.asarray(self._ends[-1])

    def drawn(self, uniform: Floats) -> Ints:
        """The article [n] at each uniform's share of the whole; -1 where there is no mass."""
        found = inverse_cdf(self._ends[1:], uniform)
        block = np.where(found >= 0, found, len(self._sums) - 1)
        self._block = self._part(block)
        before = self._ends.ravel().take(block * len(uniform) + self._members)
        inside = before + cumulated(self._block)  # ends, to the bit, where the block does
        return np.where(found >= 0, BLOCK * block + _passed(inside, uniform * self._ends[-1]), -1)

    def taken(self, choice: Ints) -> tuple[Floats, Floats]:
        """Take away the articles chosen: their mass [n], and the largest that is left [n]."""
        n, width = self._of.shape
        choice = np.where(choice >= 0, choice, width - 1)
        block = choice // BLOCK
        left, self._block = self._part(block) if self._block is None else self._block, None
        cell = (choice - BLOCK * block) * n + self._members
        shown = left.ravel().take(cell)
        left.ravel()[cell] = self._of.ravel()[self._members * width + choice] = 0.0
        cell = block * n + self._members
        self._sums.ravel()[cell] = one_by_one(np.add, left)
        self._most.ravel()[cell] = one_by_one(np.maximum, left)
        return shown, one_by_one(np.maximum, self._most)

    def _sum(self, which: slice | Ints) -> None:
        """Each block of some members anew."""
        columns = np.ascontiguousarray(self._of[which].reshape(-1, BLOCK).T)
        for table, combine in ((self._sums, np.add), (self._most, np.maximum)):
            found = one_by_one(combine, columns).reshape(-1, len(table)).T
            if isinstance(which, slice):
                table[:, which] = found
            else:
                table.ravel()[which + table.shape[1] * np.arange(len(table))[:, None]] = found

    def _part(self, block: Ints) -> Floats:
        """The masses in one block of each member [8, n]."""
        row = self._members * len(self._sums) + block
        return np.ascontiguousarray(self._of.reshape(-1, BLOCK).take(row, axis=0).T)


def inverse_cdf(sums: Floats, uniform: Floats) -> Ints:
    """The first article [n] whose cumulative mass passes the uniform's share of the whole; -1 where there is no mass.

    sums: `cumulated` [m, n].
    """
    index = _passed(sums, uniform * sums[-1])
    beyond = np.flatnonzero(index == len(sums))  # rounding at the very end never leaves the support
    index[beyond] = (sums[:, beyond] < sums[-1, beyond]).sum(axis=0)
    return np.where(sums[-1] > 0, index, -1)


def _passed(sums: Floats, target: Floats) -> Ints:
    """How many of some rising sums [m, n] do not pass the target [n]."""
    narrow = np.min_scalar_type(-len(sums) - 1)  # the narrower the numbers, the faster they are counted
    return np.asarray((sums <= target).view(np.int8).sum(axis=0, dtype=narrow).astype(np.intp))
