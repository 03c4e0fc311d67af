"""Weighted rewards: no model, no assumption but that the logger could show what the target does.

Open this file for IPS and SNIPS; clipped, switched and smoothed IPS are the same with other weights
(`weighing`), MIPS with those of `topics`, balanced IPS with those of `loggers`.
"""

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats

Terms = NDArray[np.float64]


def ips(w: Floats, reward: Floats | Bools) -> Terms:
    """w reward, terms [n]: inverse propensity scoring (Horvitz & Thompson 1952).

    Unbiased with the weights of `weighing.weigh`, whatever rewards depend on.

    w: [n], at least 0; reward: [n], finite

    >>> ips(np.array([2.0, 0.0, 1.0]), np.array([1.0, 1.0, 3.0])).tolist()
    [2.0, 0.0, 3.0]
    """
    check_weighed(w, reward)
    return np.asarray(w * reward)


def snips(w: Floats, reward: Floats | Bools) -> Terms:
    """v = sum w reward / sum w, as terms [n]: self-normalised (Swaminathan & Joachims 2015).

    Terms are v + w (reward - v) / mean(w), its linearisation. It is biased by order 1 / effective
    sample size, moves with rewards that all grow by a constant, and is never outside those seen.

    w, reward: as for `ips`

    Raises ValueError where every weight is 0.

    >>> snips(np.array([2.0, 0.0, 1.0]), np.array([1.0, 1.0, 4.0])).mean()
    np.float64(2.0)
    """
    check_weighed(w, reward)
    return normalise(np.asarray(w, np.float64), np.asarray(reward, np.float64))


def normalise(w: Floats, value: Floats) -> Terms:
    """sum w value / sum w, as terms [n] whose spread is its own.

    Raises ValueError where every weight is 0.
    """
    if not w.any():
        raise ValueError("every weight is 0: the target makes none of the logged choices")
    w = w / w.mean()
    mean = (w * value).mean()
    return np.asarray(mean + w * (value - mean))


def check_weighed(w: Floats, *values: Floats | Bools) -> None:
    """Raise ValueError at the first weight below 0, or value [n] that is not finite."""
    n = len(w)
    for name, column in (("weights", w), *((f"values {i}", v) for i, v in enumerate(values))):
        check.shape(name, column, (n,))
        if n and not (np.isfinite(column.min()) and np.isfinite(column.max())):  # NaN is in both
            check.finite(name, np.asarray(column, np.float64)[:, None], range(n))
    if n == 0 or w.min() < 0:
        at = f"weight[{int(w.argmin())}] = {w.min()}" if n else "there are no sends"
        raise ValueError(f"{at}; weights must be at least 0, and one of them there")
