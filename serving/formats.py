"""From the bytes of a file to a table: parquet, CSV and XLSX, told by the file's name.

CSV and XLSX have no types: every cell is read as text, so `00003` stays what it is. A CSV file is
UTF-8, with or without the mark that Excel puts in front, and separated by commas, semicolons or
tabs, whichever its first line has most of. Open this file to see what is refused as no table, and
which texts are numbers.
"""

import csv
import re
from collections.abc import Callable, Sequence
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from bandit.features.attributes import MISSING
from serving.errors import shorten

ENCODINGS = ("utf-8", "cp1252")
SEPARATORS = (",", ";", "\t")
WORDED = (".csv", ".tsv", ".txt", ".xlsx")  # formats that hold text alone
HEAD = 1 << 16  # bytes in which the first line must end
_BEGINS = {b"PAR1": "a parquet file", b"PK\x03\x04": "an XLSX file"}
_TITLE = "; if the first line is a title, delete it: the names of the columns come first"
# 1250, 1,250, $250.00, -3.5, 1.2E+05; a number that begins with 0 is a code
_NUMBER = r"^[+-]?[$€£]?\s?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?([eE][+-]?\d+)?$"
_CODE = r"^0\d"
_SEPARATOR_LINE = re.compile(
    rb'\A"?sep=.?"?\r?\n', re.IGNORECASE
)  # a note for Excel, above the names


def ask_encoding(add: Callable[..., object]) -> None:
    """Let a command line say how CSV files are written; `add` is the parser's `add_argument`."""
    add(
        "--encoding",
        choices=ENCODINGS,
        default="utf-8",
        help="of files that are not UTF-8: CSV and the like (%(default)s)",
    )


def ask_aliases(add: Callable[..., object]) -> None:
    """Let a command line name the table of members' old ids, and how it is written."""
    add("--aliases", metavar="FILE", help="old, member: ids that members had, and have now")
    ask_encoding(add)


def is_worded(path: Path) -> bool:
    """Whether the file's format has no types: every cell is text."""
    return path.suffix.lower() in WORDED


def parse_parquet(path: Path, data: bytes) -> pq.ParquetFile:
    """The opened file, whose checksums are verified as it is read."""
    return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)


def parse_words(path: Path, data: bytes, encoding: str = "utf-8") -> pa.Table:
    """The cells of a CSV or XLSX file as text; columns that have neither name nor cells are left.

    encoding: of a CSV file that is not UTF-8

    Raises ValueError naming file and row where it is no table.
    """
    if path.suffix.lower() == ".xlsx":
        names, columns = _parse_xlsx(path, data)
    else:
        names, columns = _parse_csv(path, _decode(path, data, encoding))
    if columns and len(columns[0]):  # sheets end in rows of nothing
        filled = [pc.not_equal(pc.utf8_trim_whitespace(column), "") for column in columns]
        rows = np.flatnonzero(np.any([some.to_numpy() for some in filled], axis=0))
        columns = [column.slice(0, int(rows[-1]) + 1 if len(rows) else 0) for column in columns]
    kept: dict[str, pa.ChunkedArray] = {}
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        if not name.strip():
            if pc.any(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py():
                raise ValueError(
                    f"{path}: column {place + 1} has no name in the first line"
                    + (_TITLE if sum(map(bool, map(str.strip, names))) == 1 else "")
                )
        elif name in kept:
            raise ValueError(f"{path} has two columns {name!r}")
        else:
            kept[name] = column
    return pa.table(kept)


def find_missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where a column of text says nothing: null, or one of `MISSING`."""
    text = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    known = pc.is_in(text, pa.array(sorted(MISSING), text.type))
    return pc.or_(pc.is_null(column), known)


def parse_numbers(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Numbers of a column of text, null where it is missing; and where it is neither, true."""
    text, missing = pc.utf8_trim_whitespace(column), find_missing(column)
    number = pc.match_substring_regex(text, _NUMBER)
    plain = pc.replace_substring_regex(text, r"[$€£,\s]", "")
    values = pc.cast(pc.if_else(pc.fill_null(number, False), plain, None), pa.float64())
    neither = pc.and_not(pc.invert(pc.fill_null(number, True)), missing)
    return values, pc.or_(neither, pc.fill_null(pc.is_inf(values), False))


def has_codes(column: pa.ChunkedArray) -> bool:
    """Whether a text begins with 0 as numbers do not, such as the postcode 01234."""
    text = pc.utf8_trim_whitespace(column)
    return bool(pc.any(pc.match_substring_regex(text, _CODE)).as_py())


def _decode(path: Path, data: bytes, encoding: str) -> bytes:
    """A CSV file's bytes as UTF-8. Raises ValueError naming the first row that is no text."""
    for begins, what in _BEGINS.items():
        if data.startswith(begins):
            raise ValueError(f"{path} is {what} by its first bytes; its name must end so too")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path} is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")
    data = _SEPARATOR_LINE.sub(b"", data.removeprefix(b"\xef\xbb\xbf"))
    try:
        data.decode()
        return data
    except UnicodeDecodeError as error:
        found, at = data[error.start : error.start + 1], error.start
    if encoding != "utf-8":
        try:
            return data.decode(encoding).encode()
        except UnicodeDecodeError as error:
            found, at = data[error.start : error.start + 1], error.start
    hint = "; if it is an older Windows file, say --encoding cp1252" if encoding == "utf-8" else ""
    where = _name_row(data[:at].decode("latin-1"))
    raise ValueError(f"{path} {where}: byte {found!r} is not valid {encoding.upper()}{hint}")


def _name_row(before: str) -> str:
    """The row in which a text breaks off, as rows are counted everywhere."""
    row = len(list(csv.reader(StringIO(before + "x", newline="")))) - 2
    return f"row {row}" if row >= 0 else "first line"


def _parse_csv(path: Path, data: bytes) -> tuple[Sequence[str], Sequence[pa.ChunkedArray]]:
    """The names in the first line, and the columns below them."""
    data = data.lstrip(b"\r\n")
    head = data[:HEAD].decode(errors="ignore")
    bare = re.sub(r'"[^"]*"', "", head).splitlines()[:1]
    if not bare:
        raise ValueError(f"{path} is empty")
    separator = max(SEPARATORS, key=bare[0].count)
    first = csv.reader(StringIO(head, newline=""), delimiter=separator)
    names = next(first)
    odd: list[pa.csv.InvalidRow] = []
    keys = [str(place) for place in range(len(names))]  # names may be empty, or come twice

    def note(row: pa.csv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    try:
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(
                use_threads=False,
                block_size=len(data) + 1,
                column_names=keys,
                skip_rows=first.line_num,
            ),
            pa.csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=note
            ),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(keys, pa.string())),
        )
    except pa.ArrowException as error:
        if not data[len(head.encode()) :] and next(first, None) is None:
            raise ValueError(f"{path} has no rows") from None
        raise ValueError(f"{path} is not a sound CSV file: {str(error).splitlines()[0]}") from None
    if odd:
        row, found = (
            odd[0].number - 1 - first.line_num,
            f"{odd[0].actual_columns} cells: {shorten(odd[0].text)}",
        )
        title = _TITLE if row <= 1 and odd[0].actual_columns > len(names) else ""
        raise ValueError(
            f"{path} row {row} has {found}; the first line has {len(names)} columns{title}"
        )
    last = "".join(column[-1].as_py() for column in table.columns) if len(table) else ""
    if "\n" in last or "\r" in last:  # a cell of several lines, or one whose end is missing
        _refuse_open_quote(path, data.decode(), separator)
    return names, table.columns


def _refuse_open_quote(path: Path, text: str, separator: str) -> None:
    row = -2
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for _ in rows:
            row += 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ValueError(f"{path} row {row + 1}: a quote is opened and never closed") from None


def _parse_xlsx(path: Path, data: bytes) -> tuple[Sequence[str], Sequence[pa.ChunkedArray]]:
    """The names in the first row of the only sheet that holds anything, and its columns."""
    try:
        import openpyxl  # noqa: F401  # only whoever reads XLSX needs the two
        import pandas as pd
    except ImportError:
        raise ValueError(
            f"{path}: XLSX is read by pandas and openpyxl, which are not installed: "
            "pip install letterbandit[xlsx], or save the sheet as CSV UTF-8"
        ) from None
    try:
        sheets = pd.read_excel(
            BytesIO(data), sheet_name=None, header=None, dtype=str, na_filter=False
        )
    except Exception as error:  # a zip of anything: the libraries raise what they meet
        raise ValueError(f"{path} is not a sound XLSX file: {error}") from None
    filled = {name: sheet for name, sheet in sheets.items() if len(sheet)}
    if len(filled) != 1:
        raise ValueError(f"{path} has {len(filled)} sheets that are filled; must be one")
    (sheet,) = filled.values()
    sheet = sheet.fillna("")
    names = [str(name) for name in sheet.iloc[0]]
    cells = [sheet[at].iloc[1:].astype(str) for at in sheet.columns]
    return names, [pa.chunked_array([pa.array(column, pa.string())]) for column in cells]
