"""The walk's innermost step as a compiled loop: from open articles to what each member is shown.

It needs numba (`pip install letterbandit[fast]`), and gives the bits that `exploration` and
`taking` give without it: exponentials are numpy's, and here they are only added, multiplied,
divided and compared, in the same order. So nobody can tell from the slates which of the two was at
work, and the tests of the walk run over both.

Importing this file compiles it, for some seconds, or loads what was compiled before: that is kept
beside this file, or in the user's cache where that folder may not be written. Where neither may be,
nothing is kept.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from bandit.core.types import Bools, Floats, Ints
from bandit.slates.exploration import Shares
from bandit.slates.sums import BLOCK
from bandit.slates.taking import Taken, is_uniform

Function = Callable[..., Any]


def _compile(signature: str, **options: Any) -> Callable[[Function], Function]:
    """Compile for the types of the signature, keeping the result where there is a place to."""

    def compile_one(function: Function) -> Function:
        # numba's floats follow IEEE: it neither fuses nor reorders unless told that it may
        options["error_model"] = "numpy"
        try:
            compiled: Function = njit(signature, cache=True, **options)(function)
        except RuntimeError:  # no folder that may be written
            compiled = njit(signature, **options)(function)
        return compiled

    return compile_one


class Loop:
    """Takes articles for some members by an exploration, in one slot after the other.

    scores: [n, m], of the plan
    shares: the exploration, of the same members
    weights: what `exploration.weigh` gives
    """

    def __init__(self, scores: Floats, shares: Shares, weights: Floats) -> None:
        n = len(scores)
        draws = scores[None] if shares.draws is None else shares.draws
        self._tables = _lay_out(np.moveaxis(draws, 0, 1))
        self._gamma = float(shares.gamma)
        self._weights = np.ascontiguousarray(weights)
        self._shares = np.empty((n, 3))
        for column, share in enumerate((shares.best, shares.soft, shares.uniform)):
            self._shares[:, column : column + 1] = share

    def take(self, open: Bools, pin: Ints, by: Floats | Ints) -> Taken:
        """What one slot takes, as `taking.take` does.

        open: [n, m]
        pin: [n], the article that the editor has set for the member, -1 for none; nothing is open
            to those who have one
        by: [n], as for `taking.take`
        """
        n = len(open)
        uniform = _lay_out(by if is_uniform(by) else np.zeros(0))
        choice = np.empty(n, np.int64) if is_uniform(by) else by.astype(np.int64)
        mass, most_left = np.empty((2, n))
        free, supported = np.empty((2, n), dtype=np.bool_)
        tables = (self._tables, self._gamma, self._weights, self._shares)
        out = (choice, mass, most_left, free, supported)
        _take(np.ascontiguousarray(open), *tables, pin.astype(np.int64), uniform, *out)
        return Taken(*out)


def _lay_out(array: Floats) -> Floats:
    """The numbers as the loop wants them: float64, row after row, an array that may be written."""
    return np.require(array, np.float64, ["C", "W"])


@_compile("float64(float64[::1], boolean[::1])", fastmath={"nnan", "nsz"})
def _find_most(scores: Floats, open: Bools) -> float:
    """The highest of the open scores. No sum is in here, so the order does not matter."""
    most = -np.inf
    for a in range(len(scores)):
        score = scores[a] if open[a] else -np.inf
        most = score if score > most else most
    return most


@_compile("void(float64[::1], boolean[::1], int64, float64, float64[::1])")
def _favour(scores: Floats, open: Bools, m: int, gamma: float, won: Floats) -> None:
    """Add what `exploration` gives the best open article and its rivals to `won` [m]."""
    most, ties, rest = _find_most(scores, open), 0, 1.0
    for a in range(len(scores)):
        ties += (scores[a] == most) & open[a]
    if gamma != np.inf:
        whole = 0.0
        for start in range(0, len(scores), BLOCK):
            block = 0.0
            for a in range(start, min(start + BLOCK, len(scores))):
                rival = 1.0 / max(m + gamma * (most - scores[a]), 1.0)
                rival = rival if open[a] and scores[a] != most else 0.0
                won[a] += rival
                block += rival
            whole += block
        rest = 1.0 - whole
    each = rest * (1.0 / ties)
    for a in range(len(scores)):
        won[a] += each if open[a] and scores[a] == most else 0.0


@_compile("float64(float64[::1], boolean[::1])")
def _add_up(weights: Floats, open: Bools) -> float:
    """As `sums.add_up` does, over what is open."""
    whole = 0.0
    for start in range(0, len(weights), BLOCK):
        block = 0.0
        for a in range(start, min(start + BLOCK, len(weights))):
            block += weights[a] if open[a] else 0.0
        whole += block
    return whole


@_compile("int64(float64[::1], float64)")
def _find(sums: Floats, target: float) -> int:
    """The first article whose cumulative mass passes the target, as `taking.inverse_cdf` does."""
    total = sums[-1]
    if not total > 0.0:
        return -1
    for a in range(len(sums)):
        if sums[a] > target:
            return a
    for a in range(len(sums)):  # rounding at the very end never leaves the support
        if sums[a] == total:
            return a
    return -1


@_compile(
    "void(boolean[:,::1], float64[:,:,::1], float64, float64[:,::1], float64[:,::1], int64[::1],"
    "float64[::1], int64[::1], float64[::1], float64[::1], boolean[::1], boolean[::1])"
)
def _take(
    open: Bools,
    tables: Floats,
    gamma: float,
    weights: Floats,
    shares: Floats,
    pin: Ints,
    uniform: Floats,
    choice: Ints,
    mass: Floats,
    most_left: Floats,
    free: Bools,
    supported: Bools,
) -> None:
    """Fill the last five, [n]; `choice` is given where there are no uniform numbers.

    open: [n, m]
    tables: [n, s, m], what the best is looked for in
    weights: [n, m], exponentials
    shares: [n, 3], best, soft and uniform
    """
    n, m = open.shape
    pmf, sums, everything = np.empty(m), np.empty(m), np.ones(m, np.bool_)
    for i in range(n):
        row, count = open[i], 0
        for a in range(m):
            pmf[a] = 0.0
            count += row[a]
        best, soft, each = shares[i]
        if count and best != 0.0:
            s = tables.shape[1]
            for t in range(s):
                _favour(tables[i, t], row, count, gamma, pmf)
            for a in range(m):
                pmf[a] = best * (pmf[a] / s)
        whole = _add_up(weights[i], row) if count and soft != 0.0 else 0.0
        if whole != 0.0:
            for a in range(m):
                pmf[a] += soft * (weights[i, a] / whole) if row[a] else 0.0
        each, closed = each * (1.0 / max(count, 1)), 0
        for a in range(m):
            pmf[a] += each if row[a] else 0.0
            closed += (pmf[a] > 0.0) != row[a]
        if pin[i] >= 0:
            pmf[pin[i]] = 1.0
        total = 0.0
        for a in range(m):
            total += pmf[a]
            sums[a] = total
        supported[i], free[i] = closed == 0, total > 0.0
        if len(uniform):
            choice[i] = _find(sums, uniform[i] * total)
        mass[i] = 0.0
        if choice[i] >= 0:
            mass[i] = pmf[choice[i]]
            pmf[choice[i]] = 0.0
        most_left[i] = _find_most(pmf, everything)
