"""Writing a folder so that it is there whole or not at all, whenever the machine stops."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_folder(folder: str | Path, ours: Collection[str]) -> Iterator[Path]:
    """A temporary folder beside `folder`, which takes its place when the block ends well.

    It vanishes when the block does not end well. ours: the file names that such a folder holds, the
    first always. Between the two renames of an exchange `folder` is absent for an instant. Raises
    ValueError if `folder` exists and is anything else: it would be lost.
    """
    shown, folder = folder, Path(folder).resolve()  # a link is followed, not replaced
    _check_replaceable(shown, folder, ours)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    old = part.with_suffix(".old")
    try:
        yield part
        part.chmod(0o755)  # mkdtemp and safetensors make things only their owner can read
        for path in part.iterdir():
            path.chmod(0o644)
            sync(path)
        sync(part)
        _check_replaceable(shown, folder, ours)
        if folder.exists():
            folder.rename(old)
        try:
            part.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        sync(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
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
