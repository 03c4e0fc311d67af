"""Whose visits they are: a mixture of people and of several kinds of machines.

EM (Dempster, Laird & Rubin 1977) learns how each behaves on this list, from `behaviour`. The shares
of the kinds are pooled over the visits of a domain and of a network, leaving out the visit itself:
who sits behind a gateway has colleagues who do, and this finds slow scanners that no single visit
gives away. Open this file for how a visit is judged.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.special import logsumexp, softmax

from bandit.core.types import Floats, Ints
from bandit.log.machines.behaviour import smooth_starts

SWEEPS = 30  # of EM
POOLED = 5.0  # visits that the list's own share weighs within a domain or a network
# Share of people's visits before any data, and what that weighs in visits: a list is read by one
# who expects people, by one who expects machines, and by one who expects more of them. Where
# readings that explain it equally well disagree, nobody knows.
AT_FIRST = ((0.95, 50.0), (0.7, 10.0), (0.4, 10.0))


def learn_chances(
    bins: Ints,
    groups: Ints,
    member: Ints,
    expected: Sequence[Floats],
    weights: Sequence[tuple[float, float]],
    at_first: tuple[float, float] = AT_FIRST[0],
) -> tuple[Floats, float]:
    """P(a machine's visit | all visits) [v], from what v visits showed, and the log-evidence.

    The evidence is how likely all that was seen is, where EM ended, times how likely it was before
    any data that kinds behave so; one reading of a list is compared with another by it.

    The different visits are looked at in the order of what they say, each with how often it occurs.
    So neither row order nor members' ids reach even the last bit.

    bins: [v, j], which bin of each of j things
    groups: [v, g], numbers of the domain and network of each
    member: [v], number of the member. Of a domain other members' visits are asked about, of a
        network those of other domains, so that nothing is heard twice
    expected: for each of the j things, chances [1 + kinds, bins], people first; the first thing is
        "start"
    weights: for each of them, how many visits these chances weigh, of people and of each kind
    at_first: share of people's visits before any data, and what it weighs in visits
    """
    every = np.column_stack([bins, groups, _sign(np.column_stack([bins, groups]), member), member])
    inverse = _number_rows(every)
    count, cells = np.bincount(inverse), every[np.unique(inverse, return_index=True)[1]]
    bins, groups, member = cells[:, : bins.shape[1]], cells[:, bins.shape[1] : -2], cells[:, -1]
    owner = (member, *groups.T)  # whose visits to leave out: the member's, then the domain's
    among = [
        (_Sum(group), _Sum(_number_rows(np.column_stack([group, who]))))
        for group, who in zip(groups.T, owner, strict=False)
    ]
    shown = [_Sum(bins[:, j], p.shape[1]) for j, p in enumerate(expected)]
    kinds = len(expected[0])
    behave = list(expected)
    start = np.full(kinds, (1 - at_first[0]) / (kinds - 1))
    start[0] = at_first[0]
    overall, pooled = start, np.zeros((len(cells), kinds))
    r = np.zeros((len(cells), kinds))
    for _ in range(SWEEPS):
        joint = np.log(overall) + pooled + _read(bins, behave)
        r = softmax(joint, axis=1)
        overall = (at_first[1] * start + count @ r) / (at_first[1] + count.sum())
        pooled = np.zeros_like(r)
        weighed = r * count[:, None]
        for group, mine in among:
            pooled += np.log(_share_among_others(group, mine, weighed, count, overall) / overall)
        for j, (p, weight) in enumerate(zip(expected, weights, strict=True)):
            seen = shown[j].add(weighed).T
            heavy = np.array([weight[0]] + [weight[1]] * (kinds - 1))[:, None]
            made = p * heavy + seen
            behave[j] = made / made.sum(axis=1, keepdims=True)
            if j == 0:
                behave[j][0] = smooth_starts(made[0])
    evidence = float(count @ logsumexp(joint, axis=1))
    evidence += sum(map(_weigh_change, expected, behave, weights))
    return np.asarray(1 - r[inverse, 0]), evidence


def _read(bins: Ints, behave: Sequence[Floats]) -> Floats:
    """The log-likelihood [v, kinds] of what each visit showed."""
    each = [np.log(chances)[:, bins[:, j]].T for j, chances in enumerate(behave)]
    return np.asarray(np.sum(each, axis=0))


def _weigh_change(expected: Floats, learned: Floats, weight: tuple[float, float]) -> float:
    """The log-density before any data of learned chances, less that of what was expected.

    expected, learned: [1 + kinds, bins]
    weight: visits that the expected chances weigh, of people and of each kind
    """
    change = (expected * np.log(learned / expected)).sum(axis=1)
    return float(weight[0] * change[0] + weight[1] * change[1:].sum())


class _Sum:
    """Adds up what visits have, group by group, always in one order.

    number: [v], of each visit's group
    groups: how many groups there are; default: as many as the numbers need
    """

    def __init__(self, number: Ints, groups: int = 0) -> None:
        v, count = len(number), groups or int(number.max(initial=-1)) + 1
        cells = (np.ones(v), (number, np.arange(v)))
        self.number, self._table = number, csr_array(cells, shape=(count, v))

    def add(self, values: Floats) -> Floats:
        """The sums [groups, j] of values [v, j]."""
        return np.asarray(self._table @ values)


def _share_among_others(
    group: _Sum, mine: _Sum, weighed: Floats, count: Ints, overall: Floats
) -> Floats:
    """The kinds' shares [v, kinds] in the other visits of each visit's group, shrunk.

    mine: the parts of the groups; a visit's own part is left out
    weighed: [v, kinds], how many visits are of each kind
    """
    both = np.column_stack([weighed, count])
    others = group.add(both)[group.number] - mine.add(both)[mine.number]
    mass, visits = np.maximum(others[:, :-1], 0.0), others[:, -1:]
    return np.asarray((mass + POOLED * overall) / (visits + POOLED))


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
