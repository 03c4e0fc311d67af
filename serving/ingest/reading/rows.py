"""From the bytes of a provider's file to rows: JSON in any layout, or CSV, some thousand at a time.

JSON may be a value, an array, lines, or arrays in lines; SNS envelopes are opened. CSV may be
separated by commas, semicolons, tabs or bars. What is no row is given back with the reason, and
what comes behind it is read all the same. Open this file to see
where a row ends that cannot be read.
"""

import csv
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from serving.errors import shorten
from serving.ingest.reading.fields import Row

PIECE = 10_000  # rows, which are some 20 MB
CHUNK = 1 << 20  # letters that are read at a time
LARGEST = 1 << 28  # letters of a value
_BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")
_BEGINS = {b"PAR1": "a parquet file", b"PK\x03\x04": "a zip or XLSX file"}


class Bad(NamedTuple):
    """Text that is no row, and why."""

    text: str
    why: str


def read_pieces(path: Path, encoding: str = "utf-8") -> Iterator[list[Row | Bad]]:
    """What is in a file, in order, some thousand rows at a time.

    encoding: of a file that is neither UTF-8 nor UTF-16 with its mark

    Raises ValueError where the file is of another kind altogether.
    """
    with _open(path) as stream:
        head = stream.peek(4096)[:4096]
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            encoding = "utf-16"
        elif encoding == "utf-8":
            encoding = "utf-8-sig"
        begins = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
        with TextIOWrapper(stream, encoding=encoding, errors="replace", newline="") as text:
            blocks = _read_json(text) if begins.startswith(("{", "[")) else _read_csv(text)
            piece: list[Row | Bad] = []
            for block in blocks:
                piece += block
                if len(piece) >= PIECE:
                    yield piece
                    piece = []
            if piece:
                yield piece


@contextmanager
def _open(path: Path) -> Iterator["BufferedReader[Any]"]:
    """The file's bytes, unpacked if they are packed."""
    try:
        plain = path.open("rb")
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder; must be a file") from None
    with plain:
        head = plain.peek(4)[:4]
        for begins, what in _BEGINS.items():
            if head.startswith(begins):
                raise ValueError(f"{path} is {what}; must be JSON or CSV, as text in UTF-8")
        if not head.startswith(b"\x1f\x8b"):
            yield plain
            return
        with BufferedReader(gzip.GzipFile(fileobj=plain)) as packed:
            yield packed


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not finite")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_DECODE = _DECODER.raw_decode
_SCAN = _DECODER.scan_once  # type: ignore[attr-defined]  # it is not in the stubs


def _read_json(text: TextIO) -> Iterator[Sequence[Row | Bad]]:
    """The values of a text, some at a time, whatever stands between them."""
    buffer, at, done, step, fresh = "", 0, False, CHUNK, True
    while True:
        end = buffer.rfind("\n") + 1
        if fresh and end > at and (at == 0 or buffer[at - 1] == "\n"):
            values, fresh = _read_lines(buffer[at:end]), False
            if values is not None:
                at, step = end, CHUNK
                if any("Message" in value or "Records" in value for value in values):
                    yield [row for value in values for row in _open_envelope(value)]
                else:
                    yield values
                continue
        between = _BETWEEN.match(buffer, at)
        at = between.end() if between else at
        if at == len(buffer) and done:
            return
        try:
            if at == len(buffer):
                raise json.JSONDecodeError("nothing is left", buffer, at)
            value, at = _DECODE(buffer, at)
            step = CHUNK
            yield list(_open_envelope(value))
            continue
        except (ValueError, RecursionError) as error:
            place = getattr(error, "pos", at)
            torn = isinstance(error, json.JSONDecodeError) and (
                place >= len(buffer) - 16 or str(error).startswith("Unterminated string")
            )
            if not done and torn and len(buffer) - at < LARGEST:
                more = text.read(step)
                done, step = not more, step * 2  # a long value is not begun too often
                buffer, at = _cut(buffer, at, more)
                fresh = True
                continue
            why = "not JSON" if not torn else "cut off"
        end = _find_end(buffer, at)
        while end < 0 and not done and len(buffer) - at < LARGEST:
            more = text.read(step)
            done = not more
            buffer, at = _cut(buffer, at, more)
            end = _find_end(buffer, at)
        end = len(buffer) if end < 0 else end
        yield [Bad(buffer[at:end].rstrip(" \t\r\n,[]"), why)]
        at = end


def _read_lines(text: str) -> list[Row] | None:
    """The values of whole lines, where each line is one object: without a look between values.

    None where some line is anything else, which `_read_json` then reads value by value.
    """
    values = []
    for line in map(str.strip, text.split("\n")):
        if not line:
            continue
        try:
            value, end = _SCAN(line, 0)
        except (ValueError, RecursionError, StopIteration):
            return None
        if end < len(line) or value.__class__ is not dict:
            return None
        values.append(value)
    return values


def _cut(buffer: str, at: int, more: str) -> tuple[str, int]:
    """The buffer from the line of `at` on, and more behind it; and the new place of `at`."""
    keep = max(buffer.rfind("\n", 0, at), at - 200, 0)
    return buffer[keep:] + more, at - keep


def _find_end(buffer: str, at: int) -> int:
    """Where the next value begins, behind one at `at` that cannot be read; -1 if nowhere.

    In lines it is the next line that begins as far from the margin; elsewhere the next object.
    """
    margin = buffer[buffer.rfind("\n", 0, at) + 1 : at]
    if not margin.strip(" \t"):
        found = re.compile(rf"\n{margin}(?=[^\s\]}}])").search(buffer, at)
        if found or "\n" in buffer[at:].rstrip():
            return found.end() if found else -1
    found = _NEXT.search(buffer, at)
    return found.end() if found else -1


def _open_envelope(value: object) -> Iterator[Row | Bad]:
    """The value, or what an SNS envelope holds; each of a list."""
    if isinstance(value, list):
        for each in value:
            yield from _open_envelope(each)
        return
    if not isinstance(value, dict):
        yield Bad(json.dumps(value), "not a row")
        return
    within = value.get("Sns")
    row: Row = within if isinstance(within, dict) else value
    if isinstance(row.get("Records"), list):  # as a function is given envelopes
        yield from _open_envelope(row["Records"])
        return
    inside = row.get("Message")
    if not isinstance(inside, str) or "TopicArn" not in row:
        yield row
        return
    try:
        inner = json.loads(inside, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        inner = None
    if isinstance(inner, dict):
        around = {key: each for key, each in row.items() if key != "Message"}
        yield inner | {"envelope": around}
    elif inside.lstrip().startswith("{"):
        yield Bad(json.dumps(row, sort_keys=True), "an envelope that holds no row")
    else:
        yield row  # what the service says of itself, such as SubscriptionConfirmation


def _read_csv(text: TextIO) -> Iterator[Sequence[Row | Bad]]:
    """The rows below the line of names, as text."""
    head = text.readline()
    if not head.strip() and not text.read(1):
        return
    separator = max(",;\t|", key=re.sub(r'"[^"]*"', "", head).count)
    names = [name.strip() for name in next(csv.reader([head], delimiter=separator), [])]
    if len(set(filter(None, names))) < len(names) or len(names) < 2:
        raise ValueError(f"the first line is {shorten(head)}; must be JSON, or names of columns")
    lines = csv.reader(text, delimiter=separator)
    while True:
        try:
            cells = next(lines, None)
        except csv.Error as error:
            yield [Bad(str(error), "not a line of CSV")]
            continue
        if cells is None:
            return
        if len(cells) == len(names):
            yield [dict(zip(names, cells, strict=True))]
        elif cells:
            yield [Bad(separator.join(cells), "another number of cells than the first line")]
