"""The masses that one slot after the other is drawn from, without replacement, by inverse CDF."""

import numpy as np

from bandit.core.types import Bools, Floats, Ints
from bandit.slates.exploration import BLOCK, cumulated, one_by_one


class Mass:
    """What a slot is drawn from [n, m], with the sum and the largest of each block of eight articles: taking one away, and
    finding where a uniform falls, then cost a block instead of the pool.

    Tables are read and written by their flat index, and nothing branches on what chance decides: that is most of the speed.
    """

    def __init__(self, m: int, n: int) -> None:
        count = m // BLOCK + 1  # the last cell is always 0: it stands for the empty slot
        self._of, self._members = np.empty((n, count * BLOCK)), np.arange(n)
        self._of[:, m:] = 0.0
        self._sums, self._most = np.empty((2, count, n))
        self._ends = np.zeros((count + 1, n))  # where each block ends, below where the first begins
        self._looked: tuple[Ints, Floats] | None = None  # the blocks that `drawn` has found

    def put(self, which: slice | Ints, given: Floats) -> None:
        """New masses [rows, m] of some members; of all, the first time."""
        self._of[:, : given.shape[1]][which] = given
        self._sum(which, self._of[which])

    def close(self, which: Ints, articles: Bools) -> None:
        """Some members can no longer be given some articles [m]."""
        if not len(which):
            return
        left = self._of.take(which, axis=0)
        left[:, np.flatnonzero(articles)] = 0.0
        self._of[which] = left
        self._sum(which, left)

    def whole(self) -> Floats:
        """All that is left [n]."""
        for before, block, end in zip(self._ends, self._sums, self._ends[1:], strict=False):
            np.add(before, block, out=end)
        return np.asarray(self._ends[-1])

    def drawn(self, uniform: Floats) -> Ints:
        """The article [n] at each uniform's share of the whole; -1 where there is no mass."""
        block = inverse_cdf(self._ends[1:], uniform)
        none = block < 0
        block[none] = len(self._sums) - 1
        self._looked = cell, left = self._look(block)
        inside = cumulated(left)
        inside += self._ends.ravel().take(cell)  # ends, to the bit, where the block does
        block *= BLOCK
        block += _passed(inside, uniform * self._ends[-1])
        block[none] = -1
        return block

    def taken(self, choice: Ints) -> tuple[Floats, Floats]:
        """Take away the articles chosen: their mass [n], and the largest that is left [n]."""
        n, width = self._of.shape
        (cell, left), self._looked = (
            self._looked or self._look(np.where(choice >= 0, choice, width - 1) // BLOCK),
            None,
        )
        place = (choice & (BLOCK - 1)) * n + self._members  # of -1, the last
        shown = left.ravel().take(place)
        left.ravel()[place] = self._of.ravel()[self._members * width + choice] = 0.0
        self._sums.ravel()[cell] = one_by_one(np.add, left)
        self._most.ravel()[cell] = left.max(axis=0)
        return shown, self._most.max(axis=0)

    def _look(self, block: Ints) -> tuple[Ints, Floats]:
        """One block of each member: its place in the tables of blocks [n], and its masses [8, n]."""
        row = self._members * len(self._sums) + block
        left = np.ascontiguousarray(self._of.reshape(-1, BLOCK).take(row, axis=0).T)
        return block * len(row) + self._members, left

    def _sum(self, which: slice | Ints, of: Floats) -> None:
        """Each block of some members anew, from their masses `of` [rows, 8 blocks]."""
        columns = np.ascontiguousarray(
            of.reshape(len(of), len(self._sums), BLOCK).transpose(1, 2, 0)
        )
        summed = one_by_one(np.add, columns.swapaxes(0, 1))
        for table, found in ((self._sums, summed), (self._most, columns.max(axis=1))):
            if isinstance(which, slice):
                table[:, which] = found
            else:
                table.ravel()[which + table.shape[1] * np.arange(len(table))[:, None]] = found


def inverse_cdf(sums: Floats, uniform: Floats) -> Ints:
    """The first article [n] whose cumulative mass passes the uniform's share of the whole; -1 where there is no mass.

    sums: `cumulated` [m, n].
    """
    index = _passed(sums, uniform * sums[-1])
    beyond = np.flatnonzero(index == len(sums))  # rounding at the very end never leaves the support
    if len(beyond):
        index[beyond] = np.where(
            sums[-1, beyond] > 0, (sums[:, beyond] < sums[-1, beyond]).sum(axis=0), -1
        )
    return index


def _passed(sums: Floats, target: Floats) -> Ints:
    """How many of some rising sums [m, n] do not pass the target [n]."""
    narrow = np.min_scalar_type(
        -len(sums) - 1
    )  # the narrower the numbers, the faster they are counted
    return np.asarray((sums <= target).view(np.int8).sum(axis=0, dtype=narrow).astype(np.intp))
