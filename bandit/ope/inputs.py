"""What stands in front of every estimator: the one check of its inputs, and its weights.

Open this file when a log or a replay is refused.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Array, Bools, Floats

ROUNDING = 1e-9  # a propensity is a sum of floats; `slates` accepts a pmf that is off by as much
# Squares of weights times rewards are summed, and float64 ends at 1.8e308: where both keep within
# these, no estimate and no interval can come to be infinite.
MOST_CHANCE = 1 + ROUNDING
MOST_WEIGHT = 1e100
MOST_REWARD = 1e30
# The share of the target's slates that the log may know nothing of. In the measurements of
# `evaluate` the narrowest intervals reached 17 % of the estimate to each side: beside that, 1 %
# does not count.
MOST_LOST = 0.01


def check_inputs(logged: Floats, target: Floats, reward: Floats | Bools | None = None) -> None:
    """Raise ValueError at the first value that no log and no policy can have produced.

    logged: [n, k] in (0, 1], with n, k >= 1
    target: [n, k] in [0, 1]
    reward: [n, k], finite, at most 1e30 in size
    """
    if logged.ndim != 2 or 0 in logged.shape:
        raise ValueError(
            f"logged has shape {logged.shape}; must be (sends, slots), at least one of each"
        )
    check.shape("target", target, logged.shape)
    if not _lie_within(logged, MOST_CHANCE, above=0.0):  # as NaN does not, too
        never = "must be in (0, 1]: the logging policy could not have chosen this article"
        _refuse("logged", logged, ~((logged > 0) & (logged <= MOST_CHANCE)), never)
    check_target(target)
    if reward is not None:
        check.shape("reward", reward, logged.shape)
        if not _lie_within(reward, MOST_REWARD, least=-MOST_REWARD):
            _refuse("reward", reward, ~np.isfinite(reward), "must be finite")
            size = f"must be at most {MOST_REWARD:g} in size"
            _refuse("reward", reward, np.abs(np.asarray(reward, np.float64)) > MOST_REWARD, size)


def _lie_within(array: Array, most: float, least: float = -np.inf, above: float = -np.inf) -> bool:
    """Whether all values do; two passes over the array, and no copy of it."""
    low = array.min()
    return bool(low >= least and low > above and array.max() <= most)


def check_chances(logged: Floats, target: Floats, reward: Floats | Bools) -> None:
    """Raise ValueError at the first value of whole newsletters that cannot be.

    logged: [n, k, k], logged[i, j, l] is the logger's chance of showing in slot l what it showed in
        slot j, whatever stands above (`slates.walks.find_chances`); above 0 where l = j
    target: [n, k, k], the same of the target policy
    reward: [n, k], the clicks by slot
    """
    if logged.ndim != 3 or logged.shape[1] != logged.shape[2] or 0 in logged.shape:
        raise ValueError(
            f"logged has shape {logged.shape}; must be (sends, slots, slots), at least one of each"
        )
    n, k, _ = logged.shape
    check.shape("target", target, (n, k, k))
    own = np.diagonal(logged, axis1=1, axis2=2), np.diagonal(target, axis1=1, axis2=2)
    check_inputs(own[0], own[1], reward)
    for name, chance in (("logged", logged), ("target", target)):
        if not _lie_within(chance, MOST_CHANCE, least=0.0):
            _refuse(name, chance, ~((chance >= 0) & (chance <= MOST_CHANCE)), "must be in [0, 1]")


def check_target(target: Floats) -> None:
    """Raise ValueError at the first of `target` [n, k] that is no propensity."""
    if target.size and not _lie_within(target, MOST_CHANCE, least=0.0):
        _refuse("target", target, ~((target >= 0) & (target <= MOST_CHANCE)), "must be in [0, 1]")


def _refuse(what: str, array: Array, wrong: Bools, rule: str) -> None:
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0].tolist())
        raise ValueError(f"{what}{list(at)} = {array[at]}; {rule}")


def weights(logged: Floats, target: Floats) -> Floats:
    """w[i, j] = product over l <= j of target[i, l] / logged[i, l], [n, k].

    This is how much more often the target shows the first j slots of the slate than the logger did.
    Its mean is 1 at every slot where the logger could show all that the target can.

    logged, target: [n, k], as for the estimators

    Raises ValueError for values that cannot be (`check_inputs`), and for a weight above 1e100.
    """
    w = _multiply(logged, target)
    too_far = f"must be at most {MOST_WEIGHT:g}: the log hardly ever shows what this policy does"
    if not w.max() <= MOST_WEIGHT:
        _refuse("weight", w, ~(w <= MOST_WEIGHT), too_far)
    return w


def weigh_items(logged: Floats, target: Floats) -> Floats:
    """How much more often the target shows each article in its slot than the logger, [n, k].

    logged, target: [n, k, k], as in `check_chances`
    """
    return np.asarray(np.diagonal(target, axis1=1, axis2=2) / np.diagonal(logged, axis1=1, axis2=2))


def count_within(logged: Floats, target: Floats) -> int:
    """How many slots from the top `weights` can be had of, 0 to k."""
    within = (_multiply(logged, target) <= MOST_WEIGHT).all(axis=0)
    return int(np.logical_and.accumulate(within).sum())


def _multiply(logged: Floats, target: Floats) -> Floats:
    """The running products [n, k], which may be infinite, or NaN below an infinite one."""
    check_inputs(logged, target)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.asarray(target, np.float64) / logged
        return np.cumprod(ratio, axis=1) if ratio.shape[1] > 1 else ratio
