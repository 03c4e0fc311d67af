"""A model of rewards speaks, and weights repair what it misses.

Open this file for the direct method, DR and SNDR. With other weights `dr` is a family: `switch`
makes it SWITCH-DR, `shrink` DRos and `clip` DRps (`weighing`), `weigh_topics` OffCEM (`topics`),
`balance` balanced DR (`loggers`). The model must not have seen the rewards that it is corrected by:
`models` fits it on other sends.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from bandit.ope.inputs import check_target
from bandit.ope.single.importance import Terms, check_weighed, normalise


def direct(target: Floats, model: Floats) -> Terms:
    """sum_a target[i, a] model[i, a], terms [n]: the direct method (Beygelzimer & Langford 2009).

    It has the least variance of all, and whatever bias the model has.

    target: [n, m], the target's chance of each article
    model: [n, m], the rewards that a model expects

    >>> direct(np.array([[0.25, 0.75]]), np.array([[2.0, 4.0]])).tolist()
    [3.5]
    """
    check.shape("model", model, target.shape)
    terms: Terms = np.einsum(
        "nm,nm->n", np.asarray(target, np.float64), np.asarray(model, np.float64)
    )
    sound = target.size and target.min() >= 0 and target.max() <= 1  # tell NaN as well
    if not (sound and np.isfinite(terms).all()):  # slower, and says what and where
        check.finite("model", np.asarray(model, np.float64), range(len(model)))
        check_target(target)
    return terms


def pick(model: Floats, action: Ints) -> Floats:
    """model[i, action[i]], [n]: of what was shown.

    Raises ValueError for shapes that differ, and an article that there is not.
    """
    n, m = model.shape
    check.shape("action", action, (n,))
    if n and not (action.min() >= 0 and action.max() < m):
        i = int(np.argmax((action < 0) | (action >= m)))
        raise ValueError(f"action[{i}] = {action[i]}; must be from 0 to {m - 1}")
    if not model.flags.c_contiguous:
        return np.asarray(model[np.arange(n), action])
    return np.asarray(model.reshape(-1).take(np.arange(0, n * m, m) + action))  # 5 times as fast


def dr(w: Floats, reward: Floats | Bools, shown: Floats, wanted: Floats) -> Terms:
    """wanted + w (reward - shown), terms [n]: doubly robust (Dudik, Langford & Li 2011).

    Unbiased if the weights are, and if the model is right, whatever the weights. With a model of 0
    it is IPS, with weights of 0 the direct method.

    w, reward: as for `importance.ips`
    shown: [n], the model's reward of what was shown (`pick`)
    wanted: [n], the model's mean reward of what the target would show (`direct`)

    >>> half = np.array([0.5, 0.5])
    >>> dr(np.array([2.0, 0.0]), np.array([1.0, 1.0]), half, half).tolist()
    [1.5, 0.5]
    """
    check_weighed(w, reward, shown, wanted)
    return np.asarray(wanted + w * (np.asarray(reward, np.float64) - shown))


def sndr(w: Floats, reward: Floats | Bools, shown: Floats, wanted: Floats) -> Terms:
    """mean(wanted) + sum w (reward - shown) / sum w, as terms [n]: self-normalised DR.

    Thomas & Brunskill (2016), the weighted form. Terms are those of `normalise`.

    Raises ValueError where every weight is 0.
    """
    check_weighed(w, reward, shown, wanted)
    rest = np.asarray(reward, np.float64) - shown
    return np.asarray(wanted + normalise(np.asarray(w, np.float64), rest))
