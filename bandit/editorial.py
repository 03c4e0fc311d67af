"""What the editor's rules leave open: the one action model that policies, simulator, estimators and sender share.

Hard rules are never broken: eligibility, pins, a slot's section; where nothing is left, the slot stays empty. Soft rules
are given up in this order, one slot at a time, and the slate says so: minimum counts, maximum counts, no repeats.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.types import Bools, Context, Ints

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
        self._pinnable = context.eligible
        eligible = context.eligible.copy()
        eligible[:, list(self._pins.values())] = False  # pins leave the pool
        self._eligible, self._fresh = eligible, ~context.seen
        self._most = _groups(articles, rules.at_most)
        self._least = _groups(articles, rules.at_least)
        self._sections = {
            slot - 1: np.logical_and.reduce([np.isin(_text(articles[column]), values) for column, values in only.items()])
            for slot, only in rules.only.items()
        }

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
        above = choice[:, :slot]
        hard = self._eligible.copy()
        if slot in self._sections:
            hard &= self._sections[slot]
        for j in range(slot):
            shown = above[:, j] >= 0
            hard[np.flatnonzero(shown), above[shown, j]] = False
        best = [hard]  # from the fewest rules to all of them
        best.append(best[-1] & self._fresh)
        best.append(best[-1] & self._below_caps(slot, above))
        relaxed = np.zeros(len(choice), dtype=np.int8)
        if self._least:
            wanted, short = self._wanted(slot, above)
            best.append(best[-1] & wanted)
            relaxed[short & hard.any(axis=1)] = MINIMUM
        else:
            best.append(best[-1])
        if self._sections:
            best[-1] = best[-1] & self._spared(slot, hard)
        mask: NDArray[np.bool_] = best[3]
        if mask.any(axis=1).all():  # the usual case
            return mask, relaxed
        for given_up, wider in ((MINIMUM, best[2]), (MAXIMUM, best[1]), (REPEAT, best[0])):
            stuck = np.asarray(~mask.any(axis=1) & wider.any(axis=1))
            if stuck.any():
                mask = np.where(stuck[:, None], wider, mask)
                relaxed[stuck] = given_up
        return mask, relaxed

    def _count(self, group: Bools, slot: int, above: Ints) -> Ints:
        """How many of `group` [m] each member's slate holds: the slots above, the pins below, and the sections below that
        may hold nothing else."""
        below = [(j, article) for j, article in self._pins.items() if j >= slot and group[article]]
        count = np.zeros(len(above), dtype=np.int64)
        for _, article in below:
            count += self._pinnable[:, article]
        for j in range(above.shape[1]):
            count += (above[:, j] >= 0) & group[above[:, j]]
        count += sum(j > slot and j not in self._pins and not (only & ~group).any() for j, only in self._sections.items())
        return count

    def _below_caps(self, slot: int, above: Ints) -> Bools:
        free = np.ones(self._eligible.shape, dtype=bool)
        for group, cap in self._most:
            full = self._count(group, slot, above) >= cap
            free[np.ix_(full, group)] = False
        return free

    def _spared(self, slot: int, hard: Bools) -> Bools:
        """All articles but those that a section below could not do without."""
        spared: NDArray[np.bool_] = np.ones(hard.shape, dtype=bool)
        below = [only for j, only in self._sections.items() if j > slot and j not in self._pins]
        for only in below:
            slots = sum(not (other & ~only).any() for other in below)
            scarce = (hard & only).sum(axis=1) <= slots
            spared[np.ix_(scarce, only)] = False
        return spared

    def _wanted(self, slot: int, above: Ints) -> tuple[Bools, Bools]:
        """All articles, until the slots left are only just enough for the minimum counts."""
        wanted = np.zeros(self._eligible.shape, dtype=bool)
        needed = np.zeros(len(above), dtype=np.int64)
        for group, least in self._least:
            lacking = np.maximum(least - self._count(group, slot, above), 0)
            needed += lacking
            wanted |= (lacking > 0)[:, None] & group
        # a section below counts with its group, if it belongs to one
        free = [j for j in range(slot, self._k) if j == slot or j not in self._sections]
        left = np.full(len(above), len(free))
        for j, article in self._pins.items():
            if j in free:
                left -= self._pinnable[:, article]
        return np.where((needed >= left)[:, None] & (needed > 0)[:, None], wanted, True), needed > left


def _groups(articles: pd.DataFrame, counts: dict[str, dict[str, int]]) -> list[tuple[NDArray[Any], int]]:
    return [
        (np.asarray(_text(articles[column]) == value, dtype=bool), count)
        for column, values in counts.items()
        for value, count in values.items()
    ]
