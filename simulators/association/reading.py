"""What happens after the click, and beside it: how long an article is read, what was scrolled past, and the counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from bandit.core import check
from bandit.core.types import Bools, Feedback, Floats, Ints, Slates


@dataclass(frozen=True)
class Reading:
    """seconds: median time on a clicked article; spread: sd of its logarithm; interest: how much longer a member reads who
    cares (logarithm of seconds for each unit of care, -1 to 1). skimmed: share of clicks that are given up at once, within
    ten seconds. observed: share of opens in a page that reports scrolling: there it is known of every slot whether it was
    looked at, and for how long. glance: median seconds on a slot that is scrolled past. Raises ValueError naming what
    cannot be.
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

    def told(
        self,
        member: Any,
        opened: Bools,
        examined: Bools,
        clicked: Bools,
        filled: Bools,
        care: Floats | None,
        luck_at: Callable[[str, Any, Any], Floats],
    ) -> tuple[Floats, Ints]:
        """Seconds on each slot, and whether it is known to have been looked at, as in `Feedback` [n, k].

        care [n, k]: how much the reader cares, where `interest` is not 0; luck_at(stream, member, index): keyed uniforms.
        """
        seconds, known = (
            np.zeros(clicked.shape),
            np.where(clicked, 1, -1).astype(np.int8),
        )  # e-mail shows no glance
        row, slot = np.nonzero(clicked)
        log_seconds = self.spread * _normal(luck_at("dwell", member[row], slot[:, None])[:, 0])
        if care is not None:
            log_seconds = log_seconds + self.interest * care[row, slot]
        seconds[row, slot] = np.maximum(np.round(self.seconds * np.exp(log_seconds)), 1.0)
        if self.skimmed:
            u = luck_at("skim", member[row], slot[:, None])[:, 0]
            seconds[row, slot] = np.where(
                u < self.skimmed, 1 + np.floor(10 * u / self.skimmed), seconds[row, slot]
            )
        if self.observed:
            page = opened & (
                luck_at("page", member, np.zeros((len(member), 1), dtype=np.int64))[:, 0]
                < self.observed
            )
            known = np.where(page[:, None] & filled, examined, known).astype(np.int8)
            row, slot = np.nonzero(page[:, None] & examined & ~clicked)
            glance = 0.5 * _normal(luck_at("glance", member[row], slot[:, None])[:, 0])
            seconds[row, slot] = np.maximum(np.round(self.glance * np.exp(glance)), 1.0)
        return seconds, known


def funnel(
    slates: Slates, feedback: Feedback, examined: Bools | None = None, read_seconds: float = 15.0
) -> dict[str, int]:
    """Counts from sent to read. Mails: sent, bounced, delivered, opened, clickers, unsubscribed. Slots: shown (in an opened
    mail), examined, clicked, read (for `read_seconds` or more), scrolled_past (looked at, not clicked). examined [n, k]: the
    truth (default: what the feedback knows of)."""
    filled = slates.choice >= 0
    looked = np.equal(feedback.examined, 1) if examined is None else examined
    read = feedback.clicked & (feedback.dwell_seconds >= read_seconds)
    counts: dict[str, Any] = {
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


def _normal(uniform: Floats) -> Floats:
    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)))
