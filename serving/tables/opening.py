"""Opening a file that others wrote, to read its rows in pieces: parquet, CSV or XLSX.

What is hashed is what is read: the file stays open, and one that is written to meanwhile is
refused. Open this file to see how a list of any length is read within a memory that is known.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from io import BufferedReader, BytesIO
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.files import iterate
from serving.tables.sheets import open_sheet

WORDED = (".csv", ".tsv", ".txt", ".xlsx")  # formats that hold text alone
PIECE = 60_000  # rows read at a time
_BUFFER = 1 << 20  # bytes of a column of a parquet file that are read at a time


def is_worded(path: Path) -> bool:
    """Whether the file's format has no types: every cell is text."""
    return path.suffix.lower() in WORDED


@dataclass(frozen=True)
class Opened:
    """A file whose names of columns are read, and whose rows are about to be.

    names: of all its columns
    schema: the columns' types; None where all are text
    digest: SHA-256 of its bytes
    read: the rows of some columns, a piece after another; one without rows where there are none
    """

    names: list[str]
    schema: pa.Schema | None
    digest: str
    read: Callable[[Sequence[str]], Iterator[pa.Table]]


@contextmanager
def open_table(path: Path, encoding: str = "utf-8") -> Iterator[Opened]:
    """Open a file for a `with` block that reads its rows.

    encoding: of a CSV file that is not UTF-8

    Raises ValueError naming the file where there is none, where it is no table, and where it was
    written to while it was read.
    """
    with _open(path) as file:
        # a pipe is read once, so what came through it is kept
        source = file if file.seekable() else BytesIO(file.read())
        before = os.fstat(file.fileno())
        digest = file_digest(source, "sha256").hexdigest()
        source.seek(0)
        _refuse_unlike(path, source.read(4))
        source.seek(0)
        if is_worded(path):
            names, sheets = open_sheet(path, source, encoding)
            yield Opened(names, None, digest, lambda wanted: _select(sheets, wanted))
        else:
            parquet = pq.ParquetFile(source, page_checksum_verification=True, buffer_size=_BUFFER)
            schema = parquet.schema_arrow
            yield Opened(schema.names, schema, digest, lambda wanted: _read(parquet, wanted))
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ValueError(f"{path} was written to while it was read; try again")


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder; must be a file") from None


def _refuse_unlike(path: Path, begins: bytes) -> None:
    """Raise ValueError where the name's ending and the first bytes are not of one known format."""
    ending, save = path.suffix.lower(), "save it as .xlsx without a password, or as CSV UTF-8"
    if begins == b"\xd0\xcf\x11\xe0":
        what = "an old Excel workbook (.xls), or one with a password, by its first bytes"
        raise ValueError(f"{path} is {what}; {save}")
    if ending == ".xlsx" and begins[:2] != b"PK":
        what = "no workbook by its first bytes, though its name ends in .xlsx"
        raise ValueError(f"{path} is {what}; let the name of a CSV file end in .csv")
    if ending not in (*WORDED, ".parquet") and begins != b"PAR1":
        known = ", ".join((*WORDED, ".parquet"))
        raise ValueError(
            f"{path}: its name ends in {ending!r}, which says of no format that is read; must be "
            f"one of {known}"
        )


def _select(sheets: Iterator[pa.Table], wanted: Sequence[str]) -> Iterator[pa.Table]:
    return (sheet.select(list(wanted)) for sheet in sheets)


def _read(file: pq.ParquetFile, wanted: Sequence[str]) -> Iterator[pa.Table]:
    pieces = iterate(file, wanted, PIECE)
    first = next(pieces, file.schema_arrow.empty_table())
    for piece in chain([first], pieces):
        yield piece.select(list(wanted))
