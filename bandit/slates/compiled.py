"""The walk's innermost step as a compiled loop: from open articles to what each member is shown.

It gives the bits that `exploration` and `taking` give without it, so nobody can tell from the
slates which of the two was at work, and the tests of the walk run over both. It is fast because it
does little anew. From one slot to the next a few articles close. So the sums of exponentials are
kept in blocks of eight articles, and of each table of scores which open article is the best: only
blocks and tables that have lost an article are gone through again. Where a uniform number points to
is found by blocks, too, from shares that are right but for rounding. Where rounding could decide,
and where articles tie for the best, `dense` works it all out instead, article by article.

Measured with 200 articles and 6 slots beside `dense` for everybody: see docs/scale.md.
"""

import numpy as np

from bandit.compiling import compile_for
from bandit.core.types import Bools, Floats, Ints
from bandit.slates.dense import find_by, find_most, share_out
from bandit.slates.exploration import Shares, is_some
from bandit.slates.sums import BLOCK
from bandit.slates.taking import Taken, is_uniform

CHUNK = 32  # articles of whose scores the highest is kept
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


ONE, BYTES, LAST = np.uint64(1), np.uint64(0x0101010101010101), np.uint64(56)

# Members are reached by i, not by slices of the arrays: numba counts references to each slice, which
# takes longer than all the rest of a slot.


@compile_for(
    "float64(int64, int64, int64, float64[:,:,::1], float64[::1])", fastmath={"nnan", "nsz"}
)
def _find_peak(i: int, t: int, c: int, tables: Floats, bar: Floats) -> float:
    """The highest open score of member i in chunk c of table t; no sum, so any order will do."""
    start, most = np.uint64(c * CHUNK), -np.inf
    for a in range(np.uint64(min(CHUNK, tables.shape[2] - c * CHUNK))):  # unsigned: twice as fast
        score = tables[np.uint64(i), np.uint64(t), start + a] + bar[start + a]
        most = score if score > most else most
    return most


@compile_for("int64(int64, int64, float64[:,:,::1], float64[::1], float64[:,:,::1], boolean)")
def _find_lead(i: int, t: int, tables: Floats, bar: Floats, peaks: Floats, anew: bool) -> int:
    """The best open article of member i in table t, -1 where several are.

    bar: [m], 0 for what is open and -inf for the rest
    peaks: [n, s, chunks], at least the highest open score of each chunk; too high where an article
        has closed that was not looked for since
    anew: something has opened, and peaks may be too low
    """
    if anew:
        for c in range(peaks.shape[2]):
            peaks[i, t, c] = _find_peak(i, t, c, tables, bar)
    while True:
        at, most = 0, peaks[i, t, 0]
        for c in range(1, peaks.shape[2]):
            if peaks[i, t, c] > most:
                at, most = c, peaks[i, t, c]
        peak = _find_peak(i, t, at, tables, bar)
        if peak == most:
            break
        peaks[i, t, at] = peak
    ties, lead = 0, 0
    for c in range(at, peaks.shape[2]):
        if peaks[i, t, c] == most:
            start = np.uint64(c * CHUNK)
            for a in range(np.uint64(min(CHUNK, tables.shape[2] - c * CHUNK))):
                best = tables[np.uint64(i), np.uint64(t), start + a] + bar[start + a] == most
                ties += best
                lead += best * np.int64(start + a)
    return lead if ties == 1 else -1


@compile_for(
    "boolean(int64, uint64[:,::1], uint64[:,::1], float64[:,::1], float64[:,::1],"
    "float64[:,::1], int64[:,::1])"
)
def _keep_up(
    i: int, words: Ints, was: Ints, weights: Floats, sums: Floats, tops: Floats, counts: Ints
) -> bool:
    """Bring the blocks of member i up to what is open now; whether something has opened."""
    opened, last = np.uint64(0), weights.shape[1] - 1
    for b in range(words.shape[1]):
        word = words[i, b]
        if word == was[i, b]:
            continue
        opened |= word & ~was[i, b]
        counts[i, b] = (word * BYTES) >> LAST  # adds up the eight bytes
        if last < 0:
            continue
        whole, most = 0.0, 0.0
        for a in range(BLOCK):
            weight = weights[i, min(b * BLOCK + a, last)]
            weight = weight if (word >> np.uint64(BLOCK * a)) & ONE else 0.0
            whole += weight
            most = weight if weight > most else most
        sums[i, b], tops[i, b] = whole, most
    return opened != 0


@compile_for(
    "void(int64, uint64[:,::1], boolean[:,::1], uint64[:,::1], float64[:,:,::1], float64,"
    "float64[:,::1], float64[:,::1], int64[::1], float64[::1], float64[:,::1], float64[:,::1],"
    "int64[:,::1], int64[:,::1], float64[:,:,::1], int64[::1], float64[::1], float64[::1], boolean[::1], boolean[::1])"
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
    peaks: [n, s, chunks], as for `_find_lead`
    """
    (n, blocks), s, drawn = words.shape, tables.shape[1], len(uniform) > 0
    pmf, passed, everything = np.empty(m), np.empty(m), np.ones(m, np.bool_)
    below, won, wins = np.empty(blocks), np.zeros(m), np.zeros(blocks)
    bar = np.empty(m)
    for i in range(n):
        more = _keep_up(i, words, was, weights, sums, tops, counts)
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
                    leads[i, t] = _find_lead(i, t, tables, bar, peaks, more)
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
            supported[i] = share_out(row, tables[i], gamma, weights[i], shares[i], pmf)
            if drawn:
                choice[i] = find_by(pmf, uniform[i], passed)
            free[i], mass[i] = find_most(pmf, everything) > 0.0, 0.0
            if choice[i] >= 0:
                mass[i] = pmf[choice[i]]
                pmf[choice[i]] = 0.0
            most_left[i] = find_most(pmf, everything)
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
