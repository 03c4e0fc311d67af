"""What is new since the last issue.

Open this file to see what an editor is told to have changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.columns import Columns, Ids
from bandit.core.ids import Roster
from serving.sending.record import SLATES, read_mailed, read_send

if TYPE_CHECKING:
    from serving.sending.issue import Issue

MANY = 0.2  # of the members who were mailed: so many do not leave between two issues


@dataclass(frozen=True)
class Change:
    """This issue against the last one.

    campaign: the last one's name, and its wave where it is compared with one alone
    sentences: what changed
    before: article -> how many members it reached then
    gone: titles of articles that reached members then and are in the pool no longer
    alarms: sentences for an editor who may have taken the wrong file: nothing in the pool is new,
        or many members of then are mailed no more
    """

    campaign: str
    sentences: Sequence[str]
    before: dict[str, int]
    gone: Sequence[str]
    alarms: Sequence[str] = ()


def find_changes(issue: "Issue", articles: Sequence[object], slates: Path) -> Change | None:
    """The changes since the last issue that was sent; None where none is named.

    articles: ids of the pool's
    slates: the file of what is mailed now
    """
    last, wave = issue.past.last, issue.part.number
    if not last:
        return None
    told = [read_send(folder) for folder in last]
    before: dict[str, int] = {}
    titles: dict[str, str] = {}
    for part in told:
        reach = part.get("reach")
        for article, facts in reach.items() if isinstance(reach, dict) else ():
            before[article] = before.get(article, 0) + int(facts["members"])
            titles[article] = str(facts["title"])
    own = set(map(str, articles))
    gone = [titles[article] for article, n in before.items() if n and article not in own]
    new = len(own - set(before))
    sentences = [
        f"{new} of {len(own)} articles are new, {len(own) - new} were in the last pool as well."
        if new
        else "No article is new."
    ]
    now, then = _gather_mailed(slates, *(folder / SLATES for folder in last))
    same = len(np.intersect1d(now.keys, then.keys, assume_unique=True))
    joined, left = len(now) - same, len(then) - same
    if wave:
        sentences.append(
            f"Of the {len(now):,} members in wave {wave}, {joined:,} were not mailed then."
        )
    elif joined or left:
        sentences.append(f"{joined:,} members are mailed who were not, and {left:,} no longer.")
    else:
        sentences.append(f"The same {len(now):,} members are mailed.")
    unchanged = all(part.get("bundle") == issue.bundle.digest for part in told)
    sentences.append("The bundle is the same." if unchanged else "Another bundle chooses.")
    exploring = [part["roles"]["explore"] for part in told if isinstance(part["roles"], dict)]
    filled = sum(sum(part["roles"].values()) for part in told if isinstance(part["roles"], dict))
    if filled:
        sentences.append(f"Then {sum(exploring) / filled:.0%} of the slots explored.")
    name, one = str(told[0].get("campaign")), told[0].get("wave")
    if isinstance(one, dict) and len(told) == 1:
        name = f"wave {one.get('number')} of {name}"
    alarms = []
    if not new:
        alarms.append(f"no article is new since {name}: is this the pool that was sent then?")
    if not wave and left > MANY * len(then):
        alarms.append(
            f"{left:,} of {len(then):,} members who were mailed in {name} are mailed no longer: is "
            "the member list whole?"
        )
    return Change(name, sentences, before, gone, alarms)


def _gather_mailed(now: Path, *then: Path) -> tuple[Roster, Roster]:
    """Who is mailed by some slates now, and who was by others; numbers as text if others are."""
    whole = {
        pa.types.is_integer(pq.read_schema(path).field("member").type) for path in (now, *then)
    }

    def read(path: Path) -> Iterator[Ids]:
        for ids in read_mailed(path):
            own = ids if len(whole) == 1 else ids.cast(pa.string())
            yield Columns.from_arrow(pa.table({"member": own}))["member"]

    return Roster.gather(read(now)), Roster.gather(chain.from_iterable(map(read, then)))
