"""Whole newsletters by weights that multiply down the slate: few assumptions, much luck.

They serve where the target differs little from what was sent, such as next week's policy beside
this week's, or where newsletters are short. Open this file for the two estimates of whole
newsletters that may be believed when clicks do depend on other slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from bandit.core.types import Bools, Floats, Ids
from bandit.ope.estimators import cascade_sn, snips
from bandit.ope.evaluate import evaluate

ESTIMATORS = {"snips": snips, "cascade_sn": cascade_sn}


@dataclass(frozen=True)
class FromTop:
    """A log as the estimators from the top take it. All arrays are [n, k].

    logged, target: chances of what was shown, given the slots above, as for `ope.estimators`
    reward: clicks
    supported: every open article could be drawn
    """

    logged: Floats
    target: Floats
    reward: Floats
    supported: Bools

    @classmethod
    def join(cls, parts: Sequence["FromTop"]) -> Self:
        """Several issues as one log."""
        columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(cls)}
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})

    def cut(self, slots: int) -> Self:
        """The same on the first slots alone."""
        return type(self)(*(array[:, :slots] for array in vars(self).values()))

    def weigh(self, estimator: str) -> Floats:
        """What the target earns on all slots, terms [n]: of a key of `ESTIMATORS`."""
        return ESTIMATORS[estimator](self.logged, self.target, self.reward)


def explain(log: FromTop, members: Ids, least_ess: float) -> tuple[float, str]:
    """Effective sample size of whole newsletters, and why there is no estimate of them.

    The reason is empty where `ope.evaluate` reaches the last slot.

    members, least_ess: as for `ope.evaluate`
    """
    found = evaluate(log.logged, log.target, log.reward, log.supported, members, least_ess)
    return found[0].ess, found[0].reason
