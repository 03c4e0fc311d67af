"""The difference of two policies on one log, with the baseline that makes it least uncertain.

Whoever decides whether to switch wants the difference, and on one log the two estimates share their
luck. Jeunen & Ustimenko (2024), "Delta-OPE: off-policy estimation with pairs of policies"
(arXiv 2405.10024). Open this file to compare two targets, or a target with what was sent.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats


def find_baseline(change: Floats, reward: Floats | Bools) -> Floats:
    """E[change^2 reward] / E[change^2] of each slot, [k]: what to count rewards from.

    A difference of weights has mean 0, so any number may be taken off the rewards; this one leaves
    the least variance (Jeunen & Ustimenko 2024, eq. 12).

    change: [n, k], weights of one policy less those of the other; a slot of zeros has baseline 0
    reward: [n, k]
    """
    square = np.asarray(change, np.float64) ** 2
    total = square.sum(axis=0)
    return np.asarray(
        np.divide((square * reward).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    )


def difference(first: Floats, second: Floats, reward: Floats | Bools) -> NDArray[np.float64]:
    """sum_j (first - second)[i, j] (reward[i, j] - baseline[j]), terms [n].

    The mean is what the first policy earns more than the second.

    first, second: [n, k], weights of the two policies, each with mean 1 in every slot: those of
        `ope.inputs.weights` or `ope.inputs.weigh_items`; all 1 for what was sent
    reward: [n, k]

    Raises ValueError for shapes that differ and weights that are not finite.

    >>> first, second = np.array([[2.0], [0.0]]), np.array([[1.0], [1.0]])
    >>> difference(first, second, np.array([[3.0], [3.0]])).tolist()  # all earn 3
    [0.0, 0.0]
    """
    check.shape("second", second, first.shape)
    check.shape("reward", reward, first.shape)
    change = np.asarray(first, np.float64) - second
    check.finite("weights", change, range(len(change)))
    terms: NDArray[np.float64] = (change * (reward - find_baseline(change, reward))).sum(axis=1)
    return terms
