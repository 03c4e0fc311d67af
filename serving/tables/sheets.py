"""CSV and XLSX files, a piece after another: every cell is text.

A CSV file is UTF-8, with or without the mark that Excel puts in front, and separated by commas,
semicolons or tabs, whichever its first line has most of. Open this file to see what is refused as
no table.
"""

import codecs
import csv
import os
import re
import sys
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

SEPARATORS = (",", ";", "\t")
HEAD = 1 << 16  # bytes in which the first line must end
BLOCK = 1 << 23  # bytes of a CSV file that are read at a time; no row may be longer
_BEGINS = {b"PAR1": "a parquet file", b"PK\x03\x04": "an XLSX file"}
_TITLE = "; if the first line is a title, delete it: the names of the columns come first"
_SEPARATOR_LINE = re.compile(
    rb'\A"?sep=.?"?\r?\n', re.IGNORECASE
)  # a note for Excel, above the names


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
    start = _find_start(path, file)
    encoding = _find_encoding(path, file, start, encoding)
    file.seek(start)
    head = file.read(HEAD).decode(encoding, errors="ignore")
    blank = len(head) - len(head.lstrip("\r\n"))
    start, head = start + blank, head[blank:]
    bare = re.sub(r'"[^"]*"', "", head).splitlines()[:1]
    if not bare:
        raise ValueError(f"{path} is empty")
    separator = max(SEPARATORS, key=bare[0].count)
    rows = csv.reader(StringIO(head, newline=""), delimiter=separator)
    names = next(rows)
    text = _Text(path, file, start, encoding, separator, len(names), rows.line_num)
    return names, _read_rows(text, bare=next(rows, None) is None)


def _find_start(path: Path, file: BinaryIO) -> int:
    """The byte at which the text begins, behind marks. Raises ValueError for other formats."""
    file.seek(0)
    data = file.read(HEAD)
    for begins, what in _BEGINS.items():
        if data.startswith(begins):
            raise ValueError(f"{path} is {what} by its first bytes; its name must end so too")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path} is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")
    return len(data) - len(_SEPARATOR_LINE.sub(b"", data.removeprefix(codecs.BOM_UTF8)))


def _find_encoding(path: Path, file: BinaryIO, start: int, encoding: str) -> str:
    """UTF-8 where all of the text is valid in it, else the encoding that was told.

    Raises ValueError naming the first row that is no text.
    """
    odd = 0
    for known in dict.fromkeys(("utf-8", encoding)):
        at = _find_odd_byte(file, start, known)
        if at is None:
            return known
        odd = at
    hint = "; if it is an older Windows file, say --encoding cp1252" if encoding == "utf-8" else ""
    file.seek(odd)
    found = file.read(1)
    row = sum(1 for _ in csv.reader(_read_lines(file, start, odd + 1))) - 2
    where = f"row {row}" if row >= 0 else "first line"
    raise ValueError(f"{path} {where}: byte {found!r} is not valid {encoding.upper()}{hint}")


def _find_odd_byte(file: BinaryIO, start: int, encoding: str) -> int | None:
    """The place of the first byte that is no text; None where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at = file.seek(start)
    while True:
        block = file.read(BLOCK)
        begun = len(decoder.getstate()[0])  # bytes of a letter that the last block broke off in
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return at - begun + error.start
        if not block:
            return None
        at += len(block)


def _read_lines(file: BinaryIO, start: int, end: int) -> Iterator[str]:
    """The lines between two bytes, such that quotes, separators and line ends are what they are."""
    at = file.seek(start)
    while at < end and (line := file.readline(min(end - at, BLOCK))):
        at += len(line)
        yield from StringIO(line.decode("latin-1"), newline="")


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
            pa.PythonFile(text.file, mode="r"),
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
    if "\n" in last or "\r" in last or _ends_quoted(text.file):
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


def _ends_quoted(file: BinaryIO) -> bool:
    """Whether the last line may break off within quotes."""
    file.seek(max(file.seek(0, os.SEEK_END) - HEAD, 0))
    return file.read().splitlines()[-1].count(b'"') % 2 == 1


def _refuse_open_quote(text: _Text) -> None:
    """Raise ValueError where a quote is never closed, or a row is longer than a block."""
    row = -2  # the names are no row
    lines = _read_lines(text.file, text.start, sys.maxsize)
    limit = csv.field_size_limit(BLOCK)
    try:
        for _ in csv.reader(lines, delimiter=text.separator, strict=True):
            row += 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            why = f"row {row + 1}: a quote is opened and never closed"
            raise ValueError(f"{text.path} {why}") from None
        if "field limit" in str(error):
            why = f"row {row + 1} has a cell of over {BLOCK:,} letters: is a quote never closed?"
            raise ValueError(f"{text.path} {why}") from None
    finally:
        csv.field_size_limit(limit)


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
