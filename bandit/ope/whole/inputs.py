"""What stands in front of every estimator of whole newsletters: the one check of its inputs.

Axes: n sends, k slots. All of them take

    logged  [n, k, k], logged[i, j, l] is the logger's chance of showing in slot l what it showed in
            slot j, whatever stands above (`slates.walks.find_chances`); above 0 where l = j
    target  [n, k, k], the same of the target policy
    reward  [n, k], the clicks by slot

Open this file when a log or a replay is refused.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.ope.inputs import check_inputs


def check_chances(logged: Floats, target: Floats, reward: Floats | Bools) -> None:
    """Raise ValueError at the first value that no log and no policy can have produced."""
    if logged.ndim != 3 or logged.shape[1] != logged.shape[2] or 0 in logged.shape:
        raise ValueError(
            f"logged has shape {logged.shape}; must be (sends, slots, slots), at least one of each"
        )
    n, k, _ = logged.shape
    check.shape("target", target, (n, k, k))
    own = np.arange(k)
    check_inputs(logged[:, own, own], target[:, own, own], reward)
    for name, chance in (("logged", logged), ("target", target)):
        wrong = ~((chance >= 0) & (chance <= 1 + 1e-9))
        if wrong.any():
            i, j, slot = np.argwhere(wrong)[0]
            raise ValueError(f"{name}[{i}, {j}, {slot}] = {chance[i, j, slot]}; must be in [0, 1]")
