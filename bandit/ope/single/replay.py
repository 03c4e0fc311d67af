"""Replay: keep the sends in which the target would have chosen as the logger did.

Li, Chu, Langford & Wang (2011), "Unbiased offline evaluation of contextual-bandit-based news
article recommendation algorithms", for a uniform logger; Dudik, Erhan, Langford & Li (2012),
"Sample-efficient nonstationary policy evaluation", section 3, for any, by rejection. What is kept
is as if the target had sent it, so a policy that learns may be tried on it. Open this file for
that; for an estimate, weights waste less.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.ope.single.importance import Terms, check_weighed


def keep(w: Floats, luck: Floats, most: float | None = None) -> Bools:
    """Which sends to keep [n]: each with probability w / most.

    w: [n], weights (`weighing.weigh`)
    luck: [n], uniform in [0, 1), such as `core.keys.uniforms` gives
    most: the largest weight that can be; None takes the largest met, whose bias is small where many
        sends have it, as with a uniform logger; a weight above `most` is refused

    Raises ValueError for a weight above most, and luck outside [0, 1).
    """
    check_weighed(w, luck)
    top = float(w.max()) if most is None else most
    if not top > 0 or w.max() > top:
        raise ValueError(f"a weight is {w.max():g}; must be at most most = {top:g}, above 0")
    if not ((luck >= 0) & (luck < 1)).all():
        raise ValueError("luck must be in [0, 1)")
    return np.asarray(luck < w / top)


def replay(kept: Bools, reward: Floats | Bools) -> Terms:
    """The mean reward of what was kept, as terms [n]: kept reward / mean(kept), linearised.

    Raises ValueError where nothing was kept.
    """
    check.shape("reward", reward, kept.shape)
    if not kept.any():
        raise ValueError("no send was kept: the target never chose as the logger did")
    value = np.asarray(reward, np.float64)
    mean = value[kept].mean()
    return np.asarray(mean + kept * (value - mean) / kept.mean())
