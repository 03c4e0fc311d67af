"""CSV and XLSX files, a piece after another: every cell is text.

A CSV file is UTF-8, with or without the mark that Excel puts in front, and separated by commas,
semicolons or tabs, whichever its first line has most of. Open this file to see what is refused as
no table.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bandit.core.check import shorten
from serving.tables.text import (
    HEAD,
    ends_quoted,
    find_encoding,
    find_rows,
    find_separator,
    find_start,
    read_head,
)

BLOCK = 1 << 23  # bytes of a CSV file that are read at a time; no row may be longer
_TITLE = "; if the first line is a title, delete it: the names of the columns come first"


def open_sheet(path: Path, file: BinaryIO, encoding: str) -> tuple[list[str], Iterator[pa.Table]]:
    """The names of the columns, and the rows in pieces; columns without name and cells are left.

    file: opened at its beginning
    encoding: of a CSV file that is not UTF-8

    Raises ValueError naming file and row where it is no table: here, or as the rows are read.
    """
    if path.suffix.lower() == ".xlsx":
        names, pieces = _open_xlsx(path, file)
    else:
        names, pieces = _open_csv(path, file, encoding)
    sheets = _name_columns(path, names, _drop_end(pieces))
    first = next(sheets)  # a title above the names is told before a column is looked for
    return first.column_names, chain([first], sheets)


def _name_columns(
    path: Path, names: Sequence[str], pieces: Iterable[pa.Table]
) -> Iterator[pa.Table]:
    """The pieces with the columns that have a name."""
    named = [place for place, name in enumerate(names) if name.strip()]
    kept = [names[place] for place in named]
    for name in kept:
        if kept.count(name) > 1:
            raise ValueError(f"{path} has two columns {name!r}")
    for piece in pieces:
        for place in set(range(len(names))) - set(named):
            if pc.any(_is_filled(piece.column(place))).as_py():
                raise ValueError(
                    f"{path}: column {place + 1} has no name in the first line"
                    + (_TITLE if len(named) == 1 else "")
                )
        yield piece.select(named).rename_columns(kept)


def _drop_end(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The pieces without the rows of nothing in which sheets end; at least one piece.

    Such rows are held back until there is one with something in it.
    """
    held: list[pa.Table] = []
    some = False
    for piece in pieces:
        held.append(piece)
        filled = np.any([_is_filled(column).to_numpy() for column in piece.columns], axis=0)
        if len(rows := np.flatnonzero(filled)):
            end = int(rows[-1]) + 1
            yield pa.concat_tables([*held[:-1], piece.slice(0, end)])
            held, some = [piece.slice(end)], True
    if not some:
        yield held[0].slice(0, 0)


def _is_filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.not_equal(pc.utf8_trim_whitespace(column), "")


@dataclass(frozen=True)
class _Text:
    """A CSV file whose names are read.

    file: opened; start: the byte at which its text begins
    encoding, separator: of the text
    width: how many columns there are; above: lines that their names take
    """

    path: Path
    file: BinaryIO
    start: int
    encoding: str
    separator: str
    width: int
    above: int


def _open_csv(
    path: Path, file: BinaryIO, encoding: str
) -> tuple[Sequence[str], Iterator[pa.Table]]:
    """The names in the first line, and the rows below it in pieces."""
    start = find_start(path, file)
    encoding = find_encoding(path, file, start, encoding)
    head = read_head(file, start, encoding)
    if not head:
        raise ValueError(f"{path} is empty")
    separator = find_separator(head)
    rows = csv.reader(StringIO(head, newline=""), delimiter=separator)
    names = next(rows)
    text = _Text(path, file, start, encoding, separator, len(names), rows.line_num)
    return names, _read_rows(text, bare=next(rows, None) is None)


class _Blocks:
    """A file whose blocks do not end between `\\r` and `\\n`, of which arrow would drop the second.

    file: opened where its text begins
    """

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """The next block, of this many bytes or one less."""
        block = self._file.read(size)
        if len(block) > 1 and block.endswith(b"\r"):
            self._file.seek(-1, os.SEEK_CUR)
            return block[:-1]
        return block


def _read_rows(text: _Text, bare: bool) -> Iterator[pa.Table]:
    """The rows below the names in pieces, their columns named by their places.

    bare: whether there is nothing below the names

    Raises ValueError naming the first row that has other cells than there are names.
    """
    keys = [str(place) for place in range(text.width)]  # names may be empty, or come twice
    odd: list[pa.csv.InvalidRow] = []

    def note(row: pa.csv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    text.file.seek(text.start)
    last = ""
    try:
        reader = pa.csv.open_csv(
            pa.PythonFile(_Blocks(text.file), mode="r"),
            pa.csv.ReadOptions(
                use_threads=False,
                block_size=BLOCK,
                column_names=keys,
                skip_rows=text.above,
                encoding=text.encoding,
            ),
            pa.csv.ParseOptions(
                delimiter=text.separator, newlines_in_values=True, invalid_row_handler=note
            ),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(keys, pa.string())),
        )
        yield reader.schema.empty_table()
        for batch in reader:
            _refuse_uneven(text, odd)
            yield pa.Table.from_batches([batch])
            last = "".join(column[-1].as_py() for column in batch.columns) if len(batch) else last
    except pa.ArrowException as error:
        if bare:
            raise ValueError(f"{text.path} has no rows") from None
        _refuse_open_quote(text)
        why = str(error).splitlines()[0]
        raise ValueError(f"{text.path} is not a sound CSV file: {why}") from None
    _refuse_uneven(text, odd)
    if "\n" in last or "\r" in last or len(last) > HEAD // 9 or ends_quoted(text.file):
        _refuse_open_quote(text)  # a cell of several lines, or one whose end is missing


def _refuse_uneven(text: _Text, odd: Sequence[pa.csv.InvalidRow]) -> None:
    """Raise ValueError for the first row that has more cells than the first line, or fewer."""
    if not odd:
        return
    row, cells = odd[0].number - 1 - text.above, odd[0].actual_columns
    title = _TITLE if row <= 1 and cells > text.width else ""
    raise ValueError(
        f"{text.path} row {row} has {cells} cells: {shorten(odd[0].text)}; the first line has "
        f"{text.width} columns{title}"
    )


def _refuse_open_quote(text: _Text) -> None:
    """Raise ValueError where a quote is never closed, or a row is longer than a block."""
    rows = find_rows(text.file, text.start, text.separator)
    for row, (begin, end) in enumerate(rows, start=-1):  # the names are no row
        if end < 0:
            raise ValueError(f"{text.path} row {row}: a quote is opened and never closed")
        if end - begin > BLOCK:
            raise ValueError(
                f"{text.path} row {row} has {end - begin:,} bytes, more than the {BLOCK:,} that a "
                "row may have; is a quote missing?"
            )


def _open_xlsx(path: Path, file: BinaryIO) -> tuple[Sequence[str], Iterator[pa.Table]]:
    """The names in the first row of the only sheet that holds anything, and the rows below it.

    A sheet has at most 1,048,576 rows, and is read whole.
    """
    try:
        import openpyxl  # noqa: F401  # only whoever reads XLSX needs the two
        import pandas as pd
    except ImportError:
        raise ValueError(
            f"{path}: XLSX is read by pandas and openpyxl, which are not installed: "
            "pip install letterbandit[xlsx], or save the sheet as CSV UTF-8"
        ) from None
    try:
        sheets = pd.read_excel(file, sheet_name=None, header=None, dtype=str, na_filter=False)
    except Exception as error:  # a zip of anything: the libraries raise what they meet
        raise ValueError(f"{path} is not a sound XLSX file: {error}") from None
    filled = {name: sheet for name, sheet in sheets.items() if len(sheet)}
    if len(filled) != 1:
        raise ValueError(f"{path} has {len(filled)} sheets that are filled; must be one")
    (sheet,) = filled.values()
    sheet = sheet.fillna("")
    names = [str(name) for name in sheet.iloc[0]]
    cells = [sheet[at].iloc[1:].astype(str) for at in sheet.columns]
    columns = {str(at): pa.array(column, pa.string()) for at, column in enumerate(cells)}
    return names, iter([pa.table(columns)])
