"""The parts that an association may be given, refused by name where they are something else."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bandit.core import check
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Drift, Membership
from simulators.association.opens import Opens
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.examination.models import PositionBased
from simulators.examination.walk import Examine
from simulators.noise.noise import Noise

PARTS = {
    "opens": Opens,
    "reading": Reading,
    "drift": Drift,
    "membership": Membership,
    "press": Press,
    "campaigns": Campaigns,
    "noise": Noise,
}


def checked(given: Mapping[str, Any]) -> None:
    """Raise ValueError for a part that is neither None nor of its kind."""
    for name, part in given.items():
        if part is not None and not isinstance(part, PARTS[name]):
            raise ValueError(
                f"{name} = {part!r}; must be a {PARTS[name].__module__}.{PARTS[name].__name__}, or None"
            )


def sizes(given: Mapping[str, Any]) -> None:
    """Raise ValueError for members, issues or slots below 1, or a pool that cannot fill the slots."""
    for what, least in (("members", 1), ("issues", 1), ("slots", 1), ("pool", given["slots"])):
        check.at_least(what, given[what], least)


def shares(given: Mapping[str, Any]) -> None:
    """Raise ValueError for a share outside [0, 1], among them bounce and dead together, and for an open rate of 0 or 1."""
    for what, value in {**given, "bounce + dead": given["bounce"] + given["dead"]}.items():
        check.share(what, value)
    if not 0 < given["open_rate"] < 1:
        raise ValueError(f"open_rate = {given['open_rate']}; must be in (0, 1)")


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
        raise ValueError(
            f"examine = {model!r}; must be an examination model (simulators.examination.models) or a chance for each slot"
        )
    made: Examine = model
    made.chances(slots)
    return made
