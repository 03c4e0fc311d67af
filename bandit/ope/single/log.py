"""A log of one choice a send, with every chance on both sides.

Estimators take plain arrays. What has to estimate again and again, on parts of the log or with
other chances (`choosing`, `models`), takes a `Log`. Open this file to make one.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ids, Ints
from bandit.ope.inputs import ROUNDING, weights


@dataclass(frozen=True)
class Log:
    """What was chosen, what came of it, and how likely either policy makes each choice.

    action: [n], which of m articles was shown, whole numbers from 0
    reward: [n], finite
    logged: [n, m], the logger's chance of each article, adding up to 1; above 0 for what was shown
    target: [n, m], the target's
    features: [n, d], what is known of each send before the choice; [n, 0] if nothing is
    members: [n], ids; sends to one member depend on one another

    Raises ValueError at the first value that cannot be.
    """

    action: Ints
    reward: Floats | Bools
    logged: Floats
    target: Floats
    features: Floats
    members: Ids

    def __post_init__(self) -> None:
        if self.logged.ndim != 2 or 0 in self.logged.shape:
            raise ValueError(f"logged has shape {self.logged.shape}; must be (sends, articles)")
        n, m = self.logged.shape
        check.shape("target", self.target, (n, m))
        for name in ("action", "reward", "members"):
            check.shape(name, getattr(self, name), (n,))
        check.shape("features", self.features, (n, *self.features.shape[1:]))
        check.finite("features", np.asarray(self.features, np.float64), range(n))
        check.finite("reward", np.asarray(self.reward, np.float64)[:, None], range(n))
        wrong = ~((self.action >= 0) & (self.action < m))
        if wrong.any():
            i = int(wrong.argmax())
            raise ValueError(f"action[{i}] = {self.action[i]}; must be from 0 to {m - 1}")
        for name, pmf in (("logged", self.logged), ("target", self.target)):
            off = ~(np.abs(pmf.sum(axis=1) - 1) <= 1e-6) | ~(pmf >= -ROUNDING).all(axis=1)
            if off.any():
                i = int(off.argmax())
                raise ValueError(
                    f"{name}[{i}] adds up to {pmf[i].sum():.6g}, its least is {pmf[i].min():.3g}; "
                    "chances must add up to 1 and be at least 0"
                )
        self.weigh()

    def __len__(self) -> int:
        return len(self.action)

    def weigh(self) -> Floats:
        """The importance weights [n]; raises ValueError where the logger had no chance."""
        rows = np.arange(len(self.action))
        chances = (self.logged[rows, self.action], self.target[rows, self.action])
        return np.asarray(weights(*(each[:, None] for each in chances))[:, 0])

    def take(self, rows: Ints) -> Self:
        """Some of its sends, in this order."""
        return replace(self, **{name: value[rows] for name, value in vars(self).items()})
