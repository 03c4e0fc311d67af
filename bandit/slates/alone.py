"""One member's slots in few calls: what `exploration` and `taking` do, to the bit.

For one member it is numpy's calls that cost, some 50 a slot where everything is asked for rows.
Here a slot makes a dozen. From slot to slot only what has closed is done anew, as in the compiled
loop: its block of eight is summed again, and Python adds up so few numbers faster than a call does.
Open this file to see what a slot of one member costs.
"""

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from bandit.slates.sets import unpack
from bandit.slates.sums import BLOCK, NO_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bandit.core.columns import Bools, Floats

MANY = 8  # articles that close at once, from which on all are looked at again
# A share from which on every open article has a chance: exponentials are not so far apart.
SOME = 1e-30


class Alone:
    """Takes articles for one member by an exploration, in one slot after the other.

    scores: [m], of the plan, all of them finite
    shares: best, soft and uniform, of a member's exploration that is plain (`Shares.is_plain`)
    weights: [m] or [0], what `exploration.weigh` gives
    k: how many slots there are
    """

    def __init__(
        self, scores: "Floats", shares: tuple[float, float, float], weights: "Floats", k: int
    ) -> None:
        self._best, self._soft, self._uniform = shares
        self._scores, self._weights, self._was = scores, weights, 0
        self._pmfs: Floats = np.zeros((k, len(scores)))
        self._taken: list[tuple[int, float, bool, bool]] = []

    def pin(self, article: int, choice: int) -> int:
        """The next slot has the editor's article, and shows `choice`, which is given back."""
        pmf = self._pmfs[len(self._taken)]
        pmf[article] = 1.0
        return self._take(pmf, 1, 1, choice)

    def follow(self, open: int, choice: int) -> int:
        """The next slot shows what somebody else has chosen, -1 for nothing; it is given back.

        open: a bit for each article
        """
        return self._take(*self._share_out(open), open.bit_count(), choice)

    def draw(self, open: int, uniform: float) -> int:
        """What the next slot shows by a number in [0, 1); -1 where nothing is open.

        open: a bit for each article
        """
        pmf, chances = self._share_out(open)
        if not chances:
            return self._take(pmf, chances, open.bit_count(), -1)
        sums = np.add.accumulate(pmf)
        total = sums.item(-1)
        choice = int(sums.searchsorted(uniform * total, "right"))
        if choice == len(sums):  # rounding at the very end never leaves the support
            choice = int(sums.searchsorted(total, "left"))
        return self._take(pmf, chances, open.bit_count(), choice)

    def read_off(self) -> "Iterator[tuple[int, float, float, bool, bool]]":
        """What each slot has taken: what `taking.Taken` says of one member."""
        left = np.maximum.reduce(self._pmfs, axis=1).tolist()
        for (choice, mass, free, supported), most in zip(self._taken, left, strict=True):
            yield choice, mass, most, free, supported

    def _take(self, pmf: "Floats", chances: int, open: int, choice: int) -> int:
        """Note what a slot takes out of its pmf [m], which loses it.

        chances, open: how many articles have a chance, and how many are open
        """
        mass = 0.0
        if choice >= 0:
            mass = pmf.item(choice)
            pmf[choice] = 0.0
        self._taken.append((choice, mass, chances > 0, chances == open))
        return choice

    def _share_out(self, open: int) -> "tuple[Floats, int]":
        """The pmf [m] of the next slot, and how many articles have a chance."""
        pmf = self._pmfs[len(self._taken)]
        closed = self._was & ~open
        if open & ~self._was or closed.bit_count() >= MANY:
            self._look(unpack(open, len(pmf)))
        else:
            while closed:
                last = closed.bit_length() - 1
                self._close(last)
                closed ^= 1 << last
        self._was = open
        if not open:
            return pmf, 0
        if self._soft:
            whole = max(reduce(add, self._sums), NO_WEIGHT)
            np.divide(self._left, whole, pmf)
            np.multiply(pmf, self._soft, pmf)
        if self._best:
            first = self._likely.argmax()
            tied = self._likely == self._likely[first]
            ties = np.count_nonzero(tied)
            if ties == 1:  # as mostly
                pmf[first] += self._best
            else:
                pmf[tied] += self._best * (1.0 / ties)
        if self._uniform:
            np.add(pmf, self._uniform * (1.0 / open.bit_count()), out=pmf, where=self._row)
        surely = self._uniform > SOME or self._soft > SOME
        return pmf, open.bit_count() if surely else int(np.count_nonzero(pmf))

    def _look(self, row: "Bools") -> None:
        """Look at all articles: `row` [m] says which are open."""
        self._row = row
        if self._best:
            self._likely = np.where(row, self._scores, -np.inf)
        if self._soft:
            self._blocks = np.zeros((-(-len(row) // BLOCK), BLOCK))
            self._left = self._blocks.reshape(-1)[: len(row)]
            np.multiply(self._weights, row, self._left)
            self._sums = np.add.accumulate(self._blocks, axis=1)[:, -1].tolist()

    def _close(self, article: int) -> None:
        """One article has closed."""
        self._row[article] = False
        if self._best:
            self._likely[article] = -np.inf
        if self._soft:
            self._left[article] = 0.0
            block = article // BLOCK
            self._sums[block] = reduce(add, self._blocks[block].tolist())
