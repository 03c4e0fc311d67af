"""Which visits are a scanner's: a naive Bayes mixture over what `bandit.log.visits` found.

EM (Dempster, Laird & Rubin 1977) learns how people and scanners behave on this list, from priors
that say what senders report. The odds are pooled over the visits of a domain and of a network,
leaving out the visit itself: who sits behind a gateway has colleagues who do, and this finds slow
scanners that no single visit gives away. What stays hidden: a scanner that takes hours, a link at a
time, is a person to all of this. Open this file for how a visit is judged.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bandit.core.types import Floats, Ints
from bandit.log.visits import BINS, Visits

SWEEPS = 30  # of EM
POOLED = 2.0  # visits that the list's own share weighs within a domain or a network
WEIGHT = np.array([20.0, 100.0])  # visits that the priors for a person and for a scanner weigh


def learn_chance(visits: Visits) -> tuple[Floats, NDArray[np.object_]]:
    """P(a scanner's visit) [v], and in words what it rests on [v].

    The different visits are looked at in the order of what they say, each with how often it occurs.
    So neither row order nor members' ids reach even the last bit.
    """
    cells, inverse, count = np.unique(
        np.column_stack([visits.bins, visits.groups]),
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    bins, groups = cells[:, : len(BINS)], cells[:, len(BINS) :]
    prior = [np.array([chances[1:] for chances in bin]) for bin in BINS.values()]
    behave = [p / p.sum(axis=0) for p in prior]
    overall, pooled = 0.1, np.zeros(len(cells))
    r = np.zeros(len(cells))
    for _ in range(SWEEPS):
        ratio = sum(np.log(b[bins[:, j], 1] / b[bins[:, j], 0]) for j, b in enumerate(behave))
        r = np.asarray(expit(logit(overall) + pooled + ratio))
        overall = (1.0 + count @ r) / (10.0 + count.sum())
        pooled = sum(
            (logit(_share_among_others(g, r, count, overall)) - logit(overall) for g in groups.T),
            np.zeros(len(cells)),
        )
        for j, p in enumerate(prior):
            seen = [np.bincount(bins[:, j], count * share, len(p)) for share in (1 - r, r)]
            made = p / p.sum(axis=0) * WEIGHT + np.column_stack(seen)
            behave[j] = made / made.sum(axis=0)
    domain = _share_among_others(groups[:, 0], r, count, overall)
    return r[inverse.ravel()], _describe(bins, domain)[inverse.ravel()]


def _share_among_others(group: Ints, r: Floats, count: Ints, overall: float) -> Floats:
    """The scanners' share among the other visits of each visit's group, shrunk to the list's."""
    scanners, visits = np.bincount(group, count * r), np.bincount(group, count)
    others = np.maximum(scanners[group] - r, 0.0)
    return np.asarray((others + POOLED * overall) / (visits[group] - 1 + POOLED))


def _describe(bins: Ints, domain: Floats) -> NDArray[np.object_]:
    """What each visit was judged by, in words."""
    names = [np.array([bin[0] for bin in table], dtype=object) for table in BINS.values()]
    read = zip(*(name[bins[:, j]] for j, name in enumerate(names)), strict=True)
    percent = np.round(100 * domain).astype(np.int64)
    said = [
        f"{'; '.join(words)}; of its domain's other visits {d} % a scanner's"
        for words, d in zip(read, percent, strict=True)
    ]
    return np.array(said, dtype=object)
