"""What is tried: each change of one thing, and what the member would be shown then.

Open this file to see which counterfactuals there are, and that each is really run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bandit.core.columns import read_text
from bandit.features.attributes import fold, split_tags
from serving.explain.change import ARTICLE, ATTRIBUTE, PIN, SEEN, Change, Outcome

if TYPE_CHECKING:
    from serving.explain.case import Case
    from serving.explain.lesson import Lesson
    from serving.explain.tale import Tale


def run_change(case: "Case", change: Change, tale: "Tale | Lesson | None" = None) -> list[object]:
    """What the ordinary sender shows with one thing changed.

    tale: what was learned without the clicks; it is given where clicks are what is changed, and
        nowhere else

    Raises ValueError where the changed issue cannot be sent: a pool that has too few articles.
    """
    if tale is not None:
        policy = tale.put(case.bundle.policy)
        return replace(case, bundle=replace(case.bundle, policy=policy)).show()
    if change.kind == ATTRIBUTE:
        return case.put(change.name, change.value).show()
    if change.kind == PIN:
        return case.unpin(change.slot).show()
    if change.kind == SEEN:
        return replace(case, seen=None).show()
    return case.drop(change.article).show()


def list_changes(case: "Case", shown: Sequence[object], denied: frozenset[str]) -> Iterator[Change]:
    """Every change but those of clicks, in the order in which reasons are given.

    shown: the slate as it is
    denied: attributes that are told of nobody
    """
    for slot, pinned in case.rules.pins.items():
        if shown[slot - 1] == pinned:
            yield Change(PIN, slot=slot, article=pinned)
    attributes = case.bundle.features.attributes
    for name in attributes.columns:
        if name in denied:
            continue
        (own,) = read_text(case.member[name])
        others: list[str] = []
        if name in attributes.levels:
            others = [value for value in attributes.levels[name] if not _is_same(value, own)]
        elif name in attributes.tags and own is not None:
            tags = split_tags(own)
            others = ["; ".join(t for t in tags if t != tag) for tag in tags if len(tags) > 1]
        unknown = [None] if own is not None else []
        for value in (*unknown, *others):
            missing = float("nan") if name in attributes.numeric else None
            yield Change(ATTRIBUTE, name, missing if value is None else value)
    if case.seen is not None:
        yield Change(SEEN)
    for article in shown:
        if article is not None:
            yield Change(ARTICLE, article=article)


def run_all(
    case: "Case",
    shown: Sequence[object],
    denied: frozenset[str],
    tales: "Mapping[Change, Tale | Lesson]",
) -> Iterator[Outcome]:
    """What each change leads to. A pool that is too small without an article is left out.

    tales: each change of clicks, and what was learned without them
    """
    for change in (*tales, *list_changes(case, shown, denied)):
        try:
            yield Outcome(change, run_change(case, change, tales.get(change)))
        except ValueError:
            if change.kind != ARTICLE:  # without it the pool may no longer fill the layout
                raise


def _is_same(value: str, own: str | None) -> bool:
    return own is not None and fold(value) == fold(own)
