"""What the editor's rules say of one pool: the same for all members, so read once for an issue.

Open this file to see how pins, sections, counts and stories become arrays over the articles.
`editorial.Desk` applies them to members.
"""

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from bandit.core.columns import Bools, Columns, Ints, fill_text, fold, name_each
from bandit.slates.sets import LANE, Articles, pack

if TYPE_CHECKING:
    from bandit.core.rules import Rules

AnyTally = Any  # a `Tally`, or a `BitTally`


@dataclass(frozen=True)
class Tally:
    """Groups of articles that are counted in each slate; no article is in two of them.

    groups: [g, m], which articles are in each group
    limits: [g], how many of each a slate may hold, or must
    sure: [k, g], how many of each the sections below a slot, which may hold nothing else, bring
    adds: [m + 1, g], what each article adds to the counts; the last row, -1: an empty slot
    brings: for each slot, whether the sections below it bring any
    """

    groups: Bools
    limits: Ints
    sure: Ints
    adds: Ints
    brings: list[bool]

    @classmethod
    def of(cls, groups: list[Bools], limits: list[int], sure: Ints) -> Self:
        """The tally of groups [m]."""
        both = np.array(groups)
        adds = np.append(both.T, np.zeros((1, len(both)), dtype=bool), axis=0).astype(np.int16)
        # no slate is longer than a count of 16 bits
        brings = [bool(below.any()) for below in sure]
        return cls(both, np.minimum(limits, 30_000).astype(np.int16), sure, adds, brings)

    @property
    def in_bits(self) -> "BitTally":
        """The same in whole numbers."""
        limits, top, adds = self.limits.tolist(), 1 << LANE - 1, [0] * len(self.adds)
        for place, group in enumerate(self.groups):
            for article in np.flatnonzero(group).tolist():
                adds[article] = 1 << LANE * place
        return BitTally(
            list(map(pack, self.groups)),
            limits,
            _line_up([top - limit for limit in limits]),
            _line_up([top] * len(limits)),
            list(map(_line_up, self.sure.tolist())),
            adds,
            self.brings,
        )


class BitTally(NamedTuple):
    """A `Tally` in whole numbers.

    groups: of each group, a bit for each article
    limits: of each group
    room: for each group what a count is short of the highest bit when it is at the limit
    tops: the highest bit of each group
    sure, adds, brings: as in `Tally`
    Numbers of all groups stand in one whole number, 16 bits for each, the first group's lowest.
    """

    groups: list[int]
    limits: list[int]
    room: int
    tops: int
    sure: list[int]
    adds: list[int]
    brings: list[bool]


class Layout:
    """The rules of an issue as arrays over its m articles.

    articles: m rows, the pool
    rules: the editor's, which fit the pool (`Rules.check_pool`)
    stories: [m], as in `Context`
    """

    pinned: Articles
    sections: dict[int, Articles]
    below: list[list[tuple[Articles, int]]]
    most: list[AnyTally]
    least: list[AnyTally]
    told: list[AnyTally]

    def __init__(self, articles: Columns, rules: "Rules", stories: Ints | None) -> None:
        ids = {article: j for j, article in enumerate(articles["article"].tolist())}
        self.slots = rules.slots
        self.pins = {slot - 1: ids[article] for slot, article in rules.pins.items()}
        self.pinned = np.zeros(len(ids), dtype=bool)  # they leave the pool
        self.pinned[list(self.pins.values())] = True
        self.sections = {
            slot - 1: np.logical_and.reduce(
                [_have(articles, column, values) for column, values in only.items()]
            )
            for slot, only in rules.only.items()
        }
        self.below = [self._list_below(slot) for slot in range(self.slots)]
        self.most = self._list_tallies(articles, rules.at_most)
        self.least = self._list_tallies(articles, rules.at_least)
        told = _list_stories(stories)
        # a story is told once; no section is sure to tell it
        never = np.zeros((self.slots, len(told)), dtype=np.int16)
        self.told = [Tally.of(told, [1] * len(told), never)] if told else []

    @cached_property
    def in_bits(self) -> Self:
        """The same for one member: sets of articles and counts as whole numbers (`sets.Bits`)."""
        bits = copy(self)
        bits.pinned = pack(self.pinned)
        bits.sections = {slot: pack(only) for slot, only in self.sections.items()}
        bits.below = [[(pack(only), slots) for only, slots in below] for below in self.below]
        for name in ("told", "most", "least"):
            setattr(bits, name, [tally.in_bits for tally in getattr(self, name)])
        return bits

    def _list_below(self, slot: int) -> list[tuple[Bools, int]]:
        """The sections below a slot, and how many of them may hold nothing but what each holds."""
        below = [only for j, only in self.sections.items() if j > slot and j not in self.pins]
        return [(only, sum(not (other & ~only).any() for other in below)) for only in below]

    def _list_tallies(
        self, articles: Columns, counts: Mapping[str, Mapping[str, int]]
    ) -> list[Tally]:
        """One tally for each column that the rules count."""
        tallies = []
        for column, values in counts.items():
            named = name_each(values, read_values(articles, column))
            if named:
                groups = [_have(articles, column, [value]) for value in named]
                tallies.append(Tally.of(groups, list(named.values()), self._find_sure(groups)))
        return tallies

    def _find_sure(self, groups: list[Bools]) -> Ints:
        """How many articles of each group the sections below each slot bring [k, g]."""
        sure = np.zeros((self.slots, len(groups)), dtype=np.int16)
        for j, only in self.sections.items():
            if j not in self.pins:
                sure[:j] += [not (only & ~group).any() for group in groups]
        return sure


def _list_stories(stories: Ints | None) -> list[Bools]:
    """For each story that several articles tell, which ones do [m]."""
    if stories is None:
        return []
    first, count = np.unique(stories, return_counts=True)
    return [np.asarray(stories == story) for story in first[count > 1]]


def _have(articles: Columns, column: str, values: Collection[str]) -> Bools:
    """Which articles have one of the values in a column [m]; "" is a missing one."""
    wanted = set(map(fold, values))
    return np.array([fold(cell) in wanted for cell in fill_text(articles[column])], dtype=bool)


def read_values(articles: Columns, column: str) -> list[str]:
    """The different values of a column of the pool, as an editor writes them, in order.

    Of those that differ in capital letters or spaces around them alone, the first.
    """
    folded: dict[str, str] = {}
    for value in sorted(set(fill_text(articles[column]))):
        folded.setdefault(fold(value), value)
    return [value for folds, value in folded.items() if folds]


def _line_up(numbers: list[int]) -> int:
    """Numbers below 2^15 in one whole number, 16 bits each, the first one lowest."""
    return sum(number << LANE * place for place, number in enumerate(numbers))
