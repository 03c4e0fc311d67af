"""What is new since the last issue.

Open this file to see what an editor is told to have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.files import read_table
from serving.sending.record import SLATES, read_send


@dataclass(frozen=True)
class Change:
    """This issue against the last one.

    campaign: the last one's name
    sentences: what changed
    before: article -> how many members it reached then
    gone: titles of articles that reached members then and are in the pool no longer
    """

    campaign: str
    sentences: Sequence[str]
    before: dict[str, int]
    gone: Sequence[str]


def find_changes(
    last: Sequence[Path], digest: str, articles: Sequence[object], slates: Path
) -> Change | None:
    """The changes since the sends in `last`, the parts of one issue; None where there are none.

    digest: of the bundle that chooses now
    articles: ids of the pool's
    slates: the file of what is mailed now
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
    then = pa.concat_tables([read_table(folder / SLATES).select(["member"]) for folder in last])
    now = read_table(slates)["member"].combine_chunks().unique().cast(pa.string())
    known = then["member"].combine_chunks().unique().cast(pa.string())
    joined = len(now) - (pc.sum(pc.is_in(now, value_set=known)).as_py() or 0)
    left = len(known) - (pc.sum(pc.is_in(known, value_set=now)).as_py() or 0)
    sentences.append(
        f"{joined:,} members are mailed who were not, and {left:,} no longer."
        if joined or left
        else f"The same {len(now):,} members are mailed."
    )
    same = all(part.get("bundle") == digest for part in told)
    sentences.append("The bundle is the same." if same else "Another bundle chooses.")
    exploring = [part["roles"]["explore"] for part in told if isinstance(part["roles"], dict)]
    filled = sum(sum(part["roles"].values()) for part in told if isinstance(part["roles"], dict))
    if filled:
        sentences.append(f"Then {sum(exploring) / filled:.0%} of the slots explored.")
    return Change(str(told[0].get("campaign")), sentences, before, gone)
