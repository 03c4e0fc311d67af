"""Adaptive weights: not everybody reads a newsletter in the same way.

Some members' clicks depend on their own slot alone, some on what stands above, some on all of it.
Kiyohara, Uehara, Narita, Shimizu, Yamamoto & Saito (2023), "Off-policy evaluation of ranking
policies under diverse user behavior" (AIPS), weigh each send by what its member's clicks depend on:
with no more than that the estimate has no bias, and the least variance that leaves none. Who reads
in which way is not known, so a tree of the members' features is learned from the log. Open this
file where members differ in how they read.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats, Ids, Ints
from bandit.ope.folds import assign_folds

Terms = NDArray[np.float64]
READINGS = ("apart", "above", "all")  # what a click depends on beside its own slot
LEAST, DEPTH = 200, 3  # sends in a leaf, and questions down to it


def weigh_readings(own: Floats, above: Floats) -> Floats:
    """The weights of each reading of `READINGS`, [3, n, k].

    own: [n, k], of each slot, whatever stands above (`ope.inputs.weigh_items`)
    above: [n, k], of the slots down to each (`ope.inputs.weights`)

    Raises ValueError for shapes that differ.
    """
    check.shape("above", above, own.shape)
    return np.stack([own, above, np.broadcast_to(above[:, -1:], above.shape)])


def adaptive(weights: Floats, reading: Ints, reward: Floats | Bools) -> Terms:
    """sum_j weights[reading[i], i, j] reward[i, j], terms [n] (Kiyohara et al. 2023, eq. 5).

    With one reading for all it is item-position, the cascade or IPS; with one slot it is IPS.

    weights: [3, n, k] of `weigh_readings`
    reading: [n], places in `READINGS`
    reward: [n, k]

    Raises ValueError for shapes that differ, a reading that there is not, and what is not finite.
    """
    count, n, k = weights.shape
    check.shape("reading", reading, (n,))
    check.shape("reward", reward, (n, k))
    wrong = ~((reading >= 0) & (reading < count))
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(f"reading[{i}] = {reading[i]}; must be from 0 to {count - 1}")
    terms: Terms = (weights[reading, np.arange(n)] * reward).sum(axis=1)
    check.finite("weighted rewards", terms[:, None], range(n))
    return terms


def learn_readings(
    features: Floats, weights: Floats, reward: Floats | Bools, members: Ids, seed: int = 0
) -> Ints:
    """How each member reads, [n], by a tree that was learned from the sends of other members.

    A leaf takes the reading that assumes most and contradicts none that assumes less, as SLOPE does
    (Su, Srinath & Krishnamurthy 2020), and is divided where that makes the noise smaller.

    features: [n, d], what is known of each send's member; [n, 0] gives all the same reading
    weights, reward: as for `adaptive`
    members: [n], ids
    seed: keys the two halves of the members
    """
    check.shape("features", features, (weights.shape[1], features.shape[-1]))
    terms = (weights * np.asarray(reward, np.float64)).sum(axis=2)
    half, reading = assign_folds(members, 2, seed), np.zeros(len(features), dtype=np.int64)
    for each in range(2):
        seen, asked = np.flatnonzero(half != each), np.flatnonzero(half == each)
        _grow(features, terms, seen, asked, DEPTH, reading)
    return reading


def _grow(
    features: Floats, terms: Floats, seen: Ints, asked: Ints, depth: int, reading: Ints
) -> float:
    """Fill in the reading of the rows asked about; returns the leaf's, or the leaves', error."""
    best, error = _choose(terms[:, seen])
    reading[asked] = best
    if depth == 0 or len(seen) < 2 * LEAST:
        return error
    for column in features.T:
        for level in np.unique(np.quantile(column[seen], (0.25, 0.5, 0.75), method="lower")):
            low = column[seen] <= level
            if min(low.sum(), (~low).sum()) < LEAST:
                continue
            parts = (seen[low], seen[~low])
            rest = (asked[column[asked] <= level], asked[column[asked] > level])
            split = reading.copy()
            found = sum(
                (len(part) / len(seen)) ** 2 * _grow(features, terms, part, own, depth - 1, split)
                for part, own in zip(parts, rest, strict=True)
            )
            if found < error:
                error, reading[asked] = found, split[asked]
    return error


def _choose(terms: Floats) -> tuple[int, float]:
    """The reading that assumes most and contradicts none that assumes less, and its noise.

    terms: [3, n]; a contradiction is a mean difference beyond its own standard error
    """
    n = terms.shape[1]
    if n < 2:
        return len(READINGS) - 1, float("inf")
    noise = terms.var(axis=1, ddof=1) / n
    for which in range(len(READINGS)):
        apart = terms[which] - terms[which + 1 :]
        if (apart.mean(axis=1) ** 2 <= apart.var(axis=1, ddof=1) / n).all():
            break
    return which, float(noise[which])
