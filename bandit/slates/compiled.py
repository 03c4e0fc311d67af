"""The walk's innermost step as a compiled loop: from open articles to what each member is shown.

It gives the bits that `exploration` and `taking` give without it, so nobody can tell from the
slates which of the two was at work, and the tests of the walk run over both. It is fast because it
does little anew (`keeping`). Where a uniform number points to is found by blocks of articles, from
shares that are right but for rounding. Where rounding could decide, where articles tie for the
best, and where rivals of the best have shares of their own, `dense` works it all out instead.
"""

import numpy as np

from bandit.compiling import compile_for
from bandit.core.types import Bools, Floats, Ints
from bandit.slates.exploration import Shares, is_some
from bandit.slates.loop.dense import take
from bandit.slates.loop.keeping import CHUNK, find_lead, keep_up
from bandit.slates.loop.one import One as One
from bandit.slates.sums import BLOCK
from bandit.slates.taking import Taken, is_uniform

CLOSE = 2.0**-49  # for each article: how near to a target rounding could decide


class Loop:
    """Takes articles for some members by an exploration, in one slot after the other.

    scores: [n, m], of the plan
    shares: the exploration, of the same members
    weights: what `exploration.weigh` gives
    """

    def __init__(self, scores: Floats, shares: Shares, weights: Floats) -> None:
        n, m = scores.shape
        blocks = -(-m // BLOCK)
        draws = shares.list_tables(scores) if is_some(shares.best) else scores[None][:0]
        tables = _lay_out(np.moveaxis(draws, 0, 1))
        each = np.empty((n, 3))
        for column, share in enumerate((shares.best, shares.soft, shares.uniform)):
            each[:, column : column + 1] = share
        self._given = (tables, float(shares.gamma), np.ascontiguousarray(weights), each)
        # what is kept from slot to slot, of everything closed at first
        self._was = np.zeros((n, blocks), np.uint64)
        sums, tops = np.zeros((2, n, blocks))
        counts, leads = np.zeros((n, blocks), np.int64), np.zeros(tables.shape[:2], np.int64)
        peaks = np.empty((*tables.shape[:2], -(-m // CHUNK)))
        self._kept = sums, tops, counts, leads, peaks

    def take(self, open: Bools, pin: Ints, by: Floats | Ints) -> Taken:
        """What one slot takes, as `taking.take` does.

        open: [n, m]
        pin: [n], the article that the editor has set for the member, -1 for none; nothing is open
            to those who have one
        by: [n], as for `taking.take`
        """
        n, m = open.shape
        words = np.zeros(self._was.shape, np.uint64)  # a byte for each article
        words.view(np.bool_)[:, :m] = open
        uniform = _lay_out(by if is_uniform(by) else np.zeros(0))
        choice = np.empty(n, np.int64) if is_uniform(by) else by.astype(np.int64)
        mass, most_left = np.empty((2, n))
        free, supported = np.empty((2, n), dtype=np.bool_)
        out = (choice, mass, most_left, free, supported)
        now = (words, words.view(np.bool_))
        _take(m, *now, self._was, *self._given, pin.astype(np.int64), uniform, *self._kept, *out)
        self._was = words
        return Taken(*out)


def _lay_out(array: Floats) -> Floats:
    """The numbers as the loop wants them: float64, row after row, an array that may be written."""
    return np.require(array, np.float64, ["C", "W"])


@compile_for(
    "void(int64, uint64[:,::1], boolean[:,::1], uint64[:,::1], float64[:,:,::1], float64,"
    "float64[:,::1], float64[:,::1], int64[::1], float64[::1], float64[:,::1], float64[:,::1],"
    "int64[:,::1], int64[:,::1], float64[:,:,::1], int64[::1], float64[::1], float64[::1],"
    "boolean[::1], boolean[::1])"
)
def _take(
    m: int,
    words: Ints,
    open: Bools,
    was: Ints,
    tables: Floats,
    gamma: float,
    weights: Floats,
    shares: Floats,
    pin: Ints,
    uniform: Floats,
    sums: Floats,
    tops: Floats,
    counts: Ints,
    leads: Ints,
    peaks: Floats,
    choice: Ints,
    mass: Floats,
    most_left: Floats,
    free: Bools,
    supported: Bools,
) -> None:
    """Fill the last five, [n]; `choice` is given where there are no uniform numbers.

    m: articles; in the last block the places beyond them are closed
    words, open: [n, blocks] and [n, 8 blocks], what is open, by blocks and by article
    was: [n, blocks], what was open in the slot above
    tables: [n, s, m], what the best is looked for in
    weights: [n, m], exponentials
    shares: [n, 3], best, soft and uniform
    sums, tops: [n, blocks], sum and maximum of the open exponentials
    counts: [n, blocks], open articles
    leads: [n, s], the best open article of each table
    peaks: [n, s, chunks], as for `find_lead`
    """
    (n, blocks), s, drawn = words.shape, tables.shape[1], len(uniform) > 0
    pmf, passed, everything = np.empty(m), np.empty(m), np.ones(m, np.bool_)
    below, won, wins = np.empty(blocks), np.zeros(m), np.zeros(blocks)
    bar = np.empty(m)
    for i in range(n):
        more = keep_up(i, words, was, weights, sums, tops, counts)
        if pin[i] >= 0:  # nothing else is open
            choice[i] = pin[i] if drawn else choice[i]
            mass[i] = 1.0 if choice[i] == pin[i] else 0.0
            most_left[i], free[i], supported[i] = 1.0 - mass[i], True, True
            continue
        count = 0
        for b in range(blocks):
            count += counts[i, b]
        if count == 0:
            choice[i] = -1 if drawn else choice[i]
            mass[i], most_left[i], free[i], supported[i] = 0.0, 0.0, False, True
            continue
        best, soft, each = shares[i, 0], shares[i, 1], shares[i, 2] * (1.0 / count)
        # every open article has a chance: exponentials are not so far apart
        sparse = gamma == np.inf and best >= 0.0 and soft >= 0.0 and (each > 0.0 or soft > 1e-30)
        barred = False
        if best != 0.0 and sparse:
            for t in range(s):
                if more or leads[i, t] < 0 or not open[i, leads[i, t]]:
                    if not barred:
                        for a in range(m):
                            bar[a] = 0.0 if open[i, a] else -np.inf
                        barred = True
                    leads[i, t] = find_lead(i, t, tables, bar, peaks, more)
                sparse &= leads[i, t] >= 0
        whole, a = 0.0, choice[i]
        if soft != 0.0:
            for b in range(blocks):
                whole += sums[i, b]
                below[b] = whole
        ratio = soft / whole if soft != 0.0 else 0.0
        if sparse and drawn:
            seen, total = 0, 0.0
            if best != 0.0:
                for t in range(s):
                    wins[leads[i, t] // BLOCK] += best / s
            for b in range(blocks):
                seen += counts[i, b]
                total += wins[b]
                wins[b] = 0.0
                below[b] = (ratio * below[b] if soft != 0.0 else 0.0) + each * seen + total
            near, target = CLOSE * m * below[blocks - 1], uniform[i] * below[blocks - 1]
            at = 0
            for b in range(blocks):
                at += below[b] <= target
            a, sparse = -1, at < blocks
            if sparse:
                start, sum = at * BLOCK, (below[at - 1] if at else 0.0)
                if best != 0.0:
                    for t in range(s):
                        if leads[i, t] // BLOCK == at:
                            won[leads[i, t]] += best / s
                # without a branch: processors cannot foresee what chance decides
                before, after, a = sum, np.inf, start
                for j in range(start, start + BLOCK):
                    there = min(j, m - 1)
                    chance = each + (ratio * weights[i, there] if soft != 0.0 else 0.0)
                    if best != 0.0:
                        chance += won[there]
                        won[there] = 0.0
                    sum += chance if open[i, j] else 0.0
                    beyond = sum > target
                    a += not beyond
                    before = before if beyond else sum
                    after = sum if beyond and sum < after else after
                sparse = target - before > near and after - target > near
        if not sparse:
            row = open[i, :m]
            by = uniform[i] if drawn else -1.0
            choice[i], mass[i], most_left[i], free[i], supported[i] = take(
                row,
                tables[i],
                gamma,
                weights[i],
                shares[i],
                by,
                choice[i],
                pmf,
                passed,
                everything,
            )
            continue
        choice[i], free[i], supported[i] = a, True, True
        taken = a >= 0 and open[i, a]
        if best != 0.0:
            for t in range(s):
                won[leads[i, t]] += 1.0
        mass[i], most = 0.0, 0.0
        if taken:
            mass[i] = best * (won[a] / s) if best != 0.0 else 0.0
            mass[i] += soft * (weights[i, a] / whole) if soft != 0.0 else 0.0
            mass[i] += each
        if count > taken:
            if soft != 0.0:
                at = a // BLOCK if taken else blocks
                for b in range(blocks):
                    top = tops[i, b] if b != at else 0.0
                    most = top if top > most else most
                if taken:
                    for j in range(at * BLOCK, min(at * BLOCK + BLOCK, m)):
                        top = weights[i, j] if open[i, j] and j != a else 0.0
                        most = top if top > most else most
                most = soft * (most / whole)
            most += each
        if best != 0.0:
            for t in range(s):
                j = leads[i, t]
                if j != a and won[j] != 0.0:
                    chance = best * (won[j] / s)
                    chance += soft * (weights[i, j] / whole) if soft != 0.0 else 0.0
                    most = max(most, chance + each)
                won[j] = 0.0
        most_left[i] = most
