"""The parts that an association may be given, refused by name where they are something else."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bandit import check
from simulators.campaigns import Campaigns
from simulators.clicks import PositionBased
from simulators.drift import Drift, Membership
from simulators.examine import Examine
from simulators.opens import Opens
from simulators.press import Press
from simulators.reading import Reading

PARTS = {
    "opens": Opens,
    "reading": Reading,
    "drift": Drift,
    "membership": Membership,
    "press": Press,
    "campaigns": Campaigns,
}


def checked(given: Mapping[str, Any]) -> None:
    """Raise ValueError for a part that is neither None nor of its kind."""
    for name, part in given.items():
        if part is not None and not isinstance(part, PARTS[name]):
            raise ValueError(f"{name} = {part!r}; must be a {PARTS[name].__module__}.{PARTS[name].__name__}, or None")


def examination(model: Any, slots: int) -> Examine:
    """The examination model, if it is made for that many slots; a chance for each slot makes a position-based one. Raises
    ValueError naming what cannot be."""
    if isinstance(model, Sequence | np.ndarray) and not isinstance(model, str):
        for j, value in enumerate(model):
            check.share(f"examine of slot {j + 1}", value)
        if len(model) < slots:
            raise ValueError(f"examine gives {len(model)} slots; the layout has {slots}")
        return PositionBased(tuple(model))
    if not hasattr(model, "chances"):
        raise ValueError(f"examine = {model!r}; must be an examination model (simulators.clicks) or a chance for each slot")
    made: Examine = model
    made.chances(slots)
    return made
