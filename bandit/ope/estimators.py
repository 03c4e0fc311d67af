"""Estimators of the clicks that a target policy would have earned. Axes: n sends, k slots.

All estimators take

    logged  [n, k] in (0, 1], the propensities that the log recorded
    target  [n, k] in [0, 1], the target policy's probability of the same choices after the same
            slots above (`slates.propensity.replay`; 1 on both sides for pins and empty slots)
    reward  [n, k], the clicks by slot

and return terms [n], whose mean is the estimate and whose spread is its standard error. All raise
ValueError for values that cannot be (`check_inputs`). w[i, j] is the product of target / logged
over slots 1 to j. To evaluate the first s slots, pass [:, :s]: this also assumes that clicks there
do not depend on the slots below. Open this file to choose or to add an estimator; `evaluate` runs
them all.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core.types import Bools, Floats
from bandit.ope.inputs import check_inputs, weights

Terms = NDArray[np.float64]


def ips(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """w[i, k] sum_j r[i, j], inverse propensity scoring (Horvitz & Thompson 1952).

    It is unbiased whatever the clicks depend on. For slates it is the list estimator of Li,
    Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen (2018). The variance grows with every slot.
    """
    check_inputs(logged, target, reward)
    terms: Terms = weights(logged, target)[:, -1] * reward.sum(axis=1)
    return terms


def snips(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """v = sum_i w[i, k] r[i] / sum_i w[i, k], where r[i] is the slate's clicks.

    This is the self-normalised estimator (Swaminathan & Joachims 2015). Terms are
    v + w (r - v) / mean(w), its linearisation. It is biased by order 1 / effective sample size, and
    never outside the rewards seen. Raises ValueError where every weight is 0.

    >>> logged = np.full((4, 1), 0.5)
    >>> target, clicked = np.array([[0.9], [0.1], [0.9], [0.1]]), np.array([[1.0], [0], [0], [0]])
    >>> round(float(snips(logged, target, clicked).mean()), 3)
    0.45
    """
    check_inputs(logged, target, reward)
    w = _check_mass(weights(logged, target))
    return _normalise(w[:, -1:], reward.sum(axis=1, keepdims=True, dtype=np.float64))


def cascade(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """sum_j w[i, j] r[i, j]: unbiased where a click depends on its own slot and those above.

    This is the sequential reward interaction of McInerney, Brost, Chandar, Mehrotra & Carterette
    (2020), whose RIPS is `cascade_sn`.
    """
    check_inputs(logged, target, reward)
    terms: Terms = (weights(logged, target) * reward).sum(axis=1)
    return terms


def cascade_sn(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """sum_j v_j, v_j = sum_i w[i, j] r[i, j] / sum_i w[i, j]: `cascade`, self-normalised by slot.

    This is RIPS (McInerney et al. 2020): normalising the running product at each slot, as they do,
    gives the same weights. Terms are sum_j v_j + w_j (r_j - v_j) / mean(w_j). Raises ValueError
    where every weight of a slot is 0.
    """
    check_inputs(logged, target, reward)
    return _normalise(_check_mass(weights(logged, target)), np.asarray(reward, np.float64))


def _check_mass(w: Floats) -> Floats:
    """w [n, k] itself. Raises ValueError where the target makes none of the logged slates."""
    gone = (w == 0).all(axis=0)
    if gone.any():
        raise ValueError(
            f"every weight is 0 at slot {int(gone.argmax()) + 1}: "
            "the target makes none of the logged slates"
        )
    return w


def _normalise(w: Floats, reward: Floats) -> Terms:
    """Terms [n] of w, reward [n, s]: each column's ratio estimator and its influence function."""
    w = w / w.mean(axis=0)
    value = (w * reward).mean(axis=0)
    terms: Terms = (value + w * (reward - value)).sum(axis=1)
    return terms
