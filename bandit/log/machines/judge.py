"""P(a machine made it) of visits and of opens, and in words what it rests on."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.types import Bools, Floats, Ints
from bandit.log.machines.behaviour import AGENT, KINDS, OPENED, SHAPE, expect_start
from bandit.log.machines.kinds import learn_chances
from bandit.log.machines.opens import AGENTS, BESIDE, look_at
from bandit.log.machines.visits import Visits

EARLY = KINDS[:3]  # when machines load images, as bins of "start"
FIXED = 1e9
# How many visits the chances of `behaviour` weigh, of people and of each kind of machine.
WEIGHTS = ((60.0, 60.0), (60.0, 40.0), (60.0, 60.0), (60.0, 100.0))
OF_OPENS = ((300.0, FIXED), (300.0, FIXED), (300.0, 20.0))


@cache
def expect_visits() -> tuple[Floats, ...]:
    start = expect_start(KINDS, any_time=True)
    return (start, *(expand(table, len(start)) for table in (SHAPE, OPENED, AGENT)))


@cache
def expect_opens() -> tuple[Floats, ...]:
    start = expect_start(EARLY, any_time=False)
    agents = np.full((len(start), len(AGENTS)), 1 / len(AGENTS))
    return start, expand(BESIDE, len(start)), agents


def expand(table: tuple[tuple[str, float, float], ...], rows: int) -> Floats:
    """Chances [rows, bins]: people's first, and then machines', alike for every kind."""
    people, machine = np.array([bin[1:] for bin in table]).T
    chances = np.vstack([people, *[machine] * (rows - 1)])
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def judge_visits(visits: Visits) -> tuple[Floats, NDArray[np.object_]]:
    """P(a machine's visit) [v], and in words what it rests on [v]."""
    chance = learn_chances(visits.bins, visits.groups, visits.member, expect_visits(), WEIGHTS)
    domain = visits.groups[:, 0]
    others = np.bincount(domain)[domain] - 1 if len(domain) else domain
    share = np.bincount(domain, chance)[domain] - chance if len(domain) else chance
    percent = np.round(100 * share / np.maximum(others, 1))
    said = [
        f"{words}; of its domain's other visits {d:.0f} % a scanner's" if some else words
        for words, d, some in zip(visits.describe(), percent, others > 0, strict=True)
    ]
    return chance, np.array(said, dtype=object)


def judge_opens(table: pd.DataFrame, mail: Ints, rows: Ints, clicks: Bools) -> Floats:
    """P(a machine loaded the images) [opens], of the opens in these rows of the events."""
    bins, groups = look_at(table, mail, rows, clicks)
    member = pd.factorize(table["member"].iloc[rows])[0]
    return learn_chances(bins, groups[:, :1], member, expect_opens(), OF_OPENS)
