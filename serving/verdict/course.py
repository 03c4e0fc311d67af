"""The course of an experiment: what is known of each pair of arms after each issue.

Open this file to see which mails count, what a member's past is, and when a split is unsound.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bandit.core.check import shorten
from bandit.core.ids import locate
from bandit.core.types import Bools, Floats, Ids, Ints
from bandit.ope.arms import LEAST, Arm, Difference, compare, measure_past
from bandit.ope.counts import bound_ratio, measure_split
from bandit.ope.intervals import Interval
from bandit.ope.sequences import Look, make_sequence
from serving.verdict.sends import HELD, Split

if TYPE_CHECKING:
    from serving.verdict.answers import Answers


@dataclass(frozen=True)
class Guard:
    """How often something rare befell two groups' members.

    counts: members whom it befell, of the first and of the second
    ratio: how many times as often it befell the second's
    """

    counts: tuple[int, int]
    ratio: Interval


@dataclass(frozen=True)
class Pair:
    """Two groups, look by look.

    first: name of the group that the second is measured by
    second: name of the other group
    level: of confidence of all looks together, and of this pair's family
    looks: differences in clicks a newsletter, second less first
    clicked: members of the first and the second who clicked, at the last look
    last: the last difference, with what the past explains; None where there is none
    guards: what is guarded -> the sequence, look by look
    """

    first: str
    second: str
    level: float
    looks: list[Look]
    clicked: tuple[int, int]
    last: Difference | None
    guards: dict[str, list[Guard]]


@dataclass(frozen=True)
class Course:
    """What came of an experiment.

    campaigns: of the looks, in order
    totals: group -> members, newsletters delivered, clicks, and members of each rare kind
    pairs: the comparisons
    evidence: against the split being what was asked for, the most at any look: of members mailed
        and of members to whom something was delivered
    past: newsletters from before the experiment that told of its members
    notes: sentences on what was left out
    """

    campaigns: list[str]
    totals: dict[str, dict[str, int]]
    pairs: list[Pair]
    evidence: dict[str, float]
    past: int
    notes: list[str] = field(default_factory=list)


class Ledger:
    """Everybody who was ever mailed, one row each, and what each did up to now.

    split: says who was in which group
    """

    def __init__(self, split: Split) -> None:
        waves = [wave for waves in split.mailed.values() for wave in waves]
        ids = np.concatenate([members for members, _ in waves])
        names = np.concatenate([group for _, group in waves])
        self.people, first, row = _find_people(ids)
        place = {group: number for number, group in enumerate(split.groups)}
        number = np.array([place[name] for name in names.tolist()])
        self.group: Ints = number[first]
        self.moved: Bools = np.zeros(len(self.people), dtype=bool)
        self.moved[row[number != self.group[row]]] = True
        n = len(self.people)
        self.mailed: Bools = np.zeros(n, dtype=bool)
        self.mails, self.clicks, self.past_mails, self.past_clicks = np.zeros((4, n))
        self.rare: dict[str, Bools] = {}

    def find(self, answers: "Answers") -> Ints:
        """The row of each mail's member; -1 for strangers."""
        try:
            return locate(self.people, answers.members)
        except ValueError as error:
            raise ValueError(f"{answers.path}: {error}") from None

    def add_past(self, answers: "Answers") -> None:
        """Count an issue from before the experiment."""
        rows = self.find(answers)
        known = (rows >= 0) & answers.delivered
        np.add.at(self.past_mails, rows[known], 1)  # of ids that are one now both may have mail
        np.add.at(self.past_clicks, rows[known], answers.clicks[known])

    def add(self, answers: "Answers", mailed: Ids) -> tuple[int, int]:
        """Count an issue. Returns how many mails are of strangers, and how many are missing.

        mailed: members who were mailed then
        """
        rows, sent = self.find(answers), locate(self.people, mailed)
        mine = np.isin(rows, sent)
        self.mailed[sent] = True
        known = mine & answers.delivered
        np.add.at(self.mails, rows[known], 1)
        np.add.at(self.clicks, rows[known], answers.clicks[known])
        for name, happened in answers.rare.items():
            met = self.rare.setdefault(name, np.zeros(len(self.people), dtype=bool))
            met[rows[mine & happened]] = True
        return int((~mine).sum()), int((~np.isin(sent, rows)).sum())


def _find_people(ids: Ids) -> tuple[Ids, Ints, Ints]:
    """Ids once each, where each comes first, and the place of each of `ids` among them."""
    people, first, row = np.unique(ids, return_index=True, return_inverse=True)
    return people, first, row


def follow(split: Split, issues: Iterable["Answers"], level: float = 0.95) -> Course:
    """The course of an experiment through the issues of a log.

    split: who was in which group
    issues: what came back, in the order of the looks
    level: of confidence; that of members held out, and that of arms, each as a family

    Raises ValueError where the log has no issue of the experiment.
    """
    ledger, campaigns, notes = Ledger(split), list[str](), list[str]()
    held = [pair[0] == HELD for pair in split.pairs]
    books = [
        _Book(split, pair, 1 - (1 - level) / held.count(pair[0] == HELD)) for pair in split.pairs
    ]
    past: Floats = np.zeros(len(ledger.people))
    evidence = {"mailed": 0.0, "delivered": 0.0}
    for answers in issues:
        waves = split.mailed.get(answers.campaign)
        if waves is None:
            if campaigns:
                notes.append(f"{answers.campaign} was sent without the experiment: not counted")
            else:
                ledger.add_past(answers)
            continue
        if not campaigns:
            past = measure_past(ledger.past_clicks, ledger.past_mails)
        campaigns.append(answers.campaign)
        strange, missing = ledger.add(answers, np.concatenate([members for members, _ in waves]))
        if strange:
            of = f"{answers.campaign}: {strange:,} mails in the log"
            notes.append(f"{of} are in no send: not counted")
        if missing:
            notes.append(f"{answers.campaign}: the log lacks {missing:,} mails that were sent")
        for what, there in (("mailed", ledger.mailed), ("delivered", ledger.mails > 0)):
            counts = np.bincount(ledger.group[there & ~ledger.moved], minlength=len(split.groups))
            found = measure_split(counts.tolist(), split.shares)
            evidence[what] = max(evidence[what], found)
        for book in books:
            book.look(ledger, past)
    if not campaigns:
        sent = ", ".join(map(shorten, split.mailed))
        raise ValueError(f"the log has none of the campaigns that were sent: {sent}")
    waiting = [campaign for campaign in split.mailed if campaign not in campaigns]
    notes += [f"{campaign} was sent, and is not in the log yet" for campaign in waiting]
    if ledger.moved.any():
        notes.append(f"{int(ledger.moved.sum()):,} members were in two groups: not counted")
    totals = {group: _add_up(ledger, number) for number, group in enumerate(split.groups)}
    pairs = [book.close() for book in books]
    return Course(campaigns, totals, pairs, evidence, int(ledger.past_mails.sum()), notes)


class _Book:
    """What is noted of one pair of groups at each look."""

    def __init__(self, split: Split, pair: tuple[str, str], level: float) -> None:
        self._pair, self._level = pair, level
        self._number = [split.groups.index(name) for name in pair]
        shares = [split.shares[number] for number in self._number]
        self._share = shares[1] / sum(shares)
        self._found: list[Difference | None] = []
        self._ready: list[bool] = []
        self._clicked = (0, 0)
        self._guards: dict[str, list[Guard]] = {}

    def look(self, ledger: Ledger, past: Floats) -> None:
        """Note what is known now."""
        there = ledger.mailed & ~ledger.moved
        rows = [np.flatnonzero(there & (ledger.group == number)) for number in self._number]
        clicked = [int((ledger.clicks[some] > 0).sum()) for some in rows]
        self._clicked = (clicked[0], clicked[1])
        found = None
        if all(ledger.mails[some].sum() > 0 and len(some) > 1 for some in rows):
            arms = [Arm(ledger.clicks[some], ledger.mails[some], past[some]) for some in rows]
            found = compare(*arms)
        self._found.append(found)
        self._ready.append(found is not None and found.variance > 0 and min(clicked) >= LEAST)
        for name, met in ledger.rare.items():
            first, second = (int(met[some].sum()) for some in rows)
            ratio = bound_ratio(first, second, self._share, self._level)
            self._guards.setdefault(name, []).append(Guard((first, second), ratio))

    def close(self) -> Pair:
        """All looks together."""
        estimates, variances = (
            np.array([getattr(one, name) if one else math.nan for one in self._found])
            for name in ("estimate", "variance")
        )
        looks = make_sequence(estimates, variances, np.array(self._ready), self._level)
        return Pair(*self._pair, self._level, looks, self._clicked, self._found[-1], self._guards)


def _add_up(ledger: Ledger, number: int) -> dict[str, int]:
    """What a group came to."""
    there = ledger.mailed & ~ledger.moved & (ledger.group == number)
    counts = {
        "members": int(there.sum()),
        "newsletters": int(ledger.mails[there].sum()),
        "clicks": int(ledger.clicks[there].sum()),
    }
    return counts | {name: int(met[there].sum()) for name, met in ledger.rare.items()}
