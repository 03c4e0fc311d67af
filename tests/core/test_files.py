"""Files are there whole or not at all; JSON says what it says; a full disk is told once."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bandit.core.files import check_local, parse_json, read_json, replacing, write_json
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
