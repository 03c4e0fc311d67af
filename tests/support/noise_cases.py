"""Answered issues to put noise on, shared by the tests of noise and hygiene."""

from functools import cache

import pandas as pd

from bandit.core.types import Context, Feedback, Slates
from simulators.association.association import Association
from simulators.noise.noise import Noise
from simulators.play import play
from tests.support.truth_cases import Favourites

Sent = tuple[Context, Slates, Feedback]


@cache
def send_issues(
    seed: int = 21, members: int = 3000, issues: int = 6, slots: int = 6
) -> tuple[Sent, ...]:
    """Issues as they were answered, before noise; most slots show what most members like."""
    association = Association(seed=seed, members=members, issues=issues, pool=20, slots=slots)
    rounds = play(Favourites(epsilon=0.2), association, seed=7)
    return tuple((round.context, round.slates, round.feedback) for round in rounds)


def record_issues(noise: Noise, issues: tuple[Sent, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events of several issues, and the truth about each row."""
    tables, truths = zip(*(noise.record_events(*issue) for issue in issues), strict=True)
    return pd.concat(tables, ignore_index=True), pd.concat(truths, ignore_index=True)
