"""Who has seen what, for a send.

Open this file to see what a pair of member and article in the file of what was seen stands for.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from bandit.core.columns import Columns, Tabular
from bandit.core.ids import Aliases, follow
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


def refuse_strangers(seen: Rows, members: Rows, aliases: Aliases) -> None:
    """Raise ValueError where nobody on the list of what was seen is a member.

    aliases: the present id of each old one
    """
    given = None
    for pairs in seen.read_columns("member"):
        ids = follow(pairs["member"], aliases).tolist()
        given = given or ids[:1]
        theirs = set(ids)
        for piece in members.read_columns("member"):
            if not theirs.isdisjoint(piece["member"].tolist()):
                return
    if given:
        raise ValueError(
            f"{seen.path}: none of its members, such as {given[0]!r}, is in the member list "
            "(--allow-unmatched sends all the same)"
        )


def _find_places(known: Iterable[Hashable], ids: Ids) -> Ints:
    """Where each of the ids stands among those that are known; -1 where it does not."""
    place = {one: number for number, one in enumerate(known)}
    return np.array([place.get(one, -1) for one in ids.tolist()], dtype=np.int64)
