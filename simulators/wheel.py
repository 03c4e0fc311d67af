"""The wheel bandit: how much must be explored is set by a number (Riquelme et al. 2018, sec. 5.4).

Members are points of the unit disk. Of five actions one is worth 1.2 everywhere and the others 1,
but outside the radius `delta` each quadrant has an action that is worth 50: the larger delta, the
rarer are members who tell. Open this file for how amounts become clicks.
"""

import numpy as np
import pandas as pd

from bandit.core import check, keys
from bandit.core.types import Floats
from simulators.examples import Examples

SAFE, OTHER, MOST = 1.2, 1.0, 50.0  # what actions are worth
ACTIONS = ("up right", "down right", "up left", "down left", "safe")


class Wheel(Examples):
    """Points of the unit disk as members, with one slot. Everyone opens and looks.

    Policies learn from clicks, not amounts, so a click comes with the chance amount / 50: expected
    clicks times 50 are expected amounts, and so is regret. A click says less than the published
    reward does, whose standard deviation is .01: learning is harder here.

    seed: of the points and the clicks
    delta: the radius inside which no action is worth much, in [0, 1]; higher asks for more
        exploration; the area outside it is 1 - delta^2 of the disk
    members: how many points are met, once each
    batch: members an issue; 1 learns after each, more is faster
    issues: how many to play; default: as many as meet every member once

    Raises ValueError for a delta outside [0, 1], or more issues than there are members.
    """

    def __init__(
        self,
        seed: int = 0,
        delta: float = 0.95,
        members: int = 80_000,
        batch: int = 20,
        issues: int | None = None,
    ) -> None:
        check.share("delta", delta)
        check.whole("members", members, 1, 10**9)
        rng = keys.generator("wheel", seed)
        radius, angle = np.sqrt(rng.random(members)), 2 * np.pi * rng.random(members)
        points = pd.DataFrame({"x": radius * np.cos(angle), "y": radius * np.sin(angle)})
        ranges = {"x": (-1.0, 2.0), "y": (-1.0, 2.0)}
        chances = find_amounts(points.to_numpy(), delta) / MOST
        super().__init__("wheel", seed, points, ranges, chances, ACTIONS, batch, issues)


def find_amounts(points: Floats, delta: float) -> Floats:
    """What each action is worth for each of the points [n, 2] of the disk, [n, 5]."""
    amounts = np.full((len(points), len(ACTIONS)), OTHER)
    amounts[:, -1] = SAFE
    quadrant = 2 * (points[:, 0] <= 0) + (points[:, 1] <= 0)
    outside = np.flatnonzero(np.hypot(*points.T) >= delta)
    amounts[outside, quadrant[outside]] = MOST
    return amounts
