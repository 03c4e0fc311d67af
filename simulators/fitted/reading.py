"""How long a log's members read: its own quantiles, since no law fits them.

Open this to see where the seconds of a fitted simulator come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core.types import Floats, Round


@dataclass(frozen=True)
class ReadingTimes:
    """Reading times as the log has them.

    clicked: seconds on clicked articles, sorted
    observed: share of opens in a page that tells what was scrolled past
    glance: median seconds on an article that was scrolled past
    """

    clicked: Floats
    observed: float
    glance: float

    def draw(self, uniform: Floats) -> Floats:
        """Seconds on clicked articles: the inverse CDF of `uniform`, of any shape."""
        return np.asarray(self.clicked[(uniform * len(self.clicked)).astype(np.int64)])


def collect_times(rounds: Sequence[Round]) -> ReadingTimes:
    """The reading times of all members.

    No law is fitted: some clicks are given up at once, and others are not.
    """
    clicked, glances, opens, pages = [], [], 0, 0
    for feedback in (round.feedback for round in rounds):
        passed = np.equal(feedback.examined, 1) & ~feedback.clicked
        clicked.append(feedback.dwell_seconds[feedback.clicked])
        glances.append(feedback.dwell_seconds[passed])
        opens += int(feedback.opened.sum())
        pages += int(((feedback.examined >= 0) & ~feedback.clicked).any(axis=1).sum())
    glance = np.concatenate(glances)
    median = max(float(np.median(glance)), 1.0) if len(glance) else 1.0
    return ReadingTimes(np.sort(np.concatenate(clicked)), pages / max(opens, 1), median)
