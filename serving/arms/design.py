"""An experiment as an editor writes it down: its name, and its arms with their bundles and shares.

A member's arm is drawn by key from the series of campaigns, the experiment's name and the member
id, so it is the same in every issue, whoever joins or leaves. Open this file for what a file of
`--experiment` may hold, and to see who is in which arm.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from bandit.core import keys
from bandit.core.check import shorten
from bandit.core.told import Limits, read
from bandit.core.types import Ids, Ints
from serving.settings import read_settings

RESERVED = ("held out", "rest", "policy")  # what others than arms are called
ROUNDING = 1e-9  # shares such as .7, .2 and .1 add up to a little less than 1
Share = Annotated[float, Limits(above=0, below=1)]
Word = Annotated[str, Limits(shortest=1, longest=40, pattern=r"\S(.*\S)?")]


@dataclass(frozen=True)
class Arm:
    """A bundle, and the share of the members for whom it chooses.

    name: of the arm, as slates and verdicts call it
    bundle: its folder, as seen from the folder of the experiment's file
    share: of the members who are not held out
    """

    name: Word
    bundle: Annotated[str, Limits(shortest=1)]
    share: Share


@dataclass(frozen=True)
class Design:
    """An experiment: arms among which the members are shared out for good.

    name: of the experiment; another name gives another draw of who is in which arm
    arms: at least two; the first is what the others are compared with. Shares add up to at most 1,
        and who is left over is in no arm

    Raises ValueError for names that come twice, shares beyond 1, and any other setting.
    """

    name: Word
    arms: Annotated[list[Arm], Limits(shortest=2)]

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two arms are called {shorten(name)}")
            if name in RESERVED:
                raise ValueError(f"an arm is called {name!r}; others are called that")
        total = sum(arm.share for arm in self.arms)
        if total > 1 + ROUNDING:
            raise ValueError(f"the shares of the arms add up to {total:g}; must be at most 1")

    @property
    def leaves_some(self) -> bool:
        """Whether some members are in no arm."""
        return sum(arm.share for arm in self.arms) < 1 - ROUNDING

    def find(self, series: str, members: Ids) -> Ints:
        """Each member's arm [n], counted from 0; -1 for members who are in none.

        series: name of the series of campaigns
        """
        lot = keys.uniforms(0, series, f"arm of {self.name}", keys.member_keys(members), 1)[:, 0]
        ends = np.cumsum([arm.share for arm in self.arms])
        if not self.leaves_some:
            ends[-1] = 1.0
        arm = np.searchsorted(ends, lot, side="right")
        return np.where(arm < len(self.arms), arm, -1)


def read_design(path: str | Path) -> Design:
    """The experiment in a YAML file, its bundles found from the file's folder.

    Raises ValueError naming the file and the setting.
    """
    content, _ = read_settings(path, "name: spring")
    try:
        design = read(Design, content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    place = Path(path).parent
    arms = [replace(arm, bundle=str(place / arm.bundle)) for arm in design.arms]
    return replace(design, arms=arms)


def list_bundles(asked: argparse.Namespace) -> list[str]:
    """The folders of all bundles that choose, but for the fallback.

    Raises ValueError where the file of an experiment says what cannot be.
    """
    arms = read_design(asked.experiment).arms if asked.experiment else []
    return [*([asked.bundle] if asked.bundle else []), *(arm.bundle for arm in arms)]
