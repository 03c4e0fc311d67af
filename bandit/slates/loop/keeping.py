"""What the compiled loop keeps of a member from slot to slot: sums by blocks, the best by chunks.

From one slot to the next a few articles close. Only blocks of eight articles that have lost one are
added up again, and only the table of scores whose best article is gone is looked through again, by
chunks whose highest score is known. For six slots of 200 articles by softmax that is 3 times as
fast as `dense`, article by article; for sixteen draws of a posterior 4 to 5 times.

Members are reached by i, not by slices of the arrays: numba counts references to each slice, which
takes longer than all the rest of a slot.
"""

import numpy as np

from bandit.compiling import compile_for
from bandit.core.types import Floats, Ints
from bandit.slates.sums import BLOCK

CHUNK = 32  # articles of whose scores the highest is kept
ONE, BYTES, LAST = np.uint64(1), np.uint64(0x0101010101010101), np.uint64(56)


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
def find_lead(i: int, t: int, tables: Floats, bar: Floats, peaks: Floats, anew: bool) -> int:
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
def keep_up(
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
    return bool(opened != 0)
