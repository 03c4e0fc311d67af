"""The list of who has seen what, brought up to date by a log.

A pair is a member and an article of an issue that the member opened. The list is what
`serving.send --seen` reads. Open this file to see how it follows the log and members' ids.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.files import read_plain
from bandit.core.ids import Aliases, follow
from bandit.log.issues import Issue, find_file
from serving.tables.kinds import is_text
from serving.tables.table import Table

PAIR = ("member", "article")


def extend_seen(
    path: str | Path | None,
    log: str | Path,
    learned: Sequence[Issue],
    new: Sequence[Issue],
    aliases: Aliases,
) -> pa.Table | None:
    """The pairs of a file and of new issues, each once and in order, under present ids.

    path: of the file; where there is none, the pairs are those of all issues. None: no list is kept
    log: folder of the log
    learned, new: all its issues, and those that the file cannot know

    Raises ValueError where the file is no list of pairs, or has ids of another kind than the log.
    """
    if path is None:
        return None
    if Path(path).suffix.lower() != ".parquet":
        raise ValueError(
            f"--seen {path}: its name must end in .parquet, which keeps ids as they are"
        )
    tables = []
    there = Path(path).exists()
    if there:
        kept = Table.read(path, PAIR, may_be_empty=True)
        for name in PAIR:
            kept.check_ids(name, unique=False)
        tables.append(kept.columns)
    tables += [_list_seen(Path(log), each) for each in (new if there else learned)]
    # an empty list may have ids of any type
    tables = [table for table in tables if len(table)] or tables[-1:]
    for name in PAIR:
        if len({is_text(table[name].type) for table in tables}) > 1:
            raise ValueError(f"--seen {path}: ids of {name} are of another kind than in {log}")
    pairs = pa.concat_tables(tables, promote_options="permissive").select(PAIR)
    if aliases and len(pairs):
        present = follow(pairs["member"].to_numpy(), aliases)
        pairs = pairs.set_column(0, "member", pa.array(present.tolist()))
    pairs = pa.table({name: _spell(pairs[name]) for name in PAIR})
    pairs = pairs.group_by(list(PAIR), use_threads=False).aggregate([])
    return pairs.sort_by([(name, "ascending") for name in PAIR])


def _list_seen(log: Path, issue: Issue) -> pa.Table:
    """The pairs of one issue."""
    table = read_plain(find_file(log, "log", issue.issue))
    shown = pc.and_(table["opened"], pc.is_valid(table["article"]))
    pairs = table.select(PAIR).filter(shown)
    return pa.table({name: _decode(pairs[name]) for name in PAIR})


def _decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def _spell(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same ids in the one type that texts, or whole numbers, have in a list."""
    return column.cast(pa.large_string() if is_text(column.type) else pa.int64())
