"""Intervals for the mean of an estimator's terms, one term for each send.

`normal_interval` is what is used; `bootstrap_interval` makes no claim about the shape of the
estimate's distribution, and `bernstein_interval` none at all, at the price of being wide. Intervals
that hold at every look are in `sequences`. Open this file for what an interval assumes about sends
to the same member.
"""

import math
from dataclasses import dataclass

import numpy as np

from bandit.core import check, keys
from bandit.core.ids import number_ids
from bandit.core.types import Floats, Ids, Ints
from bandit.ope.sample_size import effective_sample_size

PIECE = 2000  # members whose resamples are drawn at once
_CHANCE = np.cumsum([1 / math.e / math.factorial(count) for count in range(9)])
# Poisson(1) numbers, as many of each as it is likely, to one in 65,536: quicker than drawing them
POISSON = np.searchsorted(_CHANCE, (np.arange(65_536) + 0.5) / 65_536).astype(np.float32)
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
    index, groups = _group(terms, clusters, level)
    n, mean = len(terms), float(terms.mean())
    squares = np.bincount(index, weights=terms - mean).astype(np.float64) ** 2
    error = float(np.sqrt(groups / (groups - 1) * squares.sum())) / n
    freedom = max(min(groups - 1, effective_sample_size(squares)), 1.0)
    from scipy.special import stdtrit  # the sender has no need of it

    margin = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Interval(mean, mean - margin, mean + margin)


def bootstrap_interval(
    terms: Floats,
    clusters: Ids | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Quantiles of the mean over resamples of the members (Efron 1979, by cluster).

    Each member counts a Poisson(1) number of times, which is the bootstrap of a list whose length
    is not fixed (Hanley & MacGibbon 2006). Members without anything but zeros differ in how many
    sends they have alone, so all with as many are counted by one number: the work goes with the
    members who have a click.

    terms, clusters, level: as for `normal_interval`
    resamples: more of them give steadier ends
    seed: keys the resamples

    Raises ValueError as `normal_interval` does, and for fewer than 20 resamples.
    """
    check.whole("resamples", resamples, 20)
    index, groups = _group(terms, clusters, level)
    sums, sends = np.bincount(index, terms), np.bincount(index)
    some = np.zeros(groups, dtype=bool)
    some[index[terms != 0]] = True
    rng = keys.generator(seed, "bootstrap")
    total, count = np.zeros((2, resamples))
    sizes, many = np.unique(sends[~some], return_counts=True)
    for size, members in zip(sizes.tolist(), many.tolist(), strict=True):
        count += size * rng.poisson(members, resamples)
    for rows in np.array_split(np.flatnonzero(some), max(1, int(some.sum()) // PIECE)):
        times = POISSON[rng.integers(0, len(POISSON), (len(rows), resamples), dtype=np.uint16)]
        total += sums[rows] @ times
        count += sends[rows] @ times
    means = total / np.maximum(count, 1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(float(terms.mean()), low, high)


def bernstein_interval(
    terms: Floats,
    least: float,
    most: float,
    clusters: Ids | None = None,
    level: float = 0.95,
) -> Interval:
    """The empirical Bernstein bound of Maurer & Pontil (2009), theorem 4, to both sides.

    With y_g = G / n times the sum of a member's terms, whose mean over G members is that of the
    terms, it is mean +- sqrt(2 V ln(4 / a) / G) + 7 R ln(4 / a) / (3 (G - 1)), a = 1 - level, V the
    variance of the y and R their range. It holds for any distribution within these bounds and any
    number of members, given how many sends each has, and is cut at the bounds.

    least, most: that no term can pass, known beforehand: the largest weight times the largest
        reward, and not what was met
    terms, clusters, level: as for `normal_interval`

    Raises ValueError as `normal_interval` does, and for a term outside the bounds.
    """
    index, groups = _group(terms, clusters, level)
    if not least < most or not ((terms >= least) & (terms <= most)).all():
        raise ValueError(
            f"terms are from {terms.min():g} to {terms.max():g}; must be within "
            f"least = {least:g} and most = {most:g}"
        )
    sends = np.bincount(index)
    each = np.bincount(index, terms) * groups / len(terms)
    reach = float(sends.max()) * groups / len(terms) * (most - least)
    if sends.min() < sends.max():  # members with fewer sends are nearer to 0
        ends = [end * size for end in (least, most) for size in (sends.min(), sends.max())]
        reach = (max(ends) - min(ends)) * groups / len(terms)
    doubt = float(np.log(4 / (1 - level)))
    margin = float(np.sqrt(2 * each.var(ddof=1) * doubt / groups))
    margin += 7 * reach * doubt / (3 * (groups - 1))
    mean = float(terms.mean())
    return Interval(mean, max(mean - margin, least), min(mean + margin, most))


def _group(terms: Floats, clusters: Ids | None, level: float) -> tuple[Ints, int]:
    """Each term's cluster [n], from 0, and how many there are; refuses what no interval is of."""
    if not (0 < level < 1 and (1 + level) / 2 < 1):
        raise ValueError(f"level = {level}; must be in (0, 1)")
    n = len(terms)
    check.shape("terms", terms, (n,))
    check.finite("terms", terms[:, None], range(n))
    reach = float(np.abs(terms).max(initial=0.0))
    if reach > MOST:
        raise ValueError(f"terms reach {reach:.3g}; must be at most {MOST:g} in size")
    index: Ints = np.arange(n)
    if clusters is not None:
        check.shape("clusters", clusters, (n,))
        index = number_ids(clusters)
    groups = int(index.max(initial=-1)) + 1
    if groups < 2:
        raise ValueError(f"{groups} cluster in {n} terms; an interval needs at least 2")
    return index, groups
