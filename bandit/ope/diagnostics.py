"""How much of the log speaks about the target policy, and down to which slot.

Open this file when an evaluation gives a reason instead of a number.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.ope.inputs import check_target, weights
from bandit.ope.sample_size import effective_sample_size


def deficiency(target: Floats, full_support: Bools) -> Floats:
    """The target's probability of what the logger may never have shown, [n, k].

    This is deficient support (Sachdeva, Su & Joachims 2020), given the slots above, as an upper
    bound: 0 where every open article could be drawn, elsewhere 1 - target, as if nothing but the
    article shown could have been.

    target: [n, k], as for the estimators
    full_support: [n, k], every open article could be drawn

    Raises ValueError for values that cannot be.
    """
    check.shape("full_support", full_support, target.shape)
    check_target(target)
    return np.where(full_support, 0.0, np.maximum(1.0 - target, 0.0))


def measure_lost(logged: Floats, target: Floats, full_support: Bools) -> Floats:
    """The share of the target's slates, up to each slot, that the log may not speak about, [k].

    It is 1 - prod(1 - d_j), where d_j is the mean deficiency at slot j of the sends as the target
    would fill the slots above: each send has the weight of those slots.

    logged, target, full_support: [n, k], as for `weights` and `deficiency`
    """
    above = np.ones(logged.shape)
    above[:, 1:] = weights(logged, target)[:, :-1]
    total = above.sum(axis=0)
    missing = (above * deficiency(target, full_support)).sum(axis=0)
    return 1.0 - np.cumprod(
        1.0 - np.divide(missing, total, out=np.ones_like(total), where=total > 0)
    )


def find_depth(logged: Floats, target: Floats, least_ess: float) -> int:
    """How many slots from the top have an effective sample size of at least least_ess, 0 to k."""
    enough = [effective_sample_size(w) >= least_ess for w in weights(logged, target).T]
    return int(np.logical_and.accumulate(enough).sum())
