"""Files are there whole or not at all; JSON says what it says; a full disk is told once."""

import os
from pathlib import Path

import pytest

from bandit.core.files import parse_json, read_json, replacing, write_json


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
