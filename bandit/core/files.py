"""Writing and reading files such that a file is there whole or not at all.

Open this file when a process that may be killed has to leave JSON or parquet behind.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

if sys.platform != "win32":
    import fcntl

PART = re.compile(r"\.(?P<name>.+)\.\d+\.part")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, for a `with` block that writes the file.

    It takes the place of `path` when the block ends well, and vanishes when it does not. What a
    process that was killed has left of it is removed. Raises ValueError where this process writes
    the file already.
    """
    with passing(path) as part:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)


@contextmanager
def passing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` for what is needed no longer when the block ends.

    What a process that was killed has left of it is removed. Raises ValueError where this process
    writes the file already.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, path.name)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = hold(part)
    if handle is None:
        raise ValueError(f"{path} is being written")
    try:
        yield part
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(f"{path} cannot be written: {error}") from error  # a full disk names no file
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
    for left in list(folder.iterdir()):
        found = PART.fullmatch(left.name)
        if found and name in (None, found["name"]) and left.is_file():
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
    """The value that a JSON file holds. Raises ValueError where it is no JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


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
        return pq.read_table(path, page_checksum_verification=True, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is not a sound parquet file: {error}") from None
