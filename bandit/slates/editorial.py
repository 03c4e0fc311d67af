"""Which articles the editor's rules leave open for a slot.

Policies, simulators, estimators and the sender all ask this file, so they agree about what could be
shown. Hard rules are never broken: eligibility, pins, a slot's section; where nothing is left, the
slot stays empty. Soft rules are given up where a slot would otherwise stay empty, one slot at a
time and in this order: minimum counts, maximum counts, no repeats, one article a story. The slate
records it. Open this file to add a rule, or to see why an article was not shown.
"""

from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from bandit.core import keys
from bandit.core.columns import Columns, Tabular, fill_text, number_values, read_text
from bandit.core.types import Bools, Context, Floats, Ids, Ints
from bandit.features.attributes import MISSING, fold, split_tags
from bandit.slates.layout import AnyTally, Layout
from bandit.slates.sets import Articles, Bits, Counts, Each, Rows, pack

MINIMUM, MAXIMUM, REPEAT, STORY = 1, 2, 3, 4  # how many soft rules have been given up
ADMIT = "admit_below"


def find_eligible(members: Tabular, articles: Tabular) -> Bools:
    """Which articles each member may be shown, [n, m].

    A pool column `only_<attribute>` keeps an article to the members with that value of the
    attribute; `Great Lakes; Great Plains` means either, empty or missing means everyone. Spaces and
    capital letters do not tell values apart. A member whose own value is such a list (tags) has
    each value in it. A number in the pool column `admit_below` keeps an article to the members
    whose lot for it is below: of a large list that share, always the same members.

    members: n rows, with `member` and the attributes
    articles: m rows, the pool

    Raises ValueError for an attribute that members lack.
    """
    return Admission(Columns.read(articles)).find(Columns.read(members))


class Admission:
    """The limits of a pool, read once: `find_eligible` says what they are.

    articles: m rows, the pool
    """

    def __init__(self, articles: Columns) -> None:
        self._width = len(articles)
        self._limits = {
            column: _list_wanted(fill_text(articles[column]))
            for column in articles.names
            if column.startswith("only_")
        }
        self._admit = lru_cache(maxsize=1000)(self._find_admitted)
        lots = articles[ADMIT].tolist() if ADMIT in articles else []
        self._lots = [
            (j, article, below)
            for j, (article, below) in enumerate(
                zip(articles["article"].tolist(), lots, strict=False)
            )
            if below is not None and below == below  # neither None nor NaN
        ]

    def find(self, members: Columns) -> Bools:
        """Which articles each member may be shown, [n, m].

        Raises ValueError for an attribute that members lack.
        """
        allowed: Bools = np.ones((len(members), self._width), dtype=bool)
        for column in self._limits:
            attribute = column.removeprefix("only_")
            if attribute not in members:
                raise ValueError(
                    f"pool column {column!r}: members have no attribute {attribute!r}, "
                    f"only {members.names}"
                )
            cells = read_text(members[attribute])
            if len(cells) == 1:  # of one member it is the calls that cost
                allowed &= self._admit(column, cells[0] or "")
                continue
            code, cells_met = number_values(cells)
            having = [self._admit(column, cell) for cell in [*cells_met, ""]]  # the last: missing
            allowed &= np.array(having)[code]
        for j, article, below in self._lots:
            allowed[:, j] &= draw_lots(members["member"], article) < below
        return allowed

    def _find_admitted(self, column: str, cell: str) -> Bools:
        """Which articles a column admits those to who have what a cell of theirs says, [m]."""
        wanted = self._limits[column]
        admitted = [wanted[value] for value in {"", *_fold(cell)} & wanted.keys()]
        return np.asarray(np.logical_or.reduce(admitted))


def _list_wanted(cells: list[str]) -> dict[str, Bools]:
    """Value -> which of the articles [m] want it; "" -> which of them want none."""
    wanted = [set(_fold(cell)) if fold(cell) not in MISSING else {""} for cell in cells]
    return {
        value: np.array([value in own for own in wanted]) for value in set().union({""}, *wanted)
    }


def draw_lots(members: Ids, article: object) -> Floats:
    """Each member's lot for an article [n], in [0, 1): a keyed number that never changes."""
    key = keys.member_keys(members)
    return keys.uniforms(0, str(article), "audience", key, 1)[:, 0]


def _fold(cell: str) -> list[str]:
    return [fold(tag) for tag in split_tags(cell)]


class Desk:
    """Says which articles are open for each slot of one issue, from the top slot to the last.

    Whoever asks about a slot has told before what `fill`s the slots above it.

    context: the issue, with its pool, its rules and who has seen what
    layout: what the rules say of the pool, where that is at hand
    row: of the one member whom the desk is for. Then it is asked about, and answers in, whole
        numbers with a bit for each article, and what is said here to be [n] is one
    """

    def __init__(
        self, context: Context, layout: Layout | None = None, row: int | None = None
    ) -> None:
        self._layout = layout or Layout(context.articles, context.rules, context.stories)
        if row is None:
            self._begin(Rows(*context.eligible.shape), context.eligible, context.seen)
        else:
            self._layout = self._layout.in_bits
            self._begin(Bits(), pack(context.eligible[row]), pack(context.seen[row]))

    def _begin(self, sets: Rows | Bits, pinnable: Articles, seen: Articles) -> None:
        """No slot is filled yet."""
        self._sets, self._pinnable, self._seen = sets, pinnable, seen
        self._left, self._unseen = pinnable & ~self._layout.pinned, ~seen
        self._told = [_Count(tally, sets.count_none(tally)) for tally in self._layout.told]
        self._most = [_Count(tally, sets.count_none(tally)) for tally in self._layout.most]
        self._least = [_Count(tally, sets.count_none(tally)) for tally in self._layout.least]

    def take(self, rows: slice | Ints) -> Self:
        """A desk for some of the members, none of whose slots is filled."""
        part = copy(self)
        pinnable, seen = self._pinnable[rows], self._seen[rows]
        part._begin(Rows(*seen.shape), pinnable, seen)
        return part

    def follow(self, choice: Ints) -> Self:
        """A desk for the same members, whose first slots hold `choice` [n, slots]."""
        part = self.take(slice(None))
        for shown in choice.T:
            part.fill(shown)
        return part

    def find_pin(self, slot: int) -> tuple[int, Each]:
        """The article pinned to `slot` (from 0) and the members who get it, [n].

        The policy fills the slot of the others. Where nothing is pinned, nobody gets article -1.
        """
        if slot not in self._layout.pins:
            return -1, self._sets.nobody
        article = self._layout.pins[slot]
        return article, self._sets.have(self._pinnable, article)

    def allows(self, slot: int, shown: Ints) -> Bools:
        """Whether the hard rules allow these articles [n] in `slot` (from 0), -1 for none, [n]."""
        article, pinned = self.find_pin(slot)
        free = (self._pinnable > self._layout.pinned) & self._layout.sections.get(slot, True)
        known = np.append(free, np.ones((len(free), 1), dtype=bool), axis=1)  # -1, the last: empty
        allowed = known[np.arange(len(free)), shown]
        return np.asarray(np.where(pinned, shown == article, allowed), dtype=bool)

    def find_unmet(self) -> Each:
        """Whose slates miss a minimum count, [n], once all slots are filled."""
        unmet = self._sets.nobody
        for count in self._least:
            unmet = unmet | self._sets.miss(count.tally, count.held)
        return unmet

    def fill(self, choice: Each) -> None:
        """Note what the next slot of each member shows, [n]; -1 for nothing."""
        self._left = self._sets.drop(self._left, choice)
        for count in (*self._told, *self._most, *self._least):
            count.held += count.tally.adds[choice]

    def open(self, slot: int) -> tuple[Articles, Each]:
        """Open articles [n, m] for `slot` (from 0), and how many soft rules were given up, [n].

        A row with nothing open stays empty.
        """
        layout, sets, hard = self._layout, self._sets, self._left
        if slot in layout.sections:
            hard = hard & layout.sections[slot]
        apart = self._shut_full(self._told, slot, hard)
        unseen = apart & self._unseen
        mask = capped = self._shut_full(self._most, slot, unseen)
        relaxed = sets.give_up_none()
        if layout.least:
            wanted, short = self._find_wanted(slot)
            mask = mask & wanted
            relaxed = sets.give_up(relaxed, short & sets.have_any(hard), MINIMUM)
        for only, slots in layout.below[slot]:  # what a section below could not do without
            mask = sets.spare(mask, hard, only, slots)
        if sets.have_all_any(mask):
            return mask, relaxed
        ladder = ((MINIMUM, capped), (MAXIMUM, unseen), (REPEAT, apart), (STORY, hard))
        for given_up, wider in ladder:
            stuck = sets.have_any(wider) > sets.have_any(mask)
            mask = sets.choose(stuck, wider, mask)
            relaxed = sets.give_up(relaxed, stuck, given_up)
        return mask, relaxed

    def _count(self, count: "_Count", slot: int) -> Counts:
        """How many articles of each group a slate holds [n, g], or will hold in any case.

        Counted are the slots above, the pins below, and the sections below that may hold nothing
        else.
        """
        held, tally = count.held, count.tally
        if tally.brings[slot]:
            held = held + tally.sure[slot]
        for j, article in self._layout.pins.items():
            if j >= slot:
                gets = self._sets.have(self._pinnable, article)
                held = self._sets.add_pin(held, gets, tally.adds[article])
        return held

    def _shut_full(self, counts: list["_Count"], slot: int, mask: Articles) -> Articles:
        """The articles of `mask` [n, m] of whose groups the slate may hold more."""
        for count in counts:
            mask = self._sets.shut_full(mask, count.tally, self._count(count, slot))
        return mask

    def _find_wanted(self, slot: int) -> tuple[Articles, Each]:
        """The articles that the minimum counts allow [n, m], and who will miss a count [n].

        All articles are allowed as long as there are more slots left than articles still needed.
        """
        layout, sets = self._layout, self._sets
        wanted, needed = False, 0
        for count in self._least:
            some, lacking = sets.find_lacking(count.tally, self._count(count, slot))
            wanted, needed = wanted | some, needed + lacking
        # A section below is not a free slot: `_count` has counted it where it can hold nothing but
        # articles of the group.
        free = [j for j in range(slot, layout.slots) if j == slot or j not in layout.sections]
        left = len(free)
        for j, article in layout.pins.items():
            if j in free:
                left = left - sets.have(self._pinnable, article)
        return sets.widen(wanted, (needed < left) | (needed == 0)), needed > left


@dataclass
class _Count:
    """How many articles of each group of a tally the slates of n members hold, held [n, g]."""

    tally: AnyTally
    held: Counts
