"""The masses that one slot after the other is drawn from, without replacement, by inverse CDF.

Open this file for what a draw costs: it is the innermost loop of planning, simulation and replay.
"""

from typing import NamedTuple

import numpy as np

from bandit.core.types import Bools, Floats, Ints
from bandit.slates.sums import BLOCK, add_rows, cumulate


class Taken(NamedTuple):
    """What one slot takes from the mass of each of n members.

    choice: [n], index of the article into the pool; -1 for none
    mass: [n], the article's mass before it was taken; 0 for none
    most_left: [n], the largest mass of the articles that are left
    """

    choice: Ints
    mass: Floats
    most_left: Floats


class Mass:
    """The masses [n, m] that a slot is drawn from, in blocks of eight articles.

    The sum and the largest mass of each block are kept. Taking an article away, and finding the
    article that a uniform number falls on, then cost a block instead of the whole pool. Tables are
    read and written by their flat index, and nothing branches on what chance decides: that is most
    of the speed.

    n: number of members
    m: number of articles in the pool
    """

    def __init__(self, n: int, m: int) -> None:
        count = m // BLOCK + 1  # the last cell is always 0: it stands for the empty slot
        self._mass, self._members = np.empty((n, count * BLOCK)), np.arange(n)
        self._mass[:, m:] = 0.0
        self._sums, self._most = np.empty((2, count, n))

    def put(self, which: slice | Ints, given: Floats) -> None:
        """Give some members new masses [rows, m]. The first time, `which` must be all of them."""
        self._mass[:, : given.shape[1]][which] = given
        self._sum_blocks(which, self._mass[which])

    def close(self, which: Ints, articles: Bools) -> None:
        """Leave some members (rows) no mass on some articles [m]."""
        if not len(which):
            return
        left = self._mass.take(which, axis=0)
        left[:, np.flatnonzero(articles)] = 0.0
        self._mass[which] = left
        self._sum_blocks(which, left)

    def cumulate(self) -> Floats:
        """The mass before each block, [blocks + 1, n]. The last row is each member's total."""
        ends = np.zeros((len(self._sums) + 1, len(self._members)))
        for before, block, end in zip(ends, self._sums, ends[1:], strict=False):
            np.add(before, block, out=end)
        return ends

    def draw(self, uniform: Floats, ends: Floats) -> Taken:
        """Take the article at each uniform number's share of the total.

        uniform: [n], in [0, 1)
        ends: what `cumulate` gives now
        Nothing is taken where there is no mass.
        """
        block = inverse_cdf(ends[1:], uniform)
        none = block < 0
        block[none] = len(self._sums) - 1
        cell, left = self._look_up(block)
        inside = cumulate(left)
        inside += ends.ravel().take(cell)  # ends, to the bit, where the block does
        choice = block * BLOCK
        choice += _count_passed(inside, uniform * ends[-1])
        choice[none] = -1
        return self._take(choice, cell, left)

    def take(self, choice: Ints) -> Taken:
        """Take the articles `choice` [n], which somebody else has chosen; -1 takes none."""
        last = self._mass.shape[1] - 1
        return self._take(choice, *self._look_up(np.where(choice >= 0, choice, last) // BLOCK))

    def _take(self, choice: Ints, cell: Ints, left: Floats) -> Taken:
        """Take the articles `choice`, whose blocks `_look_up` has found."""
        n, width = self._mass.shape
        place = (choice & (BLOCK - 1)) * n + self._members  # of -1, the last
        shown = left.ravel().take(place)
        left.ravel()[place] = self._mass.ravel()[self._members * width + choice] = 0.0
        self._sums.ravel()[cell] = add_rows(left)
        self._most.ravel()[cell] = left.max(axis=0)
        return Taken(choice, shown, self._most.max(axis=0))

    def _look_up(self, block: Ints) -> tuple[Ints, Floats]:
        """One block of each member: its place in the tables [n], and its masses [8, n]."""
        row = self._members * len(self._sums) + block
        left = np.ascontiguousarray(self._mass.reshape(-1, BLOCK).take(row, axis=0).T)
        return block * len(row) + self._members, left

    def _sum_blocks(self, which: slice | Ints, mass: Floats) -> None:
        """Sum each block of some members again, from their masses [rows, 8 blocks]."""
        columns = np.ascontiguousarray(
            mass.reshape(len(mass), len(self._sums), BLOCK).transpose(1, 2, 0)
        )
        summed = add_rows(columns.swapaxes(0, 1))
        for table, found in ((self._sums, summed), (self._most, columns.max(axis=1))):
            if isinstance(which, slice):
                table[:, which] = found
            else:
                table.ravel()[which + table.shape[1] * np.arange(len(table))[:, None]] = found


def inverse_cdf(sums: Floats, uniform: Floats) -> Ints:
    """The first article [n] whose cumulative mass passes the uniform number's share of the total.

    sums: [m, n], as `cumulate` gives them
    uniform: [n], in [0, 1)
    The answer is -1 where there is no mass.
    """
    index = _count_passed(sums, uniform * sums[-1])
    beyond = np.flatnonzero(index == len(sums))  # rounding at the very end never leaves the support
    if len(beyond):
        index[beyond] = np.where(
            sums[-1, beyond] > 0, (sums[:, beyond] < sums[-1, beyond]).sum(axis=0), -1
        )
    return index


def _count_passed(sums: Floats, target: Floats) -> Ints:
    """How many of some rising sums [m, n] do not pass the target [n]."""
    narrow = np.min_scalar_type(-len(sums) - 1)  # narrow numbers are counted faster
    return np.asarray((sums <= target).view(np.int8).sum(axis=0, dtype=narrow).astype(np.intp))
