"""Pins against the other rules of an issue: what an editor asked for twice, and differently.

Open this file to see which pins are refused, and which are told.
"""

from collections.abc import Iterator

from bandit.core.check import shorten
from bandit.core.columns import Columns, fill_text, fold
from bandit.core.rules import Rules
from bandit.core.types import Ints


def refuse_outside(rules: Rules, articles: Columns) -> None:
    """Raise ValueError where an article is pinned to a section that may not hold it.

    articles: the pool, with the columns that the rules name
    """
    ids = articles["article"].tolist()
    for slot, article in rules.pins.items():
        row = ids.index(article)
        for column, values in rules.only.get(slot, {}).items():
            cell = fill_text(articles[column])[row]
            if fold(cell) not in set(map(fold, values)):
                pin = "featured" if article == rules.featured else f"pins: slot {slot}"
                raise ValueError(
                    f"{pin} is {shorten(article)}, whose {column} is {shorten(cell)}, but only: "
                    f"slot {slot} allows {column} {shorten(values)}"
                )


def find_one_story(rules: Rules, articles: Columns, stories: Ints) -> Iterator[str]:
    """A sentence for two pins that tell one story: members would read it twice.

    stories: [m], of each article the first that tells its story, as `Features.find_stories` gives
    """
    ids = articles["article"].tolist()
    pinned = {slot: int(stories[ids.index(article)]) for slot, article in rules.pins.items()}
    first: dict[int, int] = {}
    for slot, story in sorted(pinned.items()):
        if first.setdefault(story, slot) != slot:
            one, two = rules.pins[first[story]], rules.pins[slot]
            yield (
                f"slots {first[story]} and {slot} are pinned to {shorten(one)} and {shorten(two)}, "
                "which tell one story: members read it twice"
            )
