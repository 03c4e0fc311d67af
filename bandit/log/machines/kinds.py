"""Whose visits they are: a mixture of people and of several kinds of machines.

EM (Dempster, Laird & Rubin 1977) learns how each behaves on this list, from `behaviour`. The shares
of the kinds are pooled over the visits of a domain and of a network, leaving out the visit itself:
who sits behind a gateway has colleagues who do, and this finds slow scanners that no single visit
gives away. Open this file for how a visit is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core.types import Floats, Ints
from bandit.log.machines.behaviour import smooth_starts

SWEEPS = 30  # of EM
POOLED = 5.0  # visits that the list's own share weighs within a domain or a network
# Share of people's visits before any data, and what that weighs in visits: a list is read by one
# who expects people, by one who expects machines, and by one who expects more of them. Where
# readings that explain it equally well disagree, nobody knows.
AT_FIRST = ((0.95, 50.0), (0.7, 10.0), (0.4, 10.0))


@dataclass(frozen=True)
class Shown:
    """What v visits showed: c different ones, each with how often it occurs.

    They stand in the order of what they say. So neither row order nor members' ids reach even the
    last bit of what is learned.

    bins: [c, j], which bin of each of j things; the first thing is "start"
    groups: [c, g], numbers of the domain and network of each
    member: [c], number of the member. Of a domain other members' visits are asked about, of a
        network those of other domains, so that nothing is heard twice
    count: [c], how many visits are so
    place: [v], which of the c each visit is
    """

    bins: Ints
    groups: Ints
    member: Ints
    count: Ints
    place: Ints

    @classmethod
    def sort(cls, bins: Ints, groups: Ints, member: Ints) -> "Shown":
        """What visits showed, by bins [v, j], groups [v, g] and member [v]."""
        said = np.column_stack([bins, groups])
        every = np.column_stack([said, _sign(said, member), member])
        place = _number_rows(every)
        cells = every[np.unique(place, return_index=True)[1]]
        j = bins.shape[1]
        return cls(cells[:, :j], cells[:, j:-2], cells[:, -1], np.bincount(place), place)


def learn_chances(
    shown: Shown,
    expected: Sequence[Floats],
    weights: Sequence[tuple[float, float]],
    at_first: tuple[float, float] = AT_FIRST[0],
) -> tuple[Floats, float]:
    """P(a machine's visit | all visits) [v], from what they showed, and the log-evidence.

    The evidence is how likely all that was seen is, where EM ended, times how likely it was before
    any data that kinds behave so; one reading of a list is compared with another by it.

    expected: for each of the j things, chances [1 + kinds, bins], people first
    weights: for each of them, how many visits these chances weigh, of people and of each kind
    at_first: share of people's visits before any data, and what it weighs in visits
    """
    kinds, count = len(expected[0]), shown.count
    owner = (shown.member, *shown.groups.T)  # whose visits to leave out: the member's, the domain's
    among = [
        _Others(group, _number_rows(np.column_stack([group, who])), count, kinds)
        for group, who in zip(shown.groups.T, owner, strict=False)
    ]
    alike = _number_rows(shown.bins)
    bins = shown.bins[np.unique(alike, return_index=True)[1]]
    weigh_alike = _Sum(alike, kinds)
    things = [_Sum(bins[:, j], kinds, p.shape[1]) for j, p in enumerate(expected)]
    behave = list(expected)
    start = np.full(kinds, (1 - at_first[0]) / (kinds - 1))
    start[0] = at_first[0]
    overall, beside = start, np.ones((kinds, len(count)))
    r, total = beside, beside[0]
    for _ in range(SWEEPS):
        r = np.take(overall[:, None] * _read(bins, behave), alike, axis=1)
        r *= beside
        total = r.sum(axis=0)
        r /= total
        overall = (at_first[1] * start + r @ count) / (at_first[1] + count.sum())
        weighed = r * count
        beside = np.ones_like(r)
        for each in among:
            beside[:, each.rows] *= each.compare(weighed, overall)
        some = weigh_alike.add(weighed)
        for j, (p, weight) in enumerate(zip(expected, weights, strict=True)):
            heavy = np.array([weight[0]] + [weight[1]] * (kinds - 1))[:, None]
            made = p * heavy + things[j].add(some)
            behave[j] = made / made.sum(axis=1, keepdims=True)
            if j == 0:
                behave[j][0] = smooth_starts(made[0])
    evidence = float(count @ np.log(total)) + sum(map(_weigh_change, expected, behave, weights))
    return 1 - r[0, shown.place], evidence


def _read(bins: Ints, behave: Sequence[Floats]) -> Floats:
    """How likely each kind is to show each row of bins [rows, j]: [kinds, rows]."""
    each = [chances[:, bins[:, j]] for j, chances in enumerate(behave)]
    return np.asarray(np.prod(each, axis=0))


def _weigh_change(expected: Floats, learned: Floats, weight: tuple[float, float]) -> float:
    """The log-density before any data of learned chances, less that of what was expected.

    expected, learned: [1 + kinds, bins]
    weight: visits that the expected chances weigh, of people and of each kind
    """
    change = (expected * np.log(learned / expected)).sum(axis=1)
    return float(weight[0] * change[0] + weight[1] * change[1:].sum())


class _Sum:
    """Adds up what rows have, group by group, always in one order.

    number: [rows], of each row's group
    kinds: how many values each row has
    groups: how many groups there are; default: as many as the numbers need
    """

    def __init__(self, number: Ints, kinds: int, groups: int = 0) -> None:
        self._shape = kinds, groups or int(number.max(initial=-1)) + 1
        self._cell = (number + self._shape[1] * np.arange(kinds)[:, None]).ravel()

    def add(self, values: Floats) -> Floats:
        """The sums [kinds, groups] of values [kinds, rows]."""
        sums = np.bincount(self._cell, values.ravel(), int(np.prod(self._shape)))
        return sums.reshape(self._shape).astype(np.float64, copy=False)  # whole where empty


class _Others:
    """What is known of a visit from the others of its group, without its own part of that group.

    group, part: [c], numbers of the group and of the part
    count: [c], how many visits are so

    rows: [a], which of the c have others in their group
    """

    def __init__(self, group: Ints, part: Ints, count: Ints, kinds: int) -> None:
        visits = np.bincount(group, count)[group] - np.bincount(part, count)[part]
        self.rows = np.flatnonzero(visits)
        self._group, self._part = group[self.rows], part[self.rows]
        self._all, self._own = _Sum(self._group, kinds), _Sum(self._part, kinds)
        self._visits = visits[self.rows] + POOLED

    def compare(self, weighed: Floats, overall: Floats) -> Floats:
        """The kinds' shares among the others, shrunk, beside those in the whole list [kinds, a].

        weighed: [kinds, c], how many visits are of each kind
        overall: [kinds], their shares in the whole list
        """
        mine = np.take(weighed, self.rows, axis=1)
        share = np.take(self._all.add(mine), self._group, axis=1)
        share -= np.take(self._own.add(mine), self._part, axis=1)
        np.maximum(share, 0.0, out=share)
        share += POOLED * overall[:, None]
        share /= self._visits * overall[:, None]
        return share


def _number_rows(table: Ints) -> Ints:
    """The number of each row [v] among the different rows, in order; faster than numpy.

    table: [v, j]
    """
    number = np.zeros(len(table), dtype=np.int64)
    for column in table.T:
        values, place = np.unique(column, return_inverse=True)
        number = np.unique(number * len(values) + place, return_inverse=True)[1]
    return number


def _sign(shown: Ints, member: Ints) -> Ints:
    """A number for all that each visit's member showed [v], which does not depend on any order."""
    cell = _number_rows(shown).astype(np.uint64)
    mixed = (cell + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    whose, place = np.unique(member, return_inverse=True)
    sums = np.zeros(len(whose), dtype=np.uint64)
    np.add.at(sums, place.ravel(), mixed)
    return np.asarray((sums >> np.uint64(1)).astype(np.int64)[place.ravel()])
