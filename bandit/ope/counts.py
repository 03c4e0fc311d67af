"""Exact anytime-valid answers from counts: whether a split is sound, and how often rare things are.

A member is put into an arm by lot, and unsubscribes at most once. If arms make no difference, the
arm of each member who unsubscribes is a draw by the arms' shares, independent of all others,
however members differ and whatever the issues are. So counts of such members are multinomial with
known shares, look by look, and a mixture over other shares is a martingale that starts at 1: it
passes 1 / alpha with probability at most alpha (Ville), at any look (Lindon & Malek 2022,
"Anytime-valid inference for multinomial count data"; Robbins 1970 for two arms). No count is too
small. Open this file to see what makes a split unsound.
"""

import math
from collections.abc import Callable, Sequence

from bandit.core import check
from bandit.ope.intervals import Interval

SPLIT = 1000.0  # members' worth of belief that shares are near what they should be: .016 off halves
RARE = 20.0  # likewise for rare events, whose ratio may well be 2


def measure_split(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How much evidence there is that counts were not drawn by the shares: an e-value.

    It is the likelihood under a Dirichlet mixture around the shares, over that of the shares. When
    the shares are right it passes 1 / alpha at any of all looks with probability at most alpha.

    counts: members in each arm so far
    shares: of each arm; those of all arms add up to 1

    Raises ValueError for shares that do not add up to 1, fewer than two arms, and counts below 0.
    """
    if len(counts) != len(shares) or len(shares) < 2:
        raise ValueError(f"there are {len(counts)} counts and {len(shares)} shares")
    for arm, count in enumerate(counts):
        check.whole(f"counts[{arm}]", count, 0)
    if not math.isclose(sum(shares), 1.0, abs_tol=1e-6) or min(shares) <= 0:
        raise ValueError(f"shares = {list(shares)}; must be positive and add up to 1")
    total = sum(counts)
    evidence = math.lgamma(SPLIT) - math.lgamma(SPLIT + total)
    for count, share in zip(counts, shares, strict=True):
        own = SPLIT * share
        evidence += math.lgamma(own + count) - math.lgamma(own) - count * math.log(share)
    return math.exp(min(evidence, 700.0))


def bound_ratio(first: int, second: int, share: float, level: float = 0.95) -> Interval:
    """How many times as often something befalls the second arm's members as the first's.

    All such intervals hold together with probability `level`, at however many looks. Given the
    ratio r, each of the events is in the second arm with probability p = r s / (r s + 1 - s); the
    interval holds each p under which a Beta mixture around s is not 1 / (1 - level) times as
    likely. With no event at all it is from 0 to infinity.

    first, second: members to whom it happened, each counted once
    share: s, of the second arm in both, in (0, 1)
    level: of confidence, in (0, 1)

    Raises ValueError for impossible values.

    >>> found = bound_ratio(60, 90, 0.5)
    >>> round(found.estimate, 2), round(found.low, 2), round(found.high, 2)
    (1.5, 0.92, 2.49)
    """
    check.between("share", share, 1e-9, 1 - 1e-9)
    if not 0 < level < 1:
        raise ValueError(f"level = {level}; must be in (0, 1)")
    check.whole("first", first, 0)
    check.whole("second", second, 0)
    total, odds = first + second, share / (1 - share)
    if not total:
        return Interval(math.nan, 0.0, math.inf)
    a, b = RARE * share, RARE * (1 - share)
    mixture = _log_beta(a + second, b + first) - _log_beta(a, b)

    def excess(p: float) -> float:
        """How far the evidence against p is beyond what the level allows."""
        own = (second * math.log(p) if second else 0.0) + (first * math.log1p(-p) if first else 0.0)
        return mixture - own + math.log(1 - level)

    best = second / total
    low = _cross(excess, best, 0.0) if second else 0.0
    high = _cross(excess, best, 1.0) if first else 1.0
    ratio = [p / (1 - p) / odds if p < 1 else math.inf for p in (best, low, high)]
    return Interval(*ratio)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _cross(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Where `excess` turns positive between a p inside and the end of the range, by halving."""
    for _ in range(60):
        middle = (inside + outside) / 2
        if middle in (0.0, 1.0):
            break
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return outside
