"""A log as weights that multiply down the slate take it: few assumptions, much luck.

They serve where the target differs little from what was sent, such as next week's policy beside
this week's, or where newsletters are short: SNIPS and the cascade (`ope.estimators`) may be
believed when clicks do depend on other slots. Open this file for what they need to be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from bandit.core.types import Bools, Floats
from bandit.ope.estimators import cascade_sn, snips
from bandit.ope.whole.doubly_robust import cascade_dr

FROM_TOP = ("snips", "cascade_sn", "cascade_dr")  # keys of `ASSUMES`


@dataclass(frozen=True)
class FromTop:
    """A log as the estimators from the top take it. All arrays are [n, k].

    logged, target: chances of what was shown, given the slots above, as for `ope.estimators`
    reward: clicks
    supported: every open article could be drawn
    shown, wanted: a model's clicks, as for `cascade_dr` (`rewards.slates.model_top`); None: there
        is no model
    """

    logged: Floats
    target: Floats
    reward: Floats
    supported: Bools
    shown: Floats | None = None
    wanted: Floats | None = None

    def weigh(self, estimator: str) -> Floats:
        """What the target earns by one of `FROM_TOP`, terms [n].

        Raises ValueError for `cascade_dr` without a model.
        """
        log = (self.logged, self.target, self.reward)
        if estimator != "cascade_dr":
            return {"snips": snips, "cascade_sn": cascade_sn}[estimator](*log)
        if self.shown is None or self.wanted is None:
            raise ValueError("there is no model of clicks; see `rewards.slates.model_top`")
        return cascade_dr(*log, self.shown, self.wanted)

    @classmethod
    def join(cls, parts: Sequence["FromTop"]) -> Self:
        """Several issues as one log."""
        columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(cls)}
        known = {name: c for name, c in columns.items() if all(array is not None for array in c)}
        return cls(**{name: np.concatenate(arrays) for name, arrays in known.items()})

    def cut(self, slots: int) -> Self:
        """The same on the first slots alone."""
        known = {name: array for name, array in vars(self).items() if array is not None}
        return type(self)(**{name: array[:, :slots] for name, array in known.items()})
