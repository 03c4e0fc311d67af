"""Writing a folder so that it is there whole or not at all, whenever the machine stops.

Open this file to see how two processes keep out of each other's way, and what the next one does
with the leftovers of one that was killed.
"""

import ctypes
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bandit.core.files import check_local, hold, sweep

EXCHANGE, HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux


@contextmanager
def claim(folder: str | Path) -> Iterator[None]:
    """Be the only process that writes into `folder`, for a `with` block.

    The folder is made where there is none, and removed where nothing came into it. What a process
    that was killed has left in it is removed. Raises ValueError where another process writes there.
    """
    check_local(folder)
    place = Path(folder).resolve()
    with _make(place), _lock(place / ".lock", folder):
        sweep(place)
        yield


@contextmanager
def _make(folder: Path) -> Iterator[None]:
    """Make a folder and those above it, and remove those that are empty in the end."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # what now holds something stays
            for path in new:
                path.rmdir()


@contextmanager
def _lock(lock: Path, shown: str | Path) -> Iterator[None]:
    handle = hold(lock)
    if handle is None:
        raise ValueError(f"{shown}: another process is writing there; let it finish first")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def _clear_up(folder: Path) -> None:
    """Remove what killed processes have left of `folder`, which nobody is writing now.

    Where one was killed between two renames, the earlier folder is put back.
    """
    ours = re.compile(rf"\.{re.escape(folder.name)}\.[^.]+\.(part|old)")
    for left in sorted(folder.parent.iterdir()):
        if ours.fullmatch(left.name) and left.is_dir():
            if left.suffix == ".old" and not folder.exists():
                left.rename(folder)
            else:
                shutil.rmtree(left)


@contextmanager
def replace_folder(folder: str | Path, ours: Collection[str]) -> Iterator[Path]:
    """A temporary folder beside `folder`, which takes its place when the block ends well.

    It vanishes when the block does not end well. ours: the file names that such a folder may hold,
    the first always. Raises ValueError if `folder` exists and is anything else, for it would be
    lost, and where another process is writing it.
    """
    check_local(folder)
    shown, folder = folder, Path(folder).resolve()  # a link is followed, not replaced
    _check_replaceable(shown, folder, ours)
    with _make(folder.parent), _lock(folder.with_name(f".{folder.name}.lock"), shown):
        _clear_up(folder)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            yield part
            part.chmod(0o755)  # mkdtemp and safetensors make things only their owner can read
            for path in part.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o644)
                sync(path)
            sync(part)
            _check_replaceable(shown, folder, ours)
            _put_in_place(part, folder)
            sync(folder.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, folder: Path) -> None:
    """Give `part` the name of `folder`, and what was there the name of `part`.

    Linux exchanges them at once. Elsewhere `folder` is absent for an instant; `_clear_up` puts it
    back where a process was killed in it.
    """
    if not folder.exists():
        part.rename(folder)
        return
    exchange = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    if exchange and not exchange(HERE, os.fsencode(part), HERE, os.fsencode(folder), EXCHANGE):
        return
    old = part.with_suffix(".old")
    folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the disk hold a file, or a folder's list of names, before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_replaceable(shown: str | Path, folder: Path, ours: Collection[str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        wanted = f"a new or an earlier folder of {', '.join(ours)}"
        raise ValueError(f"{shown} is a file; must be {wanted}")
    names = {path.name for path in folder.iterdir()}
    first = next(iter(ours))
    if names and first not in names:
        raise ValueError(f"{shown} exists and holds no {first}: it is not overwritten")
    if names - set(ours):
        raise ValueError(
            f"{shown} exists and holds {min(names - set(ours))}, which would be lost: "
            "it is not overwritten"
        )
