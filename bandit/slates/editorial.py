"""What the editor's rules leave open: the one action model that policies, simulator, estimators and sender share.

Hard rules are never broken: eligibility, pins, a slot's section; where nothing is left, the slot stays empty. Soft rules
are given up in this order, one slot at a time, and the slate says so: minimum counts, maximum counts, no repeats.
"""

from copy import copy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.types import Bools, Context, Ints

MINIMUM, MAXIMUM, REPEAT = 1, 2, 3  # how many soft rules have been given up


def eligible(members: pd.DataFrame, articles: pd.DataFrame) -> Bools:
    """Who may be shown what, [n, m]. A pool column `only_<attribute>` keeps an article to the members with that value;
    empty or missing means everyone. Raises ValueError for an attribute that members lack."""
    allowed: NDArray[np.bool_] = np.ones((len(members), len(articles)), dtype=bool)
    for column in articles.columns:
        if not column.startswith("only_"):
            continue
        attribute = column.removeprefix("only_")
        if attribute not in members.columns:
            raise ValueError(
                f"pool column {column!r}: members have no attribute {attribute!r}, only {list(members.columns)}"
            )
        wanted = _text(articles[column])
        allowed &= (wanted == "") | (_text(members[attribute])[:, None] == wanted)
    return allowed


def _text(column: pd.Series) -> NDArray[Any]:
    """Values as an editor writes them; "" where missing. A whole number stays one where a gap made its column floats."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.fillna("").to_numpy(dtype=object)
    values = column.astype(object).convert_dtypes().astype(object)
    return values.where(values.notna(), "").astype(str).to_numpy(dtype=object)


class Desk:
    """Says which articles are open for each slot of one issue, given the slots above."""

    def __init__(self, context: Context) -> None:
        rules, articles = context.rules, context.articles
        ids = list(context.article_ids)
        self._k = rules.slots
        self._pins = {slot - 1: ids.index(article) for slot, article in rules.pins.items()}
        self._pinnable = self._eligible = context.eligible
        if self._pins:  # they leave the pool
            self._eligible = context.eligible & ~np.isin(
                np.arange(len(ids)), list(self._pins.values())
            )
        self._seen = context.seen
        self._most = _groups(articles, rules.at_most)
        self._least = _groups(articles, rules.at_least)
        self._sections = {
            slot - 1: np.logical_and.reduce(
                [np.isin(_text(articles[column]), values) for column, values in only.items()]
            )
            for slot, only in rules.only.items()
        }

    def part(self, rows: slice | Ints) -> "Desk":
        """The desk for some of the members."""
        part = copy(self)
        for name in ("_pinnable", "_eligible", "_seen"):
            setattr(part, name, getattr(self, name)[rows])
        return part

    def pin(self, slot: int) -> tuple[int, Bools] | None:
        """The article pinned to `slot` (from 0) and the members who get it [n]; the policy fills the slot of the rest."""
        if slot not in self._pins:
            return None
        article = self._pins[slot]
        return article, self._pinnable[:, article]

    def open(self, slot: int, choice: Ints) -> tuple[Bools, Ints]:
        """Open articles [n, m] for `slot` (from 0) and the soft rules given up [n]. `choice` [n, k] holds the slots above.

        A row with nothing open stays empty.
        """
        return self.opened(slot, choice.T[:slot])

    def opened(self, slot: int, above: Ints) -> tuple[Bools, Ints]:
        """The same, given the slots above [slot, n]."""
        hard = self._eligible.copy()
        if slot in self._sections:
            hard &= self._sections[slot]
        filled, row = np.nonzero(above >= 0)
        hard[row, above[filled, row]] = False
        best = [hard]  # from the fewest rules to all of them
        best.append(best[-1] > self._seen)
        best.append(self._below_caps(slot, above, best[-1]) if self._most else best[-1])
        relaxed = np.zeros(len(hard), dtype=np.int8)
        if self._least:
            wanted, short = self._wanted(slot, above)
            best.append(best[-1] & wanted)
            relaxed[short & hard.any(axis=1)] = MINIMUM
        else:
            best.append(best[-1])
        if self._sections:
            best[-1] = best[-1] & self._spared(slot, hard)
        mask: NDArray[np.bool_] = best[3]
        if (
            mask[:, 0] | (mask.argmax(axis=1) > 0)
        ).all():  # the usual case: each has one (argmax is quicker than any)
            return mask, relaxed
        for given_up, wider in ((MINIMUM, best[2]), (MAXIMUM, best[1]), (REPEAT, best[0])):
            stuck = np.asarray(~mask.any(axis=1) & wider.any(axis=1))
            if stuck.any():
                mask = np.where(stuck[:, None], wider, mask)
                relaxed[stuck] = given_up
        return mask, relaxed

    def closing(self, slot: int, above: Ints) -> list[tuple[Ints, Bools]] | None:
        """What closes for `slot` besides the articles shown in the slot above: (rows, articles [m]) for each cap that is
        reached. Only where no rule was given up, nor has to be now; None where other rules have a say."""
        if {slot - 1, slot} & self._pins.keys() or self._least or self._sections:
            return None
        capped: list[tuple[Ints, Bools]] = []
        for group, cap in self._most:
            another = np.flatnonzero(group.take(above[-1]))
            count = self._count(group, slot, above.take(another, axis=1), another)
            capped.append((another[count >= cap], group))
        return capped

    def _count(
        self, group: Bools, slot: int, above: Ints, rows: Ints | slice = slice(None)
    ) -> Ints:
        """How many of `group` [m] each member's slate holds (or theirs in `rows`): the slots above, the pins below, and the
        sections below that may hold nothing else."""
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

    def _below_caps(self, slot: int, above: Ints, mask: Bools) -> Bools:
        mask = mask.copy()
        for group, cap in self._most:
            full = np.flatnonzero(self._count(group, slot, above) >= cap)
            mask[full] &= ~group
        return mask

    def _spared(self, slot: int, hard: Bools) -> Bools:
        """All articles but those that a section below could not do without."""
        spared: NDArray[np.bool_] = np.ones(hard.shape, dtype=bool)
        below = [only for j, only in self._sections.items() if j > slot and j not in self._pins]
        for only in below:
            slots = sum(not (other & ~only).any() for other in below)
            spared[:, only] &= (hard[:, only].sum(axis=1) > slots)[:, None]
        return spared

    def _wanted(self, slot: int, above: Ints) -> tuple[Bools, Bools]:
        """All articles, until the slots left are only just enough for the minimum counts."""
        wanted = np.zeros(self._eligible.shape, dtype=bool)
        needed = np.zeros(above.shape[1], dtype=np.int64)
        for group, least in self._least:
            lacking = np.maximum(least - self._count(group, slot, above), 0)
            needed += lacking
            wanted[:, group] |= (lacking > 0)[:, None]
        # a section below counts with its group, if it belongs to one
        free = [j for j in range(slot, self._k) if j == slot or j not in self._sections]
        left = np.full(above.shape[1], len(free))
        for j, article in self._pins.items():
            if j in free:
                left -= self._pinnable[:, article]
        return wanted | ((needed < left) | (needed == 0))[:, None], needed > left


def _groups(
    articles: pd.DataFrame, counts: dict[str, dict[str, int]]
) -> list[tuple[NDArray[Any], int]]:
    return [
        (np.asarray(_text(articles[column]) == value, dtype=bool), count)
        for column, values in counts.items()
        for value, count in values.items()
    ]
