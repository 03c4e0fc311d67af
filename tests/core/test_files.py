"""Files are there whole or not at all; JSON says what it says; a full disk is told once."""

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from bandit.core.files import (
    check_local,
    parse_json,
    read_json,
    replacing,
    together,
    write_json,
)
from serving.folder import claim, replace_folder


def test_a_full_disk_is_told_once_with_the_folder(tmp_path: Path) -> None:
    """Of several files that are written side by side, nobody can say which one filled it."""
    with (
        pytest.raises(OSError, match="No space left on device") as told,
        replacing(tmp_path / "a"),
        replacing(tmp_path / "b"),
    ):
        raise OSError(28, os.strerror(28))
    assert str(told.value) == f"[Errno 28] No space left on device: '{tmp_path}'"
    assert not list(tmp_path.iterdir())


def test_json_survives_and_what_would_be_read_as_something_else_is_refused(tmp_path: Path) -> None:
    value = {"a": [1, -2.5, None, True], "b": {"c": "é", "d": 2**63}}
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    for text, why in {
        '{"a": 1, "b": 2, "a": 3}': "'a' is given twice",
        "[1e999]": "'1e999' is not finite",
        "[-Infinity]": "'-Infinity' is not finite",
        "[" + "7" * 21 + "]": "is too large",
        "[" * 100_000: "maximum recursion depth",
        "{": "Expecting property name",
    }.items():
        with pytest.raises(ValueError, match=why):
            parse_json(text.encode())


@pytest.mark.parametrize("write", [replacing, claim, lambda path: replace_folder(path, [])])
def test_no_folder_is_made_of_an_address(
    write: Callable[[str], AbstractContextManager[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files come into place by being renamed, which stores behind addresses cannot do."""
    monkeypatch.chdir(tmp_path)
    refused = pytest.raises(ValueError, match=r"s3:.*/out is an address; must be a folder of this")
    with refused, write("s3://store/out"):
        pass
    assert not list(tmp_path.iterdir())
    check_local("C:/runs/out")


def test_files_that_are_written_together_are_there_when_all_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(Path(b).name), replace(a, b)))
    with together():
        write_json(tmp_path / "b", 2)
        with together():  # one inside the other waits for the outer one
            write_json(tmp_path / "deep" / "a", 1)
        with pytest.raises(ValueError, match="c is being written"), replacing(tmp_path / "c"):
            write_json(tmp_path / "c", 0)
        with pytest.raises(ZeroDivisionError), replacing(tmp_path / "d"):
            _ = 1 / 0
        other = Thread(target=write_json, args=(tmp_path / "e", 5))
        other.start()
        other.join()
        assert order == ["e"]  # another thread's files are its own
        with pytest.raises(ValueError, match="b is being written"):
            write_json(tmp_path / "b", 3)
    assert order == ["e", "b", "a"]
    assert read_json(tmp_path / "b") == 2
    assert read_json(tmp_path / "deep" / "a") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "deep", "e"]


def test_of_files_that_are_written_together_all_are_there_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_two(last: float) -> None:
        with together():
            write_json(tmp_path / "a", 1)
            write_json(tmp_path / "b", last)

    with pytest.raises(ValueError, match="not JSON compliant"):
        write_two(np.nan)
    assert not list(tmp_path.iterdir())
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as here:
        here.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(full))
        with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"):
            write_two(2)
    assert not list(tmp_path.iterdir())
    write_json(tmp_path / "a", 1)  # what comes after the block is there at once
    assert read_json(tmp_path / "a") == 1
