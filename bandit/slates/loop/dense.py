"""One member's slot as a compiled loop over all articles, whatever the exploration.

It gives the bits that `exploration` and `taking` give without it: exponentials are numpy's, and
here they are only added, multiplied, divided and compared, in the same order. `compiled` asks it
where it cannot do with less.
"""

import numpy as np

from bandit.compiling import compile_for
from bandit.core.types import Bools, Floats
from bandit.slates.sums import BLOCK


@compile_for("float64(float64[::1], boolean[::1])", fastmath={"nnan", "nsz"})
def find_most(scores: Floats, open: Bools) -> float:
    """The highest of the open scores. No sum is in here, so the order does not matter."""
    most = -np.inf
    for a in range(len(scores)):
        score = scores[a] if open[a] else -np.inf
        most = score if score > most else most
    return most


@compile_for("void(float64[::1], boolean[::1], int64, float64, float64[::1])")
def _favour(scores: Floats, open: Bools, m: int, gamma: float, won: Floats) -> None:
    """Add what `exploration` gives the best open article and its rivals to `won` [m]."""
    most, ties, rest = find_most(scores, open), 0, 1.0
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


@compile_for("float64(float64[::1], boolean[::1])")
def _add_up(weights: Floats, open: Bools) -> float:
    """As `sums.add_up` does, over what is open."""
    whole = 0.0
    for start in range(0, len(weights), BLOCK):
        block = 0.0
        for a in range(start, min(start + BLOCK, len(weights))):
            block += weights[a] if open[a] else 0.0
        whole += block
    return whole


@compile_for(
    "boolean(boolean[::1], float64[:,::1], float64, float64[::1], float64[::1], float64[::1])"
)
def share_out(
    row: Bools, tables: Floats, gamma: float, weights: Floats, shares: Floats, pmf: Floats
) -> bool:
    """Fill `pmf` [m] of a member; whether every open article has a chance.

    row: [m], what is open
    tables: [s, m], what the best is looked for in
    weights: [m], exponentials
    shares: [3], best, soft and uniform
    """
    m, count, closed = len(row), 0, 0
    for a in range(m):
        pmf[a] = 0.0
        count += row[a]
    best, soft, each = shares
    if count and best != 0.0:
        s = len(tables)
        for t in range(s):
            _favour(tables[t], row, count, gamma, pmf)
        for a in range(m):
            pmf[a] = best * (pmf[a] / s)
    whole = _add_up(weights, row) if count and soft != 0.0 else 0.0
    if whole != 0.0:
        for a in range(m):
            pmf[a] += soft * (weights[a] / whole) if row[a] else 0.0
    each = each * (1.0 / max(count, 1))
    for a in range(m):
        pmf[a] += each if row[a] else 0.0
        closed += (pmf[a] > 0.0) != row[a]
    return closed == 0


@compile_for("int64(float64[::1], float64, float64[::1])")
def find_by(pmf: Floats, uniform: float, sums: Floats) -> int:
    """The first article whose cumulative mass passes its share, as `taking.inverse_cdf` does.

    sums: [m], overwritten
    """
    total = 0.0
    for a in range(len(pmf)):
        total += pmf[a]
        sums[a] = total
    if not total > 0.0:
        return -1
    for a in range(len(sums)):
        if sums[a] > uniform * total:
            return a
    for a in range(len(sums)):  # rounding at the very end never leaves the support
        if sums[a] == total:
            return a
    return -1


@compile_for(
    "Tuple((int64, float64, float64, boolean, boolean))(boolean[::1], float64[:,::1], float64,"
    "float64[::1], float64[::1], float64, int64, float64[::1], float64[::1], boolean[::1])"
)
def take(
    row: Bools,
    tables: Floats,
    gamma: float,
    weights: Floats,
    shares: Floats,
    uniform: float,
    choice: int,
    pmf: Floats,
    passed: Floats,
    everything: Bools,
) -> tuple[int, float, float, bool, bool]:
    """What a slot takes, as `taking.Taken` lists it; the first five are those of `share_out`.

    uniform: to draw by; below 0 where `choice` is given
    pmf, passed: [m], overwritten
    everything: [m], all True
    """
    supported = share_out(row, tables, gamma, weights, shares, pmf)
    if uniform >= 0.0:
        choice = find_by(pmf, uniform, passed)
    free, mass = find_most(pmf, everything) > 0.0, 0.0
    if choice >= 0:
        mass = pmf[choice]
        pmf[choice] = 0.0
    return choice, mass, find_most(pmf, everything), free, supported
