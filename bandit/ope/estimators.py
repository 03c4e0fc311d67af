"""Estimators of the clicks that a target policy would have earned. Axes: n sends, k slots.

All take logged [n, k] in (0, 1], the propensities the log recorded; target [n, k] in [0, 1], the target policy's
probability of the same choices after the same slots above (`slates.replay`; 1 on both sides for pins and empty slots);
reward [n, k], the clicks by slot. All return terms [n] whose mean is the estimate and whose spread is its standard
error. All raise ValueError for values that cannot be (`check_inputs`). w[i, j] is the product of target / logged over
slots 1 to j. To evaluate the first s slots, pass [:, :s]: this also assumes that clicks there do not depend on the
slots below.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core.types import Bools, Floats
from bandit.ope.diagnostics import weights
from bandit.ope.inputs import check_inputs

Terms = NDArray[np.float64]


def ips(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """w[i, k] sum_j r[i, j]: unbiased whatever the clicks depend on (Horvitz & Thompson 1952; for slates Li, Abbasi-Yadkori,
    Kveton, Muthukrishnan, Vinay & Wen 2018, the list estimator). The variance grows with every slot."""
    check_inputs(logged, target, reward)
    terms: Terms = weights(logged, target)[:, -1] * reward.sum(axis=1)
    return terms


def snips(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """v = sum_i w[i, k] r[i] / sum_i w[i, k], r[i] the slate's clicks (Swaminathan & Joachims 2015, the self-normalised
    estimator). Terms are v + w (r - v) / mean(w), its linearisation. Biased by order 1 / effective sample size, and never
    outside the rewards seen. Raises ValueError where every weight is 0."""
    check_inputs(logged, target, reward)
    w = _with_mass(weights(logged, target))
    return _self_normalised(w[:, -1:], reward.sum(axis=1, keepdims=True, dtype=np.float64))


def cascade(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """sum_j w[i, j] r[i, j]: unbiased where a click depends on its own slot and those above (the sequential reward
    interaction of McInerney, Brost, Chandar, Mehrotra & Carterette 2020, whose RIPS is `cascade_sn`)."""
    check_inputs(logged, target, reward)
    terms: Terms = (weights(logged, target) * reward).sum(axis=1)
    return terms


def cascade_sn(logged: Floats, target: Floats, reward: Floats | Bools) -> Terms:
    """sum_j v_j, v_j = sum_i w[i, j] r[i, j] / sum_i w[i, j]: `cascade`, self-normalised slot by slot. This is RIPS
    (McInerney et al. 2020): normalising the running product at each slot, as they do, gives the same weights. Terms are
    sum_j v_j + w_j (r_j - v_j) / mean(w_j). Raises ValueError where every weight of a slot is 0."""
    check_inputs(logged, target, reward)
    return _self_normalised(_with_mass(weights(logged, target)), np.asarray(reward, np.float64))


def _with_mass(w: Floats) -> Floats:
    """w [n, k] itself, if the target makes any of the logged slates."""
    gone = (w == 0).all(axis=0)
    if gone.any():
        raise ValueError(
            f"every weight is 0 at slot {int(gone.argmax()) + 1}: the target makes none of the logged slates"
        )
    return w


def _self_normalised(w: Floats, reward: Floats) -> Terms:
    """w, reward [n, s] to terms [n]: the ratio estimator of each column plus its influence function, summed."""
    w = w / w.mean(axis=0)
    value = (w * reward).mean(axis=0)
    terms: Terms = (value + w * (reward - value)).sum(axis=1)
    return terms
