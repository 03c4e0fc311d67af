"""Writing and reading files such that a file is there whole or not at all.

Open this file when a process that may be killed has to leave JSON or parquet behind.
"""

import errno
import json
import math
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.check import shorten

if sys.platform != "win32":
    import fcntl

Waiting = list[tuple[Path, Path, ExitStack]]  # files that are written: parts, places, their holds
_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)  # in `together`
ROWS = 400_000  # of a file that is read in pieces
PART = re.compile(r"\.(?P<name>.+)\.\d+\.part")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # a drive has one letter


def check_local(path: str | Path) -> None:
    """Raise ValueError for an address such as s3://bucket/run: it would make a folder `s3:`.

    Files are put in place by renaming them, which stores behind addresses cannot do.
    """
    if ADDRESS.match(str(path)):
        raise ValueError(
            f"{path} is an address; must be a folder of this machine, or one that is mounted: "
            "write there, and copy what is finished"
        )


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, for a `with` block that writes the file.

    It takes the place of `path` when the block ends well, and vanishes when it does not. What a
    process that was killed has left of it is removed. Raises ValueError where this process writes
    the file already.
    """
    with ExitStack() as held:
        part = held.enter_context(passing(path))
        yield part
        waiting = _waiting.get()
        if waiting is None:
            _sync(part)
            os.replace(part, path)
        else:
            waiting.append((part, Path(path), held.pop_all()))


@contextmanager
def together() -> Iterator[None]:
    """Files that are written in the block take their places when it ends, in the same order.

    So they wait for the disk once, side by side, and not one after the other. Where the block ends
    by an exception none of them is there. Nothing that the block writes may be read in it.
    """
    from concurrent.futures import ThreadPoolExecutor  # a sender has no need of it

    if _waiting.get() is not None:  # the outer block waits for these, too
        yield
        return
    waiting: Waiting = []
    before = _waiting.set(waiting)
    try:
        yield
        with ThreadPoolExecutor(len(waiting) or 1) as pool:
            list(pool.map(_sync, (part for part, _, _ in waiting)))
        for part, path, _ in waiting:
            os.replace(part, path)
    finally:
        _waiting.reset(before)
        for _, _, held in waiting:
            held.close()


def _sync(part: Path) -> None:
    """Have the disk keep a file. Raises OSError naming its folder, as where the disk is full."""
    with _naming(part.parent), part.open("rb") as written:
        os.fsync(written.fileno())


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Name the folder in an OSError that names no place, as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        why = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, why, f"{folder}") from error


@contextmanager
def passing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` for what is needed no longer when the block ends.

    What a process that was killed has left of it is removed. Raises ValueError where this process
    writes the file already.
    """
    path = Path(path)
    check_local(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, path.name)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = hold(part)
    if handle is None:
        raise ValueError(f"{path} is being written")
    try:
        with _naming(path.parent):
            yield part
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def hold(path: Path) -> int | None:
    """Open a file as its only holder; None where another process holds it.

    The file is made where there is none. Closing what is returned lets go of it, and so does dying.
    """
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            if sys.platform != "win32":
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except FileNotFoundError:
            pass
        os.close(handle)  # whoever held it removed it meanwhile


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove the parts of files that were being written when their process was killed.

    name: of the one file; None: of every file in the folder
    """
    for each in os.listdir(folder):
        found = PART.fullmatch(each)
        if found and name in (None, found["name"]) and (left := folder / each).is_file():
            handle = hold(left)
            if handle is not None:
                left.unlink(missing_ok=True)
                os.close(handle)


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as JSON. Raises ValueError for NaN and infinities."""
    text = json.dumps(value, indent=1, allow_nan=False)
    with replacing(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """The value that a JSON file holds. Raises ValueError naming it, for what `parse_json` does."""
    try:
        return parse_json(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None


def parse_json(data: bytes) -> Any:
    """The value that JSON stands for.

    Raises ValueError where it is no JSON, is nested too deep, has a key twice in one object, of
    which only the last would count, or a number that is not finite or no computer's.
    """
    try:
        return json.loads(
            data.decode(),
            parse_constant=_parse_float,
            parse_float=_parse_float,
            parse_int=_parse_int,
            object_pairs_hook=_parse_object,
        )
    except RecursionError as error:
        raise ValueError(str(error)) from None


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shorten(text)} is not finite")
    return value


def _parse_int(text: str) -> int:
    if len(text) > 20:  # as long as the largest of 64 bits, and its sign
        raise ValueError(f"{shorten(text)} is too large")
    return int(text)


def _parse_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{shorten(key)} is given twice")
    return found


def read_bytes(path: Path) -> bytes:
    """All that is in a file. Raises ValueError if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder; must be a file") from None


def write_table(path: str | Path, table: pa.Table) -> None:
    """Write a table as parquet, with a checksum for each page."""
    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd", write_page_checksum=True)


def read_table(path: str | Path) -> pa.Table:
    """A parquet file's table, its page checksums verified.

    Raises ValueError naming the file if it is damaged, and FileNotFoundError if there is none.
    """
    try:
        # pq.read_table would import pyarrow's data sets, and with them pandas, where it is there
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
            check_count(file, len(table))
        table.validate(full=True)  # parquet does not check that text is text
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        why = " ".join(str(error).split())
        raise ValueError(f"{path} is not a sound parquet file: {why}") from None
    return table


def check_count(file: pq.ParquetFile, rows: int) -> None:
    """Raise ArrowInvalid unless a parquet file that was read says twice that it has `rows`.

    What is read ends where the first column does: one flipped bit in a page's header, for which
    there is no checksum, would take the last rows away. Columns that were not read are not asked:
    where what is said of them is damaged, arrow ends the process.
    """
    about = file.metadata
    said = sum(about.row_group(number).num_rows for number in range(about.num_row_groups))
    if not rows == said == about.num_rows:
        raise pa.ArrowInvalid(f"it has {about.num_rows} rows, of which {rows} can be read")


def iterate(file: pq.ParquetFile, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
    """Some columns of a file, so many rows at a time. Raises ArrowInvalid as `check_count` does."""
    count = 0
    for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
        yield pa.Table.from_batches([batch])
        count += len(batch)
    check_count(file, count)


def read_pieces(path: str | Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a parquet file, `ROWS` at a time, their page checksums verified.

    Raises ValueError naming the file if it is damaged, when that piece is reached.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from iterate(file, columns, ROWS)
    except (pa.ArrowException, OSError) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"{path} is not a sound parquet file: {why}") from None


def read_plain(path: str | Path) -> pa.Table:
    """A table as `read_table` gives it, whose columns have names of their own and hold no lists.

    Raises ValueError naming the column at fault.
    """
    table = read_table(path)
    for field in table.schema:
        if pa.types.is_nested(field.type) or table.column_names.count(field.name) > 1:
            what = f"{shorten(field.name)} has type {shorten(str(field.type))}"
            raise ValueError(f"{path}: column {what}; must be plain, and have a name of its own")
    return table
