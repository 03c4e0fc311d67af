"""P(a machine made it) of visits and of opens, and in words what it rests on."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.types import Bools, Floats, Ints
from bandit.log.machines.behaviour import AGENT, KINDS, OPENED, SHAPE, expect_start
from bandit.log.machines.kinds import AT_FIRST, Shown, learn_chances
from bandit.log.machines.opens import AGENTS, BESIDE, look_at
from bandit.log.machines.visits import Visits, number_groups

# A visit is tagged from this probability on: people who are lost cost more than scanners kept.
SCANNER = 0.8
LOST, SPARED, SURE = 0.003, 0.015, 0.998  # see find_bound
EARLY = KINDS[:3]  # when machines load images, as bins of "start"
# By which log-evidence is divided before readings of a list are weighed by it: what visits show
# hangs together, so a reading is not as much better as it seems.
TEMPER = 20.0
# Log odds of the readings before a list is seen: of a short one, which tells little, most visits
# are people's.
BEFORE = np.array([0.0, -3.0, -5.0])
FIXED = 1e9  # so heavy that no log moves these chances
# How many visits the chances of `behaviour` weigh, of people and of each kind of machine, for each
# thing that a visit (start, shape, opened, agent) or an open (start, beside, agent) shows. What
# people take of a mail differs little between lists, when they come differs much.
WEIGHTS = ((60.0, 60.0), (6000.0, 40.0), (60.0, 60.0), (60.0, 100.0))
OF_OPENS = ((300.0, FIXED), (300.0, FIXED), (300.0, 20.0))


@cache
def expect_visits() -> tuple[Floats, ...]:
    """Chances [1 + kinds, bins] of start, shape, opened and agent of visits, before any data.

    The last kind comes at any time to mails that are opened as people open them: a machine that
    loads the images first, or waits for the reader. What it takes of a mail gives it away.
    """
    start = expect_start(KINDS, any_time=True)
    start = np.vstack([start, start[-1:]])
    shape, opened, agent = (expand(table, len(start)) for table in (SHAPE, OPENED, AGENT))
    opened[-1] = opened[0]
    return start, shape, opened, agent


@cache
def expect_opens() -> tuple[Floats, ...]:
    """Chances [1 + kinds, bins] of start, beside and agent of opens, before any data."""
    start = expect_start(EARLY, any_time=False)
    agents = np.full((len(start), len(AGENTS)), 1 / len(AGENTS))
    return start, expand(BESIDE, len(start)), agents


def expand(table: tuple[tuple[str, float, float], ...], rows: int) -> Floats:
    """Chances [rows, bins]: people's first, and then machines', alike for every kind."""
    people, machine = np.array([bin[1:] for bin in table]).T
    chances = np.vstack([people, *[machine] * (rows - 1)])
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def judge_visits(visits: Visits) -> tuple[Floats, NDArray[np.object_]]:
    """P(a machine's visit) [v], and in words what it rests on [v].

    The list is read several times, from other expectations, and each reading counts by how well it
    explains the visits (EM ends where it began, so the better of two ends is not found from one).
    """
    shown = [0, 1, 2, 3] if (visits.bins[:, 2] < len(OPENED) - 1).any() else [0, 1, 3]
    expected = [expect_visits()[j] for j in shown]
    weights = [WEIGHTS[j] for j in shown]  # of a list without opens, no visit is judged by them
    seen = Shown.sort(visits.bins[:, shown], visits.groups, visits.member)
    found = [learn_chances(seen, expected, weights, at_first) for at_first in AT_FIRST]
    trust = BEFORE + np.array([evidence for _, evidence in found]) / TEMPER
    trust = np.exp(trust - trust.max())
    chance = np.asarray(trust / trust.sum() @ np.array([each for each, _ in found]))
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
    """P(a machine loaded the images) [opens]; the arguments are those of `opens.look_at`."""
    bins, groups = look_at(table, mail, rows, clicks), number_groups(table.iloc[rows])
    member = pd.factorize(table["member"].iloc[rows])[0]
    return learn_chances(Shown.sort(bins, groups[:, :1], member), expect_opens(), OF_OPENS)[0]


def find_bound(visits: Visits, chance: Floats) -> float:
    """The probability from which visits are tagged, so that few of people's clicks are lost.

    It is SCANNER, or more: where the visits tagged from there on would hold more than a share LOST
    of all that people clicked, in expectation, or where no more than a share SPARED of scanners'
    clicks stays untagged by it; but never more than SURE.
    """
    clicks = np.bincount(visits.row[visits.row >= 0], minlength=len(chance))
    order = np.lexsort([clicks, -chance])
    chance, clicks = chance[order], clicks[order]
    if not len(chance):
        return SCANNER
    people, machines = np.cumsum((1 - chance) * clicks), np.cumsum(chance * clicks)
    few = np.flatnonzero(people <= LOST * people[-1])
    most = int(np.searchsorted(machines, (1 - SPARED) * machines[-1]))
    bounds = chance[few[-1]] if len(few) else 1.0, chance[min(most, len(chance) - 1)]
    return float(np.clip(max(bounds), SCANNER, SURE))
