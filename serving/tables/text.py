"""The text of a CSV file: where it begins, how it is written, and where its rows end.

Open this file to see which byte is no text, and which quote is never closed.
"""

import codecs
import os
import re
from collections.abc import Iterator
from io import BytesIO
from mmap import PROT_READ, mmap
from pathlib import Path
from typing import BinaryIO

SEPARATORS = (",", ";", "\t")
HEAD = 1 << 16  # bytes in which the first line must end
BLOCK = 1 << 20  # bytes that are looked at together
_BEGINS = {b"PAR1": "a parquet file", b"PK\x03\x04": "an XLSX file"}
_SEPARATOR_LINE = re.compile(
    rb'\A"?sep=.?"?\r?\n', re.IGNORECASE
)  # a note for Excel, above the names


def find_start(path: Path, file: BinaryIO) -> int:
    """The byte at which the text begins, behind marks. Raises ValueError for other formats."""
    file.seek(0)
    data = file.read(HEAD)
    for begins, what in _BEGINS.items():
        if data.startswith(begins):
            raise ValueError(f"{path} is {what} by its first bytes; its name must end so too")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path} is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")
    text = _SEPARATOR_LINE.sub(b"", data.removeprefix(codecs.BOM_UTF8))
    start = len(data) - len(text)
    while text and not (left := text.lstrip(b"\r\n")):  # lines of nothing above the names
        start, text = start + len(text), file.read(HEAD)
    return start + len(text) - len(left) if text else start


def find_encoding(path: Path, file: BinaryIO, start: int, encoding: str) -> str:
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
    separator = find_separator(read_head(file, start, "latin-1"))
    row = sum(1 for begin, _ in find_rows(file, start, separator) if begin <= odd) - 2
    where = f"row {row}" if row >= 0 else "first line"
    raise ValueError(f"{path} {where}: byte {found!r} is not valid {encoding.upper()}{hint}")


def read_head(file: BinaryIO, start: int, encoding: str) -> str:
    """The text in which the first line must end."""
    file.seek(start)
    return file.read(HEAD).decode(encoding, errors="ignore")


def find_separator(head: str) -> str:
    """The one of which the first line has most."""
    first, *_ = [*re.sub(r'"[^"]*"', "", head).splitlines(), ""]
    return max(SEPARATORS, key=first.count)


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


def find_rows(file: BinaryIO, start: int, separator: str) -> Iterator[tuple[int, int]]:
    """The first byte of each row that is not empty, names among them, and the one behind it.

    A quote that is never closed ends the rows: of its row, the byte behind is -1. As for arrow, a
    quote opens only at the beginning of a cell, and is closed by the next one that is not doubled.
    """
    end = f"[^{separator}\r\n]"
    cell = f'(?:"(?:[^"]++|"")*+"{end}*+|(?!"){end}*+)'
    row = re.compile(f"{cell}(?:{separator}{cell})*+(?:\r\n|\r|\n|\\Z)".encode())
    file.seek(0)
    data = file.getbuffer() if isinstance(file, BytesIO) else mmap(file.fileno(), 0, prot=PROT_READ)
    while start < len(data):
        found = row.match(data, start)
        if not found:
            yield start, -1
            return
        if found.group().strip(b"\r\n"):
            yield start, found.end()
        start = found.end()


def ends_quoted(file: BinaryIO) -> bool:
    """Whether the last line may break off within quotes."""
    file.seek(max(file.seek(0, os.SEEK_END) - HEAD, 0))
    return file.read().splitlines()[-1].count(b'"') % 2 == 1
