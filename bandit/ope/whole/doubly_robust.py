"""Doubly robust forms: a model of clicks carries the estimate, and weights repair what it misses.

With any model the estimate is as unbiased as the weights are; the better the model, the less the
weights have to say. Dudik, Langford & Li (2011, "Doubly robust policy evaluation and learning") for
a whole slate, Kiyohara et al. (2022, "Doubly robust off-policy evaluation for ranking policies
under the cascade behavior model") for the cascade. The model must not have seen the clicks that it
is corrected by: `folds.cross_fit` fits it on other members. Open this file where a model of clicks
is at hand; at click rates of a few per cent most of the noise is in the clicks, and little is
gained.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.ope.inputs import check_chances, check_inputs, weigh_items, weights

Terms = NDArray[np.float64]


def repair(weight: Floats, reward: Floats | Bools, shown: Floats, wanted: Floats) -> Terms:
    """sum_j wanted[i, j] + weight[i, j] (reward[i, j] - shown[i, j]), terms [n], of any weights.

    It is as unbiased as the weights are without a model, if the model keeps to what they assume:
    for `inputs.weigh_items` a click of the model depends on its slot and article, for
    `position_based.weigh_positions` it is the same curve times an appeal, for the weights that
    `adaptive` takes of a send it depends on what that member's reading holds, and for
    `pseudo_inverse.weigh_pairs` the newsletter's clicks are a sum over its (slot, article) pairs.

    weight: [n, k]; or [n, 1], alike in all slots
    reward: [n, k]
    shown: [n, k], the model's clicks of what was shown in each slot
    wanted: [n, k], the model's mean clicks of what the target would show in each slot

    Raises ValueError for shapes that differ, and what is not finite.
    """
    _check_model(shown, wanted, reward)
    n, k = shown.shape
    check.shape("weight", weight, (n, 1 if weight.shape == (n, 1) else k))
    terms: Terms = (wanted + weight * (reward - shown)).sum(axis=1)
    check.finite("weighted rewards", terms[:, None], range(n))
    return terms


def item_position_dr(
    logged: Floats, target: Floats, reward: Floats | Bools, shown: Floats, wanted: Floats
) -> Terms:
    """sum_j wanted[i, j] + w[i, j] (reward[i, j] - shown[i, j]), terms [n], w of item-position.

    logged, target, reward: as in `inputs.check_chances`
    shown: [n, k], the model's clicks of what was shown in each slot
    wanted: [n, k], the model's mean clicks of what the target would show in each slot

    Raises ValueError for values that cannot be.
    """
    check_chances(logged, target, reward)
    return repair(weigh_items(logged, target), reward, shown, wanted)


def cascade_dr(
    logged: Floats, target: Floats, reward: Floats | Bools, shown: Floats, wanted: Floats
) -> Terms:
    """sum_j w[i, j] (reward[i, j] - shown[i, j]) + w[i, j - 1] wanted[i, j], terms [n].

    w[i, j] is the product of target / logged over slots 1 to j, as in `estimators.cascade`, and
    w[i, 0] is 1. The model may be of the clicks in slot j, or of those in j and below (Kiyohara et
    al. 2022, eq. 9): with either the estimate is as unbiased as the cascade's.

    logged, target, reward: [n, k], as in `estimators`
    shown: [n, k], the model, given the slots above, for what was shown
    wanted: [n, k], its mean over what the target would show in slot j below the same slots above

    Raises ValueError for values that cannot be.
    """
    check_inputs(logged, target, reward)
    _check_model(shown, wanted, reward)
    w = weights(logged, target)
    above = np.concatenate([np.ones((len(w), 1)), w[:, :-1]], axis=1)
    terms: Terms = (w * (reward - shown) + above * wanted).sum(axis=1)
    return terms


def ips_dr(
    logged: Floats, target: Floats, reward: Floats | Bools, shown: Floats, wanted: Floats
) -> Terms:
    """wanted[i] + w[i, k] (sum_j reward[i, j] - shown[i]), terms [n]: of the slate as one action.

    logged, target, reward: [n, k], as in `estimators`
    shown, wanted: [n], the model's clicks of the slate shown, and their mean over the target's

    Raises ValueError for values that cannot be.
    """
    check_inputs(logged, target, reward)
    total = reward.sum(axis=1)
    _check_model(shown, wanted, total)
    terms: Terms = wanted + weights(logged, target)[:, -1] * (total - shown)
    return terms


def _check_model(shown: Floats, wanted: Floats, reward: Floats | Bools) -> None:
    for name, model in (("shown", shown), ("wanted", wanted)):
        check.shape(name, model, reward.shape)
        wide = model if model.ndim == 2 else model[:, None]
        check.finite(name, wide, range(len(model)))
