"""What is new since the last issue.

Open this file to see what an editor is told to have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core.ids import Roster
from serving.sending.record import SLATES, read_mailed, read_send


@dataclass(frozen=True)
class Change:
    """This issue against the last one.

    campaign: the last one's name, and its wave where it is compared with one alone
    sentences: what changed
    before: article -> how many members it reached then
    gone: titles of articles that reached members then and are in the pool no longer
    """

    campaign: str
    sentences: Sequence[str]
    before: dict[str, int]
    gone: Sequence[str]


def find_changes(
    last: Sequence[Path],
    digest: str,
    articles: Sequence[object],
    slates: Path,
    wave: int | None = None,
) -> Change | None:
    """The changes since the sends in `last`, the parts of one issue; None where there are none.

    digest: of the bundle that chooses now
    articles: ids of the pool's
    slates: the file of what is mailed now
    wave: its number, where only a part of the members is mailed now
    """
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
    now, then = _gather_mailed([slates]), _gather_mailed([folder / SLATES for folder in last])
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
    unchanged = all(part.get("bundle") == digest for part in told)
    sentences.append("The bundle is the same." if unchanged else "Another bundle chooses.")
    exploring = [part["roles"]["explore"] for part in told if isinstance(part["roles"], dict)]
    filled = sum(sum(part["roles"].values()) for part in told if isinstance(part["roles"], dict))
    if filled:
        sentences.append(f"Then {sum(exploring) / filled:.0%} of the slots explored.")
    name, one = str(told[0].get("campaign")), told[0].get("wave")
    if isinstance(one, dict) and len(told) == 1:
        name = f"wave {one.get('number')} of {name}"
    return Change(name, sentences, before, gone)


def _gather_mailed(slates: Sequence[Path]) -> Roster:
    """Who was mailed, whether their ids are numbers or text."""
    pieces = (ids.cast(pa.string()) for path in slates for ids in read_mailed(path))
    return Roster.gather(np.array(piece.to_pylist(), dtype=object) for piece in pieces)
