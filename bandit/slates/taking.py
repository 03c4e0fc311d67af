"""Taking one article for each member out of a slot's pmf, by inverse CDF or as somebody chose.

Open this file for how a uniform number becomes an article. `bandit.slates.compiled` does the same,
to the bit, in a compiled loop.
"""

from typing import NamedTuple, TypeGuard

import numpy as np

from bandit.core.types import Bools, Floats, Ints
from bandit.slates.sums import FEW, cumulate


class Taken(NamedTuple):
    """What one slot takes from the pmf of each of n members.

    choice: [n], index of the article into the pool; -1 for none
    mass: [n], the article's probability; 0 for none
    most_left: [n], the largest probability of the articles that are left
    free: [n], some article had a chance
    supported: [n], every open article had a chance
    """

    choice: Ints
    mass: Floats
    most_left: Floats
    free: Bools
    supported: Bools


def choose(pmf: Floats, by: Floats | Ints) -> Ints:
    """The article [n] that is taken from a pmf [n, m], -1 for none.

    by: [n], uniform numbers in [0, 1) to draw by; or whole numbers, the articles that somebody
        else has chosen, -1 for none
    """
    return inverse_cdf(cumulate(pmf.T), by) if is_uniform(by) else by.astype(np.int64)


def read_off(pmf: Floats, open: Bools, choice: Ints) -> Taken:
    """What `choose` has taken from a pmf [n, m], which is overwritten.

    open: [n, m]; what has a chance without being open is a pin, and all that its members get
    """
    shown, rows, positive = choice >= 0, np.arange(len(pmf)), pmf > 0
    lacking = (positive < open).any(axis=1)
    at = (rows, choice)
    if np.count_nonzero(shown) == len(rows):  # as mostly
        mass = pmf[at]
    else:
        at = (rows[shown], choice[shown])
        mass = np.zeros(len(pmf))
        mass[shown] = pmf[at]
    pmf[at] = 0.0
    most_left = np.maximum.reduce(pmf, axis=1)
    return Taken(choice, mass, most_left, np.asarray(positive.any(axis=1)), np.asarray(~lacking))


def is_uniform(by: Floats | Ints) -> TypeGuard[Floats]:
    """Whether these are numbers to draw by, not articles that somebody has chosen."""
    return by.dtype.kind == "f"


def inverse_cdf(sums: Floats, uniform: Floats) -> Ints:
    """The first article [n] whose cumulative mass passes the uniform number's share of the total.

    sums: [m, n], as `cumulate` gives them
    uniform: [n], in [0, 1)
    The answer is -1 where there is no mass.
    """
    target = uniform * sums[-1]
    if len(target) <= FEW:
        index: Ints = (sums > target).argmax(axis=0)
    else:
        index = _count_passed(sums, target)
    beyond = ~(sums[-1] > target)  # rounding at the very end never leaves the support
    if np.count_nonzero(beyond):
        index[beyond] = np.where(
            sums[-1, beyond] > 0, (sums[:, beyond] < sums[-1, beyond]).sum(axis=0), -1
        )
    return index


def _count_passed(sums: Floats, target: Floats) -> Ints:
    """How many of some rising sums [m, n] do not pass the target [n]."""
    # narrow numbers are counted faster
    narrow = np.int8 if len(sums) < 2**7 else np.int16 if len(sums) < 2**15 else np.int64
    return np.asarray((sums <= target).view(np.int8).sum(axis=0, dtype=narrow).astype(np.intp))
