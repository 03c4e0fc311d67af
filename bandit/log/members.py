"""Who an archive's issues were sent to, and what was true of each member then.

    members.parquet      everybody who ever got mail, as they were in their first issue
    changes/NNN.parquet  whoever had changed by issue NNN, as they were from then on

Members move, graduate, and get new columns; each issue keeps what was true when it was sent. Where
an issue's attributes are not those of members.parquet, rules.json names them. Open this file to see
how that is written and read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core import check
from bandit.core.columns import to_frame
from bandit.core.files import read_plain, write_table
from bandit.core.ids import check_ids, locate
from bandit.core.types import Bools, Ids, Ints
from bandit.features.attributes import Attributes


class Membership:
    """Notes the members of one issue after the other, and writes what changed.

    folder: of the archive
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions: list[pa.Table] = []
        self._ids: Ids = np.zeros(0, dtype=object)
        self._at: Ints = np.zeros(0, dtype=np.int64)  # each member's latest row in the versions
        self._first: list[pa.Table] = []
        self._columns: dict[int, list[str]] = {}

    @classmethod
    def resume(cls, folder: Path, issues: Sequence[int], columns: dict[int, list[str]]) -> Self:
        """Go on where an archive ended.

        folder, issues, columns: as for `History`, and what it raises
        """
        history, own = History(folder, issues, columns), cls(folder)
        for issue in issues:
            own._at = history.advance(issue)
        versions, first = history.table, read_plain(folder / "members.parquet")
        own._versions, own._ids, own._first = [versions], history.ids, [first]
        own._columns = {issue: columns.get(issue, first.column_names) for issue in issues}
        return own

    def add(self, issue: int, members: pd.DataFrame) -> None:
        """Note the members of an issue; whoever had changed is written at once.

        Raises ValueError where a column holds what goes with no earlier value of it.
        """
        table = _decode(pa.Table.from_pandas(members, preserve_index=False))
        self._columns[issue] = table.column_names
        at = locate(self._ids, members["member"].to_numpy())
        known = np.flatnonzero(at >= 0)
        changed = np.zeros(0, dtype=np.int64)
        if len(known):
            before = _stack(self._versions, f"issue {issue}").take(self._at[at[known]])
            changed = known[_find_changed(before, table.take(known))]
        path = find_changes(self._folder, issue)
        if len(changed):
            some = table.take(changed)
            write_table(path, some)
            self._at[at[changed]] = self._count() + np.arange(len(changed))
            self._versions.append(some)
        else:
            path.unlink(missing_ok=True)
        new = np.flatnonzero(at < 0)
        if len(new):
            some = table if len(new) == len(table) else table.take(new)
            ids = members["member"].to_numpy()[new]
            self._ids = np.append(self._ids, ids) if len(self._ids) else ids
            self._at = np.append(self._at, self._count() + np.arange(len(new)))
            self._versions.append(some)
            self._first.append(some)
        _stack(self._versions, f"issue {issue}")

    def _count(self) -> int:
        return sum(map(len, self._versions))

    def clear(self) -> None:
        """Remove changes that a longer archive has left in the folder."""
        for file in (self._folder / "changes").glob("*.parquet"):
            if file.stem not in {f"{issue:03d}" for issue in self._columns}:
                file.unlink()

    def list_others(self) -> dict[int, list[str]]:
        """The columns of the issues that had others than members.parquet has."""
        names = _stack(self._first, "members").column_names
        return {issue: own for issue, own in self._columns.items() if own != names}

    def finish(self) -> None:
        """Write members.parquet, which makes an archive whole."""
        table = _stack(self._first, "members").combine_chunks()
        write_table(self._folder / "members.parquet", table)


class History:
    """Everybody who ever got mail, and what was true of them in each issue.

    folder: of the archive
    issues: their numbers, in order
    columns: issue -> its attributes, where they are not those of members.parquet

    `table` holds everything that was ever true of anybody, `ids` everybody.

    Raises ValueError naming file, row and value where a file is damaged.
    """

    def __init__(self, folder: Path, issues: Sequence[int], columns: dict[int, list[str]]) -> None:
        first = _read(folder / "members.parquet")
        self._names = first.column_names
        self.ids: Ids = first["member"].to_numpy()
        tables, self._changes = [first], dict[int, tuple[Ints, Ints]]()
        for issue in issues:
            path = find_changes(folder, issue)
            if path.is_file():
                table, count = _read(path), sum(map(len, tables))
                at = locate(self.ids, table["member"].to_numpy())
                if (at < 0).any():
                    row = int((at < 0).argmax())
                    raise ValueError(
                        f"{path} row {row}: member {check.shorten(table['member'][row].as_py())} "
                        "is not in members.parquet"
                    )
                self._changes[issue] = at, count + np.arange(len(table))
                tables.append(table)
        self.table = _stack(tables, f"{folder / 'changes'}")
        self._columns = columns
        for issue, names in columns.items():
            absent = [name for name in names if name not in self.table.column_names]
            if absent:
                raise ValueError(
                    f"{folder / 'rules.json'}: issue {issue} names attribute {absent[0]!r}, "
                    "which no member has"
                )
        self._at: Ints = np.arange(len(first))

    def advance(self, issue: int) -> Ints:
        """Each member's row among all `versions` when this issue was sent, [n].

        Issues are asked for in order.
        """
        if issue in self._changes:
            members, rows = self._changes[issue]
            self._at[members] = rows
        return self._at

    def list_versions(self) -> pd.DataFrame:
        """Everything that was ever true of anybody."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def take(self, issue: int, rows: Ints) -> pd.DataFrame:
        """These `versions` with the attributes that the issue had."""
        names = self._columns.get(issue, self._names)
        frame: pd.DataFrame = self.table.select(names).take(rows).to_pandas()
        return frame

    def take_last(self) -> pd.DataFrame:
        """Everybody as they were last, with every attribute that there ever was."""
        return self.list_versions().iloc[self._at].reset_index(drop=True)


def find_changes(folder: Path, issue: int) -> Path:
    """The file of those who had changed by an issue."""
    return folder / "changes" / f"{issue:03d}.parquet"


def add_unknown(members: pd.DataFrame, attributes: Attributes) -> pd.DataFrame:
    """The members with the attributes that they lack, of which nothing is known."""
    absent = [name for name in attributes.columns if name not in members]
    unknown = {name: np.nan if name in attributes.numeric else None for name in absent}
    return members.assign(**unknown) if unknown else members


def _read(path: Path) -> pa.Table:
    """A file of members. Raises ValueError for ids that are floats, missing or there twice."""
    table = read_plain(path)
    try:
        to_frame(table.slice(0, 0))
        if "member" not in table.column_names:
            raise ValueError(f"members lacks column 'member'; it has {table.column_names}")
        ids = table["member"].to_numpy()
        check.unique("members", ids)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    check_ids(path, table, "member")  # floats have other keys than the whole numbers
    return table


def _stack(tables: Sequence[pa.Table], where: str) -> pa.Table:
    """The rows of all tables; null where one lacks a column."""
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise ValueError(
            f"{where}: an attribute was numbers in one issue and text in another: "
            f"{str(error).splitlines()[0]}"
        ) from None
    same = all(each.schema.equals(tables[0].schema) for each in tables)
    return table if same else table.replace_schema_metadata(None)


def _find_changed(before: pa.Table, now: pa.Table) -> Bools:
    """Which of the same members [n] have another value in any column; a missing one is a value."""
    changed: Bools = np.zeros(len(now), dtype=bool)
    for name in dict.fromkeys((*before.column_names, *now.column_names)):
        old, new = (
            table[name] if name in table.column_names else pa.nulls(len(now), pa.null())
            for table in (before, now)
        )
        gone, absent = (_to_numpy(pc.is_null(each, nan_is_null=True)) for each in (old, new))
        changed |= gone != absent
        both = ~gone & ~absent
        if both.any():
            if old.type != new.type:
                numbers = _is_number(old.type) and _is_number(new.type)
                kind = pa.float64() if numbers else pa.large_string()
                old, new = old.cast(kind), new.cast(kind)
            changed |= both & _to_numpy(pc.fill_null(pc.not_equal(old, new), False))
    return changed


def _decode(table: pa.Table) -> pa.Table:
    """The table without dictionaries: two issues may have two of them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table[field.name].cast(field.type.value_type)
            table = table.set_column(place, field.name, column)
    return table


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _to_numpy(column: pa.Array | pa.ChunkedArray) -> Bools:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)
