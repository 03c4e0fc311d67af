"""What happens after a click, and without one.

How long articles are read, which slots were scrolled past, and counts from sent to read.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Feedback, Floats, Ids, Ints, Slates
from simulators.normal import to_lognormal, to_normal


@dataclass(frozen=True)
class Reading:
    """How long members read, and what of it becomes known.

    seconds: median seconds on a clicked article
    spread: standard deviation of their logarithm
    interest: added to the logarithm of seconds for each unit of care, -1 to 1; higher makes members
        read longer what they care for
    skimmed: share of clicks that are given up within ten seconds
    observed: share of opens in a page that reports scrolling, where it is known of every slot
        whether it was looked at, and for how long
    glance: median seconds on a slot that is scrolled past
    Raises ValueError naming what cannot be.
    """

    seconds: float = 60.0
    spread: float = 0.6
    interest: float = 0.0
    skimmed: float = 0.0
    observed: float = 0.0
    glance: float = 2.0

    def __post_init__(self) -> None:
        for what in ("seconds", "glance"):
            check.at_least(f"reading: {what}", getattr(self, what), 1)
        check.at_least("reading: spread", self.spread, 0)
        check.at_least("reading: interest", self.interest, 0)
        for what in ("skimmed", "observed"):
            check.share(f"reading: {what}", getattr(self, what))

    def draw_reading(
        self,
        member: Ids,
        opened: Bools,
        examined: Bools,
        clicked: Bools,
        filled: Bools,
        care: Floats | None,
        luck_at: Callable[[str, Ids, Ints], Floats],
    ) -> tuple[Floats, Ints]:
        """Seconds on each slot, and what is known of its being looked at, as in `Feedback` [n, k].

        member [n]: what `luck_at` knows the readers by
        opened [n]; examined, clicked, filled [n, k]: what they did, and which slots show anything
        care [n, k]: how much each cares for each slot; needed where `interest` is not 0
        luck_at: keyed uniforms [r, j] of a stream, for members [r] and columns [r, j]
        """
        seconds = np.zeros(clicked.shape)
        known = np.where(clicked, 1, -1).astype(np.int8)  # e-mail reports no glance
        row, slot = np.nonzero(clicked)
        log_seconds = self.spread * to_normal(luck_at("dwell", member[row], slot[:, None])[:, 0])
        if care is not None:
            log_seconds = log_seconds + self.interest * care[row, slot]
        seconds[row, slot] = np.maximum(np.round(self.seconds * np.exp(log_seconds)), 1.0)
        if self.skimmed:
            u = luck_at("skim", member[row], slot[:, None])[:, 0]
            seconds[row, slot] = np.where(
                u < self.skimmed, 1 + np.floor(10 * u / self.skimmed), seconds[row, slot]
            )
        if self.observed:
            first = np.zeros((len(member), 1), dtype=np.int64)
            page = opened & (luck_at("page", member, first)[:, 0] < self.observed)
            known = np.where(page[:, None] & filled, examined, known).astype(np.int8)
            row, slot = np.nonzero(page[:, None] & examined & ~clicked)
            u = luck_at("glance", member[row], slot[:, None])[:, 0]
            glance = to_lognormal(u, self.glance, 0.5)
            seconds[row, slot] = np.maximum(np.round(glance), 1.0)
        return seconds, known


def count_funnel(
    slates: Slates, feedback: Feedback, examined: Bools | None = None, read_seconds: float = 15.0
) -> dict[str, int]:
    """Counts of one issue, from sent to read.

    examined [n, k]: which slots were looked at (default: those that the feedback knows of)
    read_seconds: seconds on an article from which on it counts as read
    Counts of mails are sent, bounced, delivered, opened, clickers and unsubscribed. Counts of slots
    are shown (in an opened mail), examined, clicked, read and scrolled_past (looked at, but not
    clicked).
    """
    filled = slates.choice >= 0
    looked = np.equal(feedback.examined, 1) if examined is None else examined
    read = feedback.clicked & (feedback.dwell_seconds >= read_seconds)
    counts = {
        "sent": np.ones(len(filled), dtype=bool),
        "bounced": ~feedback.delivered,
        "delivered": feedback.delivered,
        "opened": feedback.opened,
        "clickers": feedback.clicked.any(axis=1),
        "unsubscribed": feedback.unsubscribed,
        "shown": filled & feedback.opened[:, None],
        "examined": looked & filled,
        "clicked": feedback.clicked,
        "read": read,
        "scrolled_past": looked & filled & ~feedback.clicked,
    }
    return {name: int(which.sum()) for name, which in counts.items()}
