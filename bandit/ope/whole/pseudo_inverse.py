"""The pseudo-inverse estimator: what a newsletter earns is a sum over its (slot, article) pairs.

Swaminathan, Krishnamurthy, Agarwal, Dudik, Langford, Jose & Zitouni (2017), "Off-policy evaluation
for slate recommendation". Its sum may hold what one article does to the clicks of another, as long
as that adds up; item-position weights may not. Open this file where clicks depend on other slots
and the log was sent at random.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from bandit.ope.inputs import ROUNDING


def weigh_pairs(target: Floats, open: Ints) -> Floats:
    """The pseudo-inverse weight of each send [n], of a log of random slates without repeats.

    It is q' G^+ s: s has a 1 for each pair that was shown, q holds the target's chances of all
    pairs, G is the mean of s s' under the logger. For k slots filled at random from m articles that
    are open in all of them, G has three eigenvalues beside 0: k / m for the whole slate,
    (m - k) / (m (m - 1)) for which articles it holds, 1 / (m - 1) for where they stand. So

        w = 1 + (m - 1) (D - S / k) + m (m - 1) / (m - k) S / k,

    where D = sum_j q[j, a_j] - k / m and S = sum_jl q[l, a_j] - k^2 / m.

    target: [n, k, k], as in `inputs.check_chances`
    open: [n], how many articles were open to the member, at least k

    Raises ValueError for fewer.
    """
    n, k, _ = target.shape
    check.shape("open", open, (n,))
    if (open < k).any():
        i = int((open < k).argmax())
        raise ValueError(f"open[{i}] = {open[i]}; must be at least {k}, one article for each slot")
    m = np.asarray(open, np.float64)
    where = np.trace(target, axis1=1, axis2=2) - k / m
    which = target.sum(axis=(1, 2)) - k**2 / m
    # with as many articles as slots, which are shown is no choice
    rest = np.divide(m * (m - 1), m - k, out=np.zeros_like(m), where=m > k)
    return np.asarray(1 + (m - 1) * (where - which / k) + rest * which / k)


def pseudo_inverse(target: Floats, open: Ints, reward: Floats | Bools) -> NDArray[np.float64]:
    """weigh_pairs[i] sum_j reward[i, j], terms [n].

    It is unbiased where the expected clicks of the slate are a sum over its (slot, article) pairs,
    whatever other slots they fall in, and the slates were random: the same chance for every order
    of k out of the member's open articles; no pins, caps or sections. With one slot it is IPS.

    target, open: as for `weigh_pairs`
    reward: [n, k], finite

    Raises ValueError for values that cannot be.
    """
    check.shape("reward", reward, target.shape[:2])
    check.finite("reward", np.asarray(reward, np.float64), range(len(reward)))
    wrong = ~((target >= 0) & (target <= 1 + ROUNDING))
    if wrong.any():
        i, j, slot = np.argwhere(wrong)[0]
        raise ValueError(
            f"target holds what is no chance: target[{i}, {j}, {slot}] = {target[i, j, slot]}; "
            "must be in [0, 1]"
        )
    terms: NDArray[np.float64] = weigh_pairs(target, open) * reward.sum(axis=1)
    return terms
