"""Reading tables from other people's systems: parquet, with its checksums verified, CSV and XLSX.

Open this file to see what a table must be like to be taken. What is refused is named by file, row
and value. Rows are counted from 0 in every table and every message; in CSV and XLSX the line of
names is not counted, so row 0 is the second line of a sheet, and row 17 the nineteenth.

Columns are found by their plain names (`serving.checks.names`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.check import shorten
from bandit.core.columns import Columns
from bandit.core.ids import Aliases
from bandit.features.attributes import fold
from serving.checks.marks import ENDS, WITHIN, escape_odd, name_odd
from serving.checks.names import IDS, find_columns, find_heading
from serving.tables.distinct import refuse_twice
from serving.tables.formats import find_missing, parse_numbers
from serving.tables.kinds import TEXT, TYPES, WHOLE, decode, is_text, refuse_nested
from serving.tables.opening import Opened, is_worded, open_table

if TYPE_CHECKING:
    from serving.tables.rows import Rows


ABOVE = 9  # rows of a sheet in which the names of columns are looked for, below a title


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    path: the file
    columns: what was read of it
    digest: SHA-256 of the bytes that were read
    names: of all columns in the file
    first: the row of the file that comes first, where this is a piece of it
    """

    path: Path
    columns: pa.Table
    digest: str
    names: tuple[str, ...] = ()
    first: int = 0

    @classmethod
    def read(
        cls,
        path: str | Path,
        needed: Sequence[str],
        all_columns: bool = False,
        encoding: str = "utf-8",
        may_be_empty: bool = False,
        asked: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:
        """The `needed` columns under these names, or all of them.

        encoding: of a CSV file that is not UTF-8
        may_be_empty: a table without rows will do
        asked: what asks for a column, where it is not the bundle or the command

        Raises ValueError if the file is damaged or empty, or lacks a needed column.
        """
        return cls.join(cls.read_pieces(path, needed, all_columns, encoding, may_be_empty, asked))

    @classmethod
    def join(cls, pieces: Iterable[Self]) -> Self:
        """The table of all its pieces, of which there is at least one."""
        first, *others = pieces
        columns = [piece.columns for piece in (first, *others)]
        return replace(first, columns=pa.concat_tables(columns))

    @classmethod
    def read_pieces(
        cls,
        path: str | Path,
        needed: Sequence[str],
        all_columns: bool = False,
        encoding: str = "utf-8",
        may_be_empty: bool = False,
        asked: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[Self]:
        """The same, some rows after the others; at least one piece, though it has no rows.

        Raises ValueError as `read` does; where the file is damaged, when that piece is reached.
        """
        path, first = Path(path), 0
        try:
            with open_table(path, encoding) as file:
                for name in file.names:
                    if file.names.count(name) > 1:
                        raise ValueError(f"{path} has two columns {name!r}")
                try:
                    found = find_columns(path, file.names, needed, asked)
                except ValueError as error:
                    raise ValueError(f"{error}{_tell_title(file, needed)}") from None
                rest = [name for name in file.names if all_columns and name not in found.values()]
                wanted = found | dict(zip(rest, rest, strict=True))
                if file.schema is not None:
                    refuse_nested(path, file.schema, wanted.values())
                for piece in file.read(list(dict.fromkeys(wanted.values()))):
                    columns = {name: decode(piece[own]) for name, own in wanted.items()}
                    yield cls._begin(path, pa.table(columns), file, first)
                    first += len(piece)
        except (pa.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise ValueError(f"{path} is not a sound parquet file: {why}") from None
        if not first and not may_be_empty:
            raise ValueError(f"{path} has no rows")

    @classmethod
    def _begin(cls, path: Path, columns: pa.Table, file: Opened, first: int) -> Self:
        """What was read of a file, its texts checked and its ids trimmed."""
        table = cls(path, columns, file.digest, tuple(file.names), first)
        for name in columns.column_names:
            table._check_utf8(name)
        return table.trim([name for name in IDS if name in table.columns.column_names])

    def trim(self, names: Sequence[str]) -> Self:
        """The same without spaces around texts, and marks that nobody sees."""
        table = self
        for name in names:
            if is_text(column := self.columns[name].type):
                trimmed = pc.replace_substring_regex(self.columns[name], ENDS, "")
                table = table._set(name, trimmed.cast(column))
        return table

    def _set(self, name: str, column: pa.ChunkedArray) -> Self:
        place = self.columns.column_names.index(name)
        return replace(self, columns=self.columns.set_column(place, name, column))

    def rename(self, change: Callable[[str], str]) -> Self:
        """The same with other column names. Raises ValueError where two would have one name."""
        names = self.columns.column_names
        changed = [change(name) for name in names]
        for place, name in enumerate(changed):
            if name in changed[:place]:
                two = [names[changed.index(name)], names[place]]
                raise ValueError(f"{self.path} has several columns for {name!r}: {two}")
        return replace(self, columns=self.columns.rename_columns(changed))

    def spell(self, name: str, known: Sequence[str]) -> Self:
        """The same, with values of a column of text spelt as they are `known`, where they are."""
        spelt = {fold(value): value for value in known}
        given = self.columns[name].to_pylist()
        words = [value and spelt.get(fold(value), value) for value in given]
        return self._set(name, pa.chunked_array([pa.array(words, self.columns[name].type)]))

    def follow(self, aliases: Aliases) -> Self:
        """The same with members' present ids in the place of old ones, as text."""
        if not aliases:
            return self
        present = {str(old): str(new) for old, new in aliases.items()}
        given = [str(each) for each in self.columns["member"].to_pylist()]
        now = pa.array([present.get(each, each) for each in given], pa.string())
        return self._set("member", pa.chunked_array([now]))

    def read_numbers(self, name: str) -> Self:
        """The same with this column as numbers, where the format has text alone.

        Raises ValueError at the first text that is neither a number nor stands for a missing one.
        """
        column = self.columns[name]
        if pa.types.is_null(column.type):  # nobody has one, and nothing says of which type
            return self._set(name, column.cast(pa.float64()))
        if not is_worded(self.path) or not is_text(column.type):
            return self
        values, neither = parse_numbers(column)
        row = pc.index(neither, True).as_py()
        text = shorten(column[row].as_py()) if row >= 0 else ""
        self._refuse(neither, name, f"= {text}; must be a number")
        return self._set(name, values)

    def to_columns(self) -> Columns:
        """The columns as the table that policies read."""
        return Columns.from_arrow(self.columns)

    def check_type(self, name: str, *kinds: str) -> None:
        """Raise ValueError unless the column is of one of the kinds, or has no values at all."""
        kind = self.columns[name].type
        if not pa.types.is_null(kind) and not any(TYPES[wanted](kind) for wanted in kinds):
            raise ValueError(
                f"{self.path}: column {name!r} has type {kind}; must be {' or '.join(kinds)}"
            )

    def check_present(self, name: str, empty: bool = False) -> None:
        """Raise ValueError at the first null.

        Text of nothing but spaces is refused too, unless it may be `empty`.
        """
        column = self.columns[name]
        self._refuse(pc.is_null(column), name, "is missing")
        if is_text(column.type) and not empty:
            self._refuse(pc.equal(pc.utf8_trim_whitespace(column), ""), name, "is empty")

    def check_finite(self, name: str) -> None:
        """Raise ValueError at the first infinite number. One that is missing counts as unknown."""
        column = self.columns[name]
        if pa.types.is_floating(column.type):
            bad = pc.is_inf(column.cast(pa.float64(), safe=False))
            row = pc.index(bad, True).as_py()
            self._refuse(bad, name, f"= {column[row]}; must be finite" if row >= 0 else "")

    def check_between(self, name: str, least: float, most: float) -> None:
        """Raise ValueError at the first number outside [least, most]. It may be missing."""
        column = self.columns[name].cast(pa.float64(), safe=False)
        inside = pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most))
        bad = pc.fill_null(pc.invert(inside), False)
        row = pc.index(bad, True).as_py()
        what = f"= {column[row]}; must be in [{least:g}, {most:g}]" if row >= 0 else ""
        self._refuse(bad, name, what)

    def check_whole(self, name: str) -> None:
        """Raise ValueError at the first number that is not whole. It may be missing."""
        column = self.columns[name].cast(pa.float64(), safe=False)
        bad = pc.fill_null(pc.not_equal(column, pc.floor(column)), False)
        row = pc.index(bad, True).as_py()
        self._refuse(bad, name, f"= {column[row]}; must be a whole number" if row >= 0 else "")

    def check_ids(self, name: str, unique: bool) -> None:
        """Raise ValueError unless every id is there, of one type, and (if `unique`) only once."""
        self.check_type(name, WHOLE, TEXT)
        self.check_present(name)
        self._check_said(name)
        self._check_seen(name)
        if not unique:
            return
        refuse_twice(self.path, name, lambda: [self.columns])

    def _check_said(self, name: str) -> None:
        """Raise ValueError at the first id that stands for a missing one, such as `NULL`."""
        column = self.columns[name]
        if is_text(column.type):
            nothing = find_missing(column)
            row = pc.index(nothing, True).as_py()
            text = shorten(column[row].as_py()) if row >= 0 else ""
            self._refuse(nothing, name, f"{text} is no id: it stands for a missing one")

    def _check_seen(self, name: str) -> None:
        """Raise ValueError at the first id with a mark in it that nobody sees."""
        column = self.columns[name]
        if not is_text(column.type):
            return
        odd = pc.match_substring_regex(column, WITHIN)
        row = pc.index(odd, True).as_py()
        text = column[row].as_py() if row >= 0 else ""
        self._refuse(odd, name, f"'{escape_odd(text)}' holds {name_odd(text)}, which nobody sees")

    @property
    def schema(self) -> pa.Schema:
        """The columns' types."""
        return self.columns.schema

    def check_same_type(self, name: str, other: "Table | Rows") -> None:
        """Raise ValueError where this table's ids could match none of the other's."""
        mine, theirs = self.schema.field(name).type, other.schema.field(name).type
        if is_text(mine) != is_text(theirs):
            raise ValueError(
                f"{self.path}: column {name!r} has type {mine}; {other.path} has {theirs}"
            )

    def _refuse(self, bad: pa.ChunkedArray, name: str, why: str) -> None:
        """Raise ValueError at the first row that is bad."""
        row = pc.index(bad, True).as_py()
        if row >= 0:
            raise ValueError(f"{self.path} row {self.first + row}: {name} {why}")

    def _check_utf8(self, name: str) -> None:
        """Raise ValueError at the first text that is no text: parquet does not check it."""
        column = self.columns[name]
        if not is_text(column.type):
            return
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            for row, value in enumerate(column.cast(pa.large_binary()).to_pylist()):
                try:
                    (value or b"").decode()
                except UnicodeDecodeError:
                    what = f"{name} = {shorten(value)}"
                    where = f"{self.path} row {self.first + row}"
                    raise ValueError(f"{where}: {what} is not valid UTF-8") from None


def _tell_title(file: Opened, needed: Sequence[str]) -> str:
    """What is said where the names of the columns stand below the first line."""
    if file.schema is not None:
        return ""
    first = next(iter(file.read(file.names))).slice(0, ABOVE)
    row = find_heading((list(cells.values()) for cells in first.to_pylist()), needed)
    return "" if row is None else f"; row {row} holds the names: delete what stands above it"
