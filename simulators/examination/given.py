"""The examination model of a newsletter, as a configuration may give it."""

from collections.abc import Sequence

import numpy as np

from bandit.core import check
from simulators.examination.models import PositionBased
from simulators.examination.walk import Examine


def read_examination(model: Examine | Sequence[float], slots: int) -> Examine:
    """The examination model for newsletters of `slots` slots.

    model: an examination model, or a chance for each slot, which makes a position-based model
    Raises ValueError naming what cannot be, among it a model that is not made for so many slots.
    """
    if isinstance(model, Sequence | np.ndarray) and not isinstance(model, str):
        for j, value in enumerate(model):
            check.share(f"examine of slot {j + 1}", value)
        if len(model) < slots:
            raise ValueError(f"examine gives {len(model)} slots; the layout has {slots}")
        return PositionBased(tuple(model))
    if not isinstance(model, Examine):
        raise ValueError(
            f"examine = {model!r}; must be an examination model "
            "(simulators.examination.models) or a chance for each slot"
        )
    model.chances(slots)
    return model
