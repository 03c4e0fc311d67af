"""When people open a mail and click in it.

They open by the rhythm of the day, and click one article after the other.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core.types import Feedback, Floats
from simulators.noise.draws import Draws
from simulators.normal import to_lognormal

# How active people are at each hour of the day, midnight first (assumption). Only the proportions
# matter.
RHYTHM = (1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 9, 9, 8, 8, 8, 8, 8, 8, 8, 7, 5, 3)


@dataclass(frozen=True)
class Pace:
    """When things happen to each member's mail, if they do, in seconds after delivery.

    opens [n]: when the member opens it
    clicks [n, k]: when the member clicks in each slot
    prefetches [n]: when Apple Mail loads its images ahead of reading
    """

    opens: Floats
    clicks: Floats
    prefetches: Floats


def draw_opens(draws: Draws, hour: Floats, median: float, spread: float) -> Floats:
    """When each member opens, in seconds after delivery [n].

    hour [n]: hour of the day of delivery, from 0
    median, spread: of the lognormal delay, in active hours: an hour at night counts for less of
        them than an hour at noon
    """
    busy = np.concatenate([[0.0], np.cumsum(RHYTHM) / np.sum(RHYTHM) * 24])
    delay = to_lognormal(draws.draw("open delay")[:, 0], median, spread)
    done = np.interp(hour % 24, np.arange(25), busy) + delay
    hours = 24 * (done // 24) + np.interp(done % 24, busy, np.arange(25)) - hour % 24
    return np.asarray(3600 * np.maximum(hours, 0.0) + 1.0)


def draw_clicks(
    draws: Draws, opens: Floats, feedback: Feedback, median: float, spread: float, tabs: float
) -> Floats:
    """When each member clicks in each slot, in seconds after delivery [n, k].

    median, spread: of the lognormal seconds from opening to the first click
    tabs: share of members who open all they like in tabs at once; the others read an article, and
        come back for the next
    """
    n, k = feedback.clicked.shape
    u = draws.draw("click pace", k + 1)
    at_once = draws.draw_lasting("tabs")[:, 0] < tabs
    now = opens + to_lognormal(u[:, 0], median, spread)
    clicks = np.zeros((n, k))
    for j in range(k):
        clicks[:, j] = now
        back = to_lognormal(u[:, j + 1], median / 2, spread)
        wait = np.where(at_once, 1 + 3 * u[:, j + 1], feedback.dwell_seconds[:, j] + back)
        now = now + np.where(feedback.clicked[:, j], wait, 0.0)
    return clicks


def draw_prefetches(draws: Draws, median: float, spread: float) -> Floats:
    """When Apple Mail would load a mail's images, in seconds after delivery [n].

    median, spread: of the lognormal delay, in hours
    """
    return 3600 * to_lognormal(draws.draw("prefetch delay")[:, 0], median, spread)
