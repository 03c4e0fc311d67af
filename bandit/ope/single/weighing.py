"""Importance weights of one choice, and four ways of making the large ones smaller.

A weight that is made smaller trades variance for bias: less noise, and an estimate that leans
towards 0 (`importance`), or towards the model (`doubly_robust`). Each function takes weights [n],
at least 0, and returns as many. `choosing` picks how small. Open this file for
what clipping, switching, shrinking and smoothing do.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Floats
from bandit.ope.inputs import weights

MOST_SCALE = 1e200  # of `shrink`: beyond it a weight stays what it is


def weigh(logged: Floats, target: Floats) -> Floats:
    """w = target / logged, [n]: how much likelier the target makes this choice than the logger did.

    logged: [n] in (0, 1]; target: [n] in [0, 1]

    Raises ValueError for values that cannot be (`inputs.check_inputs`).
    """
    n = len(logged)
    check.shape("logged", logged, (n,))
    check.shape("target", target, (n,))
    return np.asarray(weights(logged[:, None], target[:, None])[:, 0])


def clip(w: Floats, most: float) -> Floats:
    """min(w, most): Ionides (2008), "Truncated importance sampling".

    most: positive; a higher one has less bias and more variance, infinity changes nothing

    >>> clip(np.array([0.5, 3.0]), 2.0).tolist()
    [0.5, 2.0]
    """
    _check_positive("most", most)
    return np.minimum(w, most)


def switch(w: Floats, most: float) -> Floats:
    """w where it is at most `most`, else 0: Wang, Agarwal & Dudik (2017), eq. 8.

    With a model of rewards this is SWITCH-DR: where the weight is large, the model alone speaks.

    most: as for `clip`

    >>> switch(np.array([0.5, 3.0]), 2.0).tolist()
    [0.5, 0.0]
    """
    _check_positive("most", most)
    return np.where(w <= most, w, 0.0)


def shrink(w: Floats, scale: float) -> Floats:
    """scale w / (w^2 + scale): Su, Dimakopoulou, Krishnamurthy & Dudik (2020), "Doubly robust
    off-policy evaluation with shrinkage", the optimistic kind, eq. 7.

    With a model of rewards this is DRos. A weight of sqrt(scale) is halved; larger ones vanish.

    scale: positive; a higher one has less bias and more variance, infinity changes nothing

    >>> shrink(np.array([0.5, 3.0]), 9.0).round(3).tolist()
    [0.486, 1.5]
    """
    _check_positive("scale", scale)
    if scale > MOST_SCALE:
        return np.asarray(w, np.float64)
    return np.asarray(w / (w * (w / scale) + 1))


def smooth(w: Floats, share: float) -> Floats:
    """w / (1 - share + share w): Metelli, Russo & Restelli (2021), "Subgaussian and differentiable
    importance sampling", eq. 6 with their s = -1.

    A harmonic mean of w and 1, so never above 1 / share.

    share: in [0, 1]; 0 changes nothing, 1 makes every weight 1 (but one of 0)

    >>> smooth(np.array([0.5, 3.0]), 0.5).round(3).tolist()
    [0.667, 1.5]
    """
    check.between("share", share, 0.0, 1.0)
    w = np.asarray(w, np.float64)
    base = 1 - share + share * w
    return np.asarray(np.divide(w, base, out=np.zeros_like(w), where=base > 0))


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} = {value}; must be positive")
