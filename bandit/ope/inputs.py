"""The one check in front of every estimator. Open this file when a log or a replay is refused."""

import numpy as np

from bandit.core import check
from bandit.core.types import Array, Bools, Floats

ROUNDING = 1e-9  # a propensity is a sum of floats; `slates` accepts a pmf that is off by as much


def check_inputs(logged: Floats, target: Floats, reward: Floats | Bools | None = None) -> None:
    """Raise ValueError at the first value that no log and no policy can have produced.

    logged: [n, k] in (0, 1], with n, k >= 1
    target: [n, k] in [0, 1]
    reward: [n, k], finite
    """
    if logged.ndim != 2 or 0 in logged.shape:
        raise ValueError(
            f"logged has shape {logged.shape}; must be (sends, slots), at least one of each"
        )
    check.shape("target", target, logged.shape)
    never = "must be in (0, 1]: the logging policy could not have chosen this article"
    _refuse("logged", logged, ~((logged > 0) & (logged <= 1 + ROUNDING)), never)
    _refuse("target", target, ~((target >= 0) & (target <= 1 + ROUNDING)), "must be in [0, 1]")
    if reward is not None:
        check.shape("reward", reward, logged.shape)
        _refuse("reward", reward, ~np.isfinite(reward), "must be finite")


def _refuse(what: str, array: Array, wrong: Bools, rule: str) -> None:
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise ValueError(f"{what}[{i}, {j}] = {array[i, j]}; {rule}")
