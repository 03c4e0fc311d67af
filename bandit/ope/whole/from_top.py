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


@dataclass(frozen=True)
class FromTop:
    """A log as the estimators from the top take it. All arrays but the last are [n, k].

    logged, target: chances of what was shown, given the slots above, as for `ope.estimators`
    reward: clicks
    supported: every open article could be drawn
    modelled: [n], the terms of `cascade_dr` with a model of clicks (`rewards.slates.model_top`);
        None: there is none
    """

    logged: Floats
    target: Floats
    reward: Floats
    supported: Bools
    modelled: Floats | None = None

    @classmethod
    def join(cls, parts: Sequence["FromTop"]) -> Self:
        """Several issues as one log."""
        columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(cls)}
        if any(terms is None for terms in columns["modelled"]):
            del columns["modelled"]
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})

    def cut(self, slots: int) -> Self:
        """The same on the first slots alone, of which there is no model."""
        names = ("logged", "target", "reward", "supported")
        first = {name: getattr(self, name)[:, :slots] for name in names}
        return type(self)(**first)
