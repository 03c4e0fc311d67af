"""Reading parquet from other people's systems, with its checksums verified.

Open this file to see what a table must be like to be taken. What is refused is named by file, row
and value; rows are counted from 0, as in every table here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from serving.errors import shorten

TEXT, WHOLE, NUMBER = "text", "whole numbers", "numbers"


def is_text(kind: pa.DataType) -> bool:
    """Whether a column's type is text, of whatever length."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


_TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    TEXT: is_text,
    WHOLE: pa.types.is_integer,
    NUMBER: _is_number,
}


@dataclass(frozen=True)
class Table:
    """Columns of a parquet file.

    path: the file
    columns: what was read of it
    digest: SHA-256 of the bytes that were read
    """

    path: Path
    columns: pa.Table
    digest: str

    @classmethod
    def read(cls, path: str | Path, needed: Sequence[str], all_columns: bool = False) -> Self:
        """The `needed` columns, or all of them.

        Raises ValueError if the file is damaged or empty, or lacks a needed column.
        """
        path = Path(path)
        data = read_bytes(path)  # once: what is hashed is what is parsed
        try:
            file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
            names = file.schema_arrow.names
            for name in needed:
                if name not in names:
                    raise ValueError(f"{path} lacks column {name!r}; it has {names}")
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{path} has two columns {name!r}")
            columns = file.read(columns=None if all_columns else list(dict.fromkeys(needed)))
            columns = pa.table({name: _decode(columns[name]) for name in columns.column_names})
        except (pa.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise ValueError(f"{path} is not a sound parquet file: {why}") from None
        if not columns.num_rows:
            raise ValueError(f"{path} has no rows")
        table = cls(path, columns, sha256(data).hexdigest())
        for name in columns.column_names:
            table._check_utf8(name)
        return table

    def to_frame(self) -> pd.DataFrame:
        """The columns as a pandas table."""
        frame: pd.DataFrame = self.columns.to_pandas(ignore_metadata=True)
        return frame

    def check_type(self, name: str, *kinds: str) -> None:
        """Raise ValueError unless the column is of one of the kinds, or has no values at all."""
        kind = self.columns[name].type
        if not pa.types.is_null(kind) and not any(_TYPES[wanted](kind) for wanted in kinds):
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
            bad = pc.is_inf(column.cast(pa.float64()))
            row = pc.index(bad, True).as_py()
            self._refuse(bad, name, f"= {column[row]}; must be finite" if row >= 0 else "")

    def check_ids(self, name: str, unique: bool) -> None:
        """Raise ValueError unless every id is there, of one type, and (if `unique`) only once."""
        self.check_type(name, WHOLE, TEXT)
        self.check_present(name)
        if not unique:
            return
        again = self.columns[name].to_pandas().duplicated().to_numpy()
        if again.any():
            row = int(again.argmax())
            value = self.columns[name][row].as_py()
            first = pc.index(self.columns[name], self.columns[name][row]).as_py()
            raise ValueError(f"{self.path} row {row}: {name} {value!r} is in row {first} already")

    def check_same_type(self, name: str, other: "Table") -> None:
        """Raise ValueError where this table's ids could match none of the other's."""
        mine, theirs = self.columns[name].type, other.columns[name].type
        if is_text(mine) != is_text(theirs):
            raise ValueError(
                f"{self.path}: column {name!r} has type {mine}; {other.path} has {theirs}"
            )

    def _refuse(self, bad: pa.ChunkedArray, name: str, why: str) -> None:
        """Raise ValueError at the first row that is bad."""
        row = pc.index(bad, True).as_py()
        if row >= 0:
            raise ValueError(f"{self.path} row {row}: {name} {why}")

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
                    raise ValueError(f"{self.path} row {row}: {what} is not valid UTF-8") from None


def read_bytes(path: Path) -> bytes:
    """All that is in a file. Raises ValueError if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder; must be a file") from None


def _decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without the encodings that writers choose: dictionaries, and text in views."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column
