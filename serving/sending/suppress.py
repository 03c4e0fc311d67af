"""Lists of members who must not be mailed: read at the last moment, before anything is written.

Open this file to see what a list of unsubscribed or suppressed members must be like.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.ids import Aliases
from serving.tables.rows import Rows
from serving.tables.table import Table


def read_suppressed(
    paths: Sequence[str | Path], encoding: str = "utf-8", aliases: Aliases | None = None
) -> dict[str, Table]:
    """Each list by its path: a table with a column `member`, which may have no rows.

    aliases: the present id of each old one: whoever unsubscribed under an old id has unsubscribed
    """
    found = {}
    for path in paths:
        if Path(path).is_fifo():  # it would be empty the second time, and everybody mailed
            raise ValueError(f"{path} is a pipe; the list is read several times: give a file")
        table = Table.read(path, ["member"], encoding=encoding, may_be_empty=True)
        if table.columns.num_rows:
            table.check_ids("member", unique=False)
            table = table.follow(aliases or {})
        found[str(path)] = table
    return found


def digest_suppressed(lists: dict[str, Table]) -> str | None:
    """SHA-256 of the lists, as send.json names them."""
    return " ".join(table.digest for table in lists.values()) or None


def find_strangers(lists: dict[str, Table], members: Rows) -> dict[str, list[str]]:
    """The ids of each list that are no member's: ids may be misspelt, or of another system.

    members: the whole member list
    """
    left = {path: _as_text(table) for path, table in lists.items()}
    for piece in members.read("member") if left else ():
        known = piece["member"].cast(pa.string()).combine_chunks()
        for path, ids in left.items():
            left[path] = ids.filter(pc.invert(pc.is_in(ids, value_set=known)))
    return {path: ids.to_pylist() for path, ids in left.items()}


def drop_suppressed(tables: Iterable[pa.Table], lists: dict[str, Table]) -> Iterable[pa.Table]:
    """The tables without the rows of suppressed members. Ids are compared as text."""
    if not lists:
        return tables
    gone = pa.concat_arrays([_as_text(table) for table in lists.values()])
    return (
        table.filter(pc.invert(pc.is_in(table["member"].cast(pa.string()), value_set=gone)))
        for table in tables
    )


def _as_text(table: Table) -> pa.Array:
    return table.columns["member"].cast(pa.string()).combine_chunks()
