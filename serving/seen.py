"""Who has seen what, for a send.

Open this file to see what a pair of member and article in the file of what was seen stands for.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core.check import shorten
from bandit.core.columns import Columns, Tabular
from bandit.core.ids import Aliases, Roster, follow, squeeze
from bandit.core.types import Ids, Ints
from bandit.features.features import Features
from serving.tables.rows import Rows


def list_telling(
    articles: Columns, features: Features, earlier: Sequence[Tabular] = ()
) -> dict[Hashable, list[int]]:
    """Article -> the columns of those in the pool whose story it tells, itself among them.

    articles: m rows, the pool
    features: says which articles tell one story
    earlier: pools that were sent before, the latest one last
    """
    columns: dict[Hashable, list[int]] = {}
    own = articles["article"].tolist()
    for column, told in enumerate(features.find_earlier(articles, earlier)):
        for article in (own[column], *told):
            columns.setdefault(article, []).append(column)
    return columns


def find_seen(
    seen: Columns | None, members: Columns, telling: Mapping[Hashable, list[int]]
) -> tuple[Ints, Ints]:
    """Rows (ascending) and columns of the (member, article) cells that were seen.

    seen: pairs of `member` and `article`; those of members who are not in the list, and of articles
        that are neither in the pool nor tell a story of its, say nothing here
    members: n rows
    telling: what `list_telling` gives
    """
    if seen is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    row = _find_places(members["member"].tolist(), seen["member"])
    code = _find_places(telling, seen["article"])
    known = np.flatnonzero((row >= 0) & (code >= 0))
    known = known[np.argsort(row[known], kind="stable")]
    told_by = list(telling.values())
    cells = [told_by[place] for place in code[known].tolist()]
    many = [len(some) for some in cells]
    return np.repeat(row[known], many), np.array(list(chain.from_iterable(cells)), dtype=np.int64)


def refuse_rewritten(path: str | Path, strangers: Iterable[Hashable], members: Rows) -> None:
    """Raise ValueError where ids of a list are no member's, but would be if nothing had been lost.

    Spreadsheets take the zeros off `00817`, and an unsubscribed member would be mailed.

    path: of the list, for the message
    strangers: ids of the list that are no member's
    """
    then = {squeeze(one): one for one in strangers}
    for piece in members.read("member") if then else ():
        for one in piece["member"].to_pylist():
            if (own := then.get(squeeze(one))) is not None:
                raise ValueError(
                    f"{path}: {shorten(own)} is nobody's id, and {shorten(one)} is a member's: has "
                    "a spreadsheet taken the zeros off? Save the column of ids as text "
                    "(--allow-unmatched sends all the same)"
                )


def refuse_strangers(seen: Rows, members: Rows, aliases: Aliases) -> None:
    """Raise ValueError where nobody on the list of what was seen is a member, or ids are rewritten.

    aliases: the present id of each old one
    """
    known = Roster.gather(piece["member"] for piece in members.read_columns("member"))
    given, strangers, some = list[Hashable](), set[Hashable](), False
    for pairs in seen.read("member"):
        listed = Columns.from_arrow(pa.table({"member": pairs["member"].unique()}))
        ids = follow(listed["member"], aliases)
        there = known.find(ids) >= 0
        given, some = given or ids[:1].tolist(), some or bool(there.any())
        strangers.update(ids[~there].tolist())
    refuse_rewritten(seen.path, strangers, members)
    if given and not some:
        raise ValueError(
            f"{seen.path}: none of its members, such as {given[0]!r}, is in the member list "
            "(--allow-unmatched sends all the same)"
        )


def _find_places(known: Iterable[Hashable], ids: Ids) -> Ints:
    """Where each of the ids stands among those that are known; -1 where it does not."""
    place = {one: number for number, one in enumerate(known)}
    return np.array([place.get(one, -1) for one in ids.tolist()], dtype=np.int64)
