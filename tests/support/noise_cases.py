"""Answered issues to put noise on, shared by the tests of noise and hygiene."""

from functools import cache, partial

import numpy as np
import pandas as pd

from bandit.core.types import Context, Feedback, Slates, SlotPmf
from bandit.slates import walk as slates
from bandit.slates.exploration import epsilon_greedy
from simulators.association.association import Association
from simulators.noise.noise import Noise

Sent = tuple[Context, Slates, Feedback]


@cache
def send_issues(
    seed: int = 21, members: int = 3000, issues: int = 6, slots: int = 6
) -> tuple[Sent, ...]:
    """Issues as they were answered, before noise; most slots show what most members like."""
    association = Association(seed=seed, members=members, issues=issues, pool=20, slots=slots)
    made = []
    for number in range(1, issues + 1):
        context = association.issue(number)
        scores = np.tile(association.truth(context).mean(axis=0), (len(context.members), 1))
        shown = slates.draw(SlotPmf(scores, partial(epsilon_greedy, epsilon=0.2)), context, 7)
        made.append((context, shown, association.respond(context, shown)))
    return tuple(made)


def record_issues(noise: Noise, issues: tuple[Sent, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events of several issues, and the truth about each row."""
    tables, truths = zip(*(noise.record_events(*issue) for issue in issues), strict=True)
    return pd.concat(tables, ignore_index=True), pd.concat(truths, ignore_index=True)
