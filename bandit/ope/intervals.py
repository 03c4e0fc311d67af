"""Intervals for the mean of an estimator's terms, one term for each send.

Open this file for what an interval assumes about sends to the same member.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Floats, Ids
from bandit.ope.inputs import effective_sample_size

MOST = 1e140  # of terms: the squares of their sums stay below float64's 1.8e308


@dataclass(frozen=True)
class Interval:
    """An estimate and the two ends of its confidence interval, in clicks a send."""

    estimate: float
    low: float
    high: float


def normal_interval(terms: Floats, clusters: Ids | None = None, level: float = 0.95) -> Interval:
    """mean +- t standard errors of the terms.

    The variance of the mean is the cluster-robust one, G / (G - 1) / n^2 sum_g e_g^2 with
    e_g = sum_{i in g} (terms_i - mean) (Liang & Zeger 1986). Without clusters each send is its own,
    and this is s^2 / n. t is Student's, with as many degrees of freedom as clusters carry the
    variance, (sum e^2)^2 / sum e^4, at most G - 1 (moment matching as in Satterthwaite 1946,
    without its factor for normal e): two heavy clicks among 10,000 sends say little about the
    spread. With many comparable clusters it is the normal interval.

    terms: [n]
    clusters: [n], member ids: sends to one member depend on one another
    level: of confidence, in (0, 1); a higher one gives a wider interval

    Raises ValueError for fewer than two clusters, terms that are not finite or whose squares would
    not be, and a level that is not below 1, or no longer is when it is rounded.
    """
    if not (0 < level < 1 and (1 + level) / 2 < 1):
        raise ValueError(f"level = {level}; must be in (0, 1)")
    n = len(terms)
    check.shape("terms", terms, (n,))
    check.finite("terms", terms[:, None], range(n))
    reach = float(np.abs(terms).max(initial=0.0))
    if reach > MOST:
        raise ValueError(f"terms reach {reach:.3g}; must be at most {MOST:g} in size")
    index: NDArray[np.intp] = np.arange(n)
    if clusters is not None:
        check.shape("clusters", clusters, (n,))
        index = np.unique(clusters, return_inverse=True)[1]
    groups = int(index.max(initial=-1)) + 1
    if groups < 2:
        raise ValueError(f"{groups} cluster in {n} terms; an interval needs at least 2")
    mean = float(terms.mean())
    squares = np.bincount(index, weights=terms - mean).astype(np.float64) ** 2
    error = float(np.sqrt(groups / (groups - 1) * squares.sum())) / n
    freedom = max(min(groups - 1, effective_sample_size(squares)), 1.0)
    from scipy.special import stdtrit  # the sender has no need of it

    margin = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Interval(mean, mean - margin, mean + margin)
