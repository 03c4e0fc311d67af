"""From what was tried to sentences: why this article, and not that one.

Every sentence is of one change that was really run, and says what was shown then. Open this file to
see how they are worded and which are given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from serving.explain.change import ALL, ARTICLE, ATTRIBUTE, CLICKS, PIN, SEEN, Change, Outcome

MOST = {CLICKS: 2}  # reasons of one kind for a slot; of the others one
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
Name = Callable[[object], str]


class Entry(NamedTuple):
    """What the member list says of the member in one column.

    heading: of the column, as the file has it
    value: as the file has it; "" where it says nothing
    """

    heading: str
    value: str


@dataclass(frozen=True)
class Reason:
    """Why a slot shows what it shows.

    slot: from 1
    shown: id of the article that is there; None: nothing
    otherwise: id of the article that would be there; None: nothing
    moved: the slot that then holds what is shown; 0: it is in none
    change: what was changed
    words: the sentence
    """

    slot: int
    shown: object
    otherwise: object
    moved: int
    change: Change
    words: str


def find_reasons(
    shown: Sequence[object], outcomes: Sequence[Outcome], own: dict[str, Entry], name: Name
) -> list[list[Reason]]:
    """The reasons of each slot: of every kind the first changes that make a difference there.

    Changes that put the article out of the slate come before those that only move it.

    shown: the slate as it is
    outcomes: in the order in which reasons are given
    own: attribute -> what the member list says of it
    name: the title of an article
    """
    found: list[list[Reason]] = []
    for slot, article in enumerate(shown, start=1):
        reasons: list[Reason] = []
        for outcome in sorted(outcomes, key=lambda one: _rank(one, article)):
            change, other = outcome.change, outcome.shown[slot - 1]
            if other == article or not _is_about(change, slot, article):
                continue
            if sum(one.change.kind == change.kind for one in reasons) >= MOST.get(change.kind, 1):
                continue
            moved = outcome.shown.index(article) + 1 if article in outcome.shown else 0
            words = _word(change, slot, name(article), name(other), own)
            if change.kind != ARTICLE:
                words += f", and the former {f'in slot {moved}' if moved else 'nowhere'}"
            reasons.append(Reason(slot, article, other, moved, change, f"{words}."))
        found.append(reasons)
    return found


def _rank(outcome: Outcome, article: object) -> int:
    """The place of an outcome among the reasons for an article: the lower, the earlier."""
    kind = outcome.change.kind
    return 3 if kind == ARTICLE else 0 if kind == PIN else 2 if article in outcome.shown else 1


def _is_about(change: Change, slot: int, article: object) -> bool:
    """Whether a change may be a reason of this slot: of another's pin or article it is not told."""
    if change.kind == ARTICLE:
        return bool(change.article == article)
    return change.kind != PIN or change.slot == slot


def _word(change: Change, slot: int, shown: str, other: str, own: dict[str, Entry]) -> str:
    """What is there and what would be, but for where the article went."""
    instead = f"{shown} instead of {other} in slot {slot}"
    if change.kind == CLICKS:
        clicks = len(change.clicks)
        these = "it" if clicks == 1 else "them"
        about = "" if change.name == ALL else f" on {change.name}"
        said = f"{count_articles(clicks)}{about}"
        return f"{instead} because you clicked {said}; without {these} {other}"
    if change.kind == ATTRIBUTE:
        heading, value = own[change.name]
        says = f"the member list says {_quote(value)} of you under “{heading}”"
        return f"{instead} because {says}; if it said {_quote(change.value)}, {other}"
    if change.kind == PIN:
        return f"{shown} in slot {slot} because the editor pinned it there; without the pin {other}"
    if change.kind == SEEN:
        return (
            f"{instead} because of what you were shown before; had you been shown nothing, {other}"
        )
    return f"Without {shown} in the pool {other} in slot {slot}"


def _quote(value: object) -> str:
    """A cell of the member list in a sentence; of a missing one that it says nothing."""
    return f"“{value}”" if isinstance(value, str) and value else "nothing"


def count_articles(count: int) -> str:
    """Such as `two articles`."""
    number = NUMBERS[count] if count < len(NUMBERS) else f"{count}"
    return f"{number} article" + ("" if count == 1 else "s")
