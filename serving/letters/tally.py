"""Counts over the slates of an issue: who reaches whom, and what was given up how often.

Open this file for the numbers of send.json and of the preview.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.types import EXPLORE, PINNED, ROLES
from bandit.slates.editorial import MAXIMUM, MINIMUM, REPEAT, STORY

if TYPE_CHECKING:
    from serving.checks.contradictions import Rule

RELAXED = {"minimum": MINIMUM, "maximum": MAXIMUM, "repeat": REPEAT, "story": STORY}
OFTEN = 0.1  # of the newsletters: a count that so many do not keep is told


class Tally:
    """Counts newsletters piece by piece: `add` each of them once.

    articles: the pool, m rows in order; rules: the editor's, with k slots, and each by itself in
        `listed` (`serving.checks.contradictions.list_rules`)

    members: newsletters; held: those of members held out; empty: those with nothing in any slot
    arms: arm of an experiment -> newsletters
    reach: [m], members who get the article; leads: [m], those whose newsletter begins with it
    explored, pinned: [m], members who get it by exploring, and by a pin
    roles, relaxed: [4] and [5], slots by role, and by how many soft rules were given up
    missed_pins: slot -> members who may not see what is pinned there
    """

    def __init__(self, articles: Columns, rules: Rules, listed: Sequence["Rule"]) -> None:
        m = len(articles)
        self._ids = pa.array(articles["article"].tolist())
        self._slots = rules.slots
        self._rules = [rule for rule in listed if rule.kind.startswith("at_")]
        self._pins = rules.pins
        self._broken = [0] * len(self._rules)
        self.members = self.held = self.empty = 0
        self.arms: Counter[str] = Counter()
        self.reach, self.leads, self.explored, self.pinned = np.zeros((4, m), dtype=np.int64)
        self.roles = np.zeros(len(ROLES), dtype=np.int64)
        self.relaxed = np.zeros(STORY + 1, dtype=np.int64)
        self.missed_pins = dict.fromkeys(rules.pins, 0)

    def add(self, table: pa.Table) -> pa.Table:
        """Count some newsletters, each with all its slots, and hand them on."""
        m, k = len(self._ids), self._slots
        place = pc.fill_null(pc.index_in(table["article"], value_set=self._ids), -1)
        choice = place.to_numpy().reshape(-1, k)
        role = table["role"].to_numpy().reshape(-1, k)
        filled = choice >= 0
        sent = filled.any(axis=1)
        self.members += len(choice)
        self.empty += int((~sent).sum())
        self.held += int(pc.sum(table["holdout"]).as_py() or 0) // k
        if "arm" in table.column_names:
            self.arms.update(filter(None, table["arm"].to_pylist()[::k]))
        lead = choice[np.arange(len(choice)), filled.argmax(axis=1)][sent]
        for counts, which in (
            (self.reach, choice[filled]),
            (self.leads, lead),
            (self.explored, choice[role == EXPLORE]),
            (self.pinned, choice[role == PINNED]),
        ):
            counts += np.bincount(which, minlength=m)
        self.roles += np.bincount(role.ravel(), minlength=len(ROLES))
        self.relaxed += np.bincount(table["relaxed"].to_numpy(), minlength=STORY + 1)
        for slot in self.missed_pins:
            self.missed_pins[slot] += int((role[:, slot - 1] != PINNED).sum())
        for i, rule in enumerate(self._rules):
            group = np.isin(np.arange(m + 1), sorted(rule.group))  # the last: an empty slot
            held = group[choice].sum(axis=1)
            broken = held > rule.number if rule.kind == "at_most" else held < rule.number
            self._broken[i] += int(broken.sum())
        return table

    @property
    def mails(self) -> int:
        """Newsletters that hold something: nobody is mailed an empty one."""
        return self.members - self.empty

    def count_given_up(self) -> dict[str, int]:
        """Each count of the rules that newsletters do not keep -> how many of them."""
        pairs = zip(self._rules, self._broken, strict=True)
        return {rule.words: broken for rule, broken in pairs if broken}

    def find_often(self, told: Iterable["Rule"]) -> list[str]:
        """A sentence for each count that many newsletters do not keep, but for those `told` of."""
        known, often = {rule.words for rule in told}, OFTEN * self.mails
        return [
            f"{words} is given up in {broken:,} of {self.mails:,} newsletters"
            for words, broken in self.count_given_up().items()
            if broken > often and words not in known
        ]

    def count_roles(self) -> dict[str, int]:
        """How many slots have each role."""
        return {name: int(self.roles[number]) for number, name in enumerate(ROLES)}

    def count_relaxed(self) -> dict[str, int]:
        """In how many slots each kind of soft rule was the last to be given up."""
        return {name: int(self.relaxed[rule]) for name, rule in RELAXED.items()}

    def describe(self, titles: Sequence[str]) -> dict[str, object]:
        """What send.json says of the newsletters.

        titles: [m], of the articles
        """
        counts = zip(self.reach.tolist(), self.leads.tolist(), strict=True)
        reach = zip(self._ids.to_pylist(), titles, counts, strict=True)
        return {
            "members": self.members,
            "slots": self._slots,
            "roles": self.count_roles(),
            "relaxed": self.count_relaxed(),
            "given_up": self.count_given_up(),
            "missed_pins": {str(slot): count for slot, count in self.missed_pins.items() if count},
            "empty_newsletters": self.empty,
            "held_out": self.held,
            "in_arms": dict(sorted(self.arms.items())),
            "reach": {
                str(article): {"title": title, "members": n, "leads": led}
                for article, title, (n, led) in reach
            },
        }


def describe_contradictions(
    found: Sequence[Sequence["Rule"]], given_up: dict[str, int]
) -> list[str]:
    """A sentence for each set of rules that contradict one another, with what was given up."""
    sentences = []
    for core in found:
        words = [rule.words for rule in core]
        named = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
        lost = [f"{word} in {given_up[word]:,}" for word in words if word in given_up]
        if len(core) == 1 and core[0].kind == "at_least":
            named += f", for the pool has {len(core[0].group)} such articles"
        given = f"given up: {', '.join(lost)} newsletters" if lost else "slots stay empty"
        sentences.append(f"no newsletter can obey {named} ({given})")
    return sentences
