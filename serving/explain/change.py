"""One thing that is changed, and what would be shown then.

Open this file for what a reason says to a program.
"""

from dataclasses import dataclass
from typing import Any

Click = tuple[int, object]  # the number, and the article
ALL = "everything"  # the name of all clicks together
CLICKS, ATTRIBUTE, PIN, SEEN, ARTICLE = "clicks", "attribute", "pin", "seen", "article"


@dataclass(frozen=True)
class Change:
    """One thing that is changed.

    kind: "clicks": without these; "attribute": another value; "pin": without that of a slot;
        "seen": as if nothing had been seen; "article": without it in the pool
    name: the topic of the clicks, the attribute, or ""
    value: the other value of the attribute; None is unknown
    slot: whose pin is taken away, from 1; 0: none
    article: that is taken away
    clicks: that are taken away
    """

    kind: str
    name: str = ""
    value: Any = None
    slot: int = 0
    article: Any = None
    clicks: tuple[Click, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What would be shown: the ids of the articles from the top; None where a slot is empty."""

    change: Change
    shown: list[object]
