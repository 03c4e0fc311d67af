"""Which articles the editor's rules leave open for a slot.

Policies, simulators, estimators and the sender all ask this file, so they agree about what could be
shown. Hard rules are never broken: eligibility, pins, a slot's section; where nothing is left, the
slot stays empty. Soft rules are given up where a slot would otherwise stay empty, one slot at a
time and in this order: minimum counts, maximum counts, no repeats, one article a story. The slate
records it. Open this file to add a rule, or to see why an article was not shown.
"""

from collections.abc import Collection
from copy import copy

import numpy as np

from bandit.core import keys
from bandit.core.columns import Columns, Tabular, fill_text, number_values, read_text
from bandit.core.rules import fold, name_each
from bandit.core.types import Bools, Context, Floats, Ids, Ints
from bandit.features.attributes import MISSING, split_tags

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
            column: [
                (j, set(_fold(wanted)))
                for j, wanted in enumerate(fill_text(articles[column]))
                if fold(wanted) not in MISSING
            ]
            for column in articles.names
            if column.startswith("only_")
        }
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
        for column, limits in self._limits.items():
            attribute = column.removeprefix("only_")
            if attribute not in members:
                raise ValueError(
                    f"pool column {column!r}: members have no attribute {attribute!r}, "
                    f"only {members.names}"
                )
            code, cells = number_values(read_text(members[attribute]))
            given = [set(_fold(cell)) for cell in cells]
            for j, wanted in limits:
                having = [place for place, values in enumerate(given) if values & wanted]
                allowed[:, j] &= np.isin(code, having)
        for j, article, below in self._lots:
            allowed[:, j] &= draw_lots(members["member"], article) < below
        return allowed


def draw_lots(members: Ids, article: object) -> Floats:
    """Each member's lot for an article [n], in [0, 1): a keyed number that never changes."""
    key = keys.member_keys(members)
    return keys.uniforms(0, str(article), "audience", key, 1)[:, 0]


def _fold(cell: str) -> list[str]:
    return [fold(tag) for tag in split_tags(cell)]


class Desk:
    """Says which articles are open for each slot of one issue, given the slots above.

    context: the issue, with its pool, its rules and who has seen what
    """

    def __init__(self, context: Context) -> None:
        rules, articles = context.rules, context.articles
        ids = {article: j for j, article in enumerate(context.article_ids.tolist())}
        self._k = rules.slots
        self._pins = {slot - 1: ids[article] for slot, article in rules.pins.items()}
        self._pinnable = self._eligible = context.eligible
        if self._pins:  # they leave the pool
            pinned = np.isin(np.arange(len(ids)), list(self._pins.values()))
            self._eligible = context.eligible & ~pinned
        self._seen = context.seen
        self._stories = _list_stories(context.stories)
        self._most = _list_groups(articles, rules.at_most)
        self._least = _list_groups(articles, rules.at_least)
        self._sections = {
            slot - 1: np.logical_and.reduce(
                [_have(articles, column, values) for column, values in only.items()]
            )
            for slot, only in rules.only.items()
        }

    def take(self, rows: slice | Ints) -> "Desk":
        """The desk for some of the members."""
        part = copy(self)
        part._pinnable, part._eligible = self._pinnable[rows], self._eligible[rows]
        part._seen = self._seen[rows]
        return part

    def find_pin(self, slot: int) -> tuple[int, Bools]:
        """The article pinned to `slot` (from 0) and the members who get it, [n].

        The policy fills the slot of the others. Where nothing is pinned, nobody gets article -1.
        """
        if slot not in self._pins:
            return -1, np.zeros(len(self._pinnable), dtype=bool)
        article = self._pins[slot]
        return article, self._pinnable[:, article]

    def allows(self, slot: int, shown: Ints) -> Bools:
        """Whether the hard rules allow these articles [n] in `slot` (from 0), -1 for none, [n]."""
        article, pinned = self.find_pin(slot)
        free = self._eligible & self._sections.get(slot, True)
        known = np.append(free, np.ones((len(free), 1), dtype=bool), axis=1)  # -1, the last: empty
        allowed = known[np.arange(len(shown)), shown]
        return np.asarray(np.where(pinned, shown == article, allowed), dtype=bool)

    def find_unmet(self, choice: Ints) -> Bools:
        """Whose slates [n, k] miss a minimum count, [n]."""
        held = [np.append(group, False)[choice].sum(axis=1) < least for group, least in self._least]
        return np.asarray(np.any([np.zeros(len(choice)), *held], axis=0), dtype=bool)

    def open(self, slot: int, choice: Ints) -> tuple[Bools, Ints]:
        """Open articles [n, m] for `slot` (from 0), and how many soft rules were given up, [n].

        choice: [n, k], whose first `slot` columns hold the slots above
        A row with nothing open stays empty.
        """
        above = choice.T[:slot]
        hard = self._eligible.copy()
        if slot in self._sections:
            hard &= self._sections[slot]
        filled, row = np.nonzero(above >= 0)
        hard[row, above[filled, row]] = False
        apart = self._keep_apart(slot, above, hard) if self._stories else hard
        unseen = apart > self._seen
        capped = self._cap(slot, above, unseen) if self._most else unseen
        mask = capped
        relaxed = np.zeros(len(hard), dtype=np.int8)
        if self._least:
            wanted, short = self._find_wanted(slot, above)
            mask = mask & wanted
            relaxed[short & hard.any(axis=1)] = MINIMUM
        if self._sections:
            mask = mask & self._spare(slot, hard)
        # usually each member has an open article; argmax finds it quicker than any
        if (mask[:, 0] | (mask.argmax(axis=1) > 0)).all():
            return mask, relaxed
        ladder = ((MINIMUM, capped), (MAXIMUM, unseen), (REPEAT, apart), (STORY, hard))
        for given_up, wider in ladder:
            stuck = np.asarray(~mask.any(axis=1) & wider.any(axis=1))
            if stuck.any():
                mask = np.where(stuck[:, None], wider, mask)
                relaxed[stuck] = given_up
        return mask, relaxed

    def _count(
        self, group: Bools, slot: int, above: Ints, rows: Ints | slice = slice(None)
    ) -> Ints:
        """How many articles of `group` [m] each slate holds, or will hold in any case.

        Counted are the slots above, the pins below, and the sections below that may hold nothing
        else.

        above: [slot, len(rows)], the slates of the members in `rows`
        """
        within = np.append(group, False).take(above)  # the last one stands for the empty slot, -1
        count: Ints = within.view(np.int8).sum(axis=0, dtype=np.int16)
        for j, article in self._pins.items():
            if j >= slot and group[article]:
                count += self._pinnable[rows, article]
        count += sum(
            j > slot and j not in self._pins and not (only & ~group).any()
            for j, only in self._sections.items()
        )
        return count

    def _keep_apart(self, slot: int, above: Ints, mask: Bools) -> Bools:
        """The articles of `mask` [n, m] whose stories no other article of the slate tells.

        Others are those in the slots above, and the pins below.
        """
        mask = mask.copy()
        for story in self._stories:
            told = np.append(story, False).take(above).any(axis=0)
            for j, article in self._pins.items():
                if j >= slot and story[article]:
                    told |= self._pinnable[:, article]
            mask[np.flatnonzero(told)] &= ~story
        return mask

    def _cap(self, slot: int, above: Ints, mask: Bools) -> Bools:
        """The articles of `mask` [n, m] whose maximum counts are not yet reached."""
        mask = mask.copy()
        for group, cap in self._most:
            full = np.flatnonzero(self._count(group, slot, above) >= cap)
            mask[full] &= ~group
        return mask

    def _spare(self, slot: int, hard: Bools) -> Bools:
        """All articles but those that a section below could not do without, [n, m]."""
        spared: Bools = np.ones(hard.shape, dtype=bool)
        below = [only for j, only in self._sections.items() if j > slot and j not in self._pins]
        for only in below:
            slots = sum(not (other & ~only).any() for other in below)
            spared[:, only] &= (hard[:, only].sum(axis=1) > slots)[:, None]
        return spared

    def _find_wanted(self, slot: int, above: Ints) -> tuple[Bools, Bools]:
        """The articles that the minimum counts allow [n, m], and who will miss a count [n].

        All articles are allowed as long as there are more slots left than articles still needed.
        """
        wanted = np.zeros(self._eligible.shape, dtype=bool)
        needed = np.zeros(above.shape[1], dtype=np.int64)
        for group, least in self._least:
            lacking = np.maximum(least - self._count(group, slot, above), 0)
            needed += lacking
            wanted[:, group] |= (lacking > 0)[:, None]
        # A section below is not a free slot: `_count` has counted it where it can hold nothing but
        # articles of the group.
        free = [j for j in range(slot, self._k) if j == slot or j not in self._sections]
        left = np.full(above.shape[1], len(free))
        for j, article in self._pins.items():
            if j in free:
                left -= self._pinnable[:, article]
        return wanted | ((needed < left) | (needed == 0))[:, None], needed > left


def _list_stories(stories: Ints | None) -> list[Bools]:
    """For each story that several articles tell, which ones do [m]."""
    if stories is None:
        return []
    first, count = np.unique(stories, return_counts=True)
    return [np.asarray(stories == story) for story in first[count > 1]]


def _list_groups(articles: Columns, counts: dict[str, dict[str, int]]) -> list[tuple[Bools, int]]:
    """For each value in the rules, the articles that have it [m], and how many are allowed."""
    return [
        (_have(articles, column, [value]), count)
        for column, values in counts.items()
        for value, count in name_each(values, read_values(articles, column)).items()
    ]


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
    return sorted(value for value in folded.values() if fold(value))
