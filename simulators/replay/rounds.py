"""A log of choices as the rounds that it consists of: what learns from logs can learn from it.

Open this to make an archive (`bandit.log.archive`) of a log that a loader reads, and to read it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bandit.core.types import EXPLORE, Feedback, Round, Slates
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.log import archive
from simulators.replay.replay import Replay, number_articles


def fit_features(folder: str | Path, encoder: Encoder | None = None) -> Features:
    """What reads an archive: its own texts, or of choices among a fixed few the articles' numbers.

    Choices among a fixed few are issues of one slot that all have the same pool.

    encoder: turns texts into vectors; None: the usual one

    Raises ValueError as `archive.fit_features` does.
    """
    ruled = archive.read_rules(folder)
    if any(rules.slots > 1 for _, rules in ruled.values()):
        return archive.fit_features(folder, encoder=encoder)
    first, *others = (archive.read_pool(folder, issue) for issue in ruled)
    if not all(first.equals(pool) for pool in others):
        return archive.fit_features(folder, encoder=encoder)
    return number_articles(archive.read_members(folder), first)


def list_rounds(replay: Replay) -> Iterator[Round]:
    """The issues of a log as they were sent: one slot, every row opened.

    A choice that had no alternative (propensity 1) says nothing about any other policy.
    """
    log = replay.log
    for number in range(1, replay.issues + 1):
        context = replay.issue(number)
        rows = replay.find_rows(context)
        shape = (len(rows), 1)
        propensity = log.propensity[rows].reshape(shape)
        slates = Slates(
            choice=log.choice[rows].reshape(shape),
            propensity=propensity,
            role=np.full(shape, EXPLORE),
            relaxed=np.zeros(shape, dtype=np.int64),
            supported=propensity < 1,
        )
        everybody = np.ones(len(rows), dtype=bool)
        clicked = log.clicked[rows].reshape(shape)
        yield Round(
            context,
            slates,
            Feedback(
                delivered=everybody,
                opened=everybody,
                unsubscribed=~everybody,
                examined=np.ones(shape, dtype=np.int8),
                clicked=clicked,
                dwell_seconds=np.zeros(shape),
            ),
        )
