"""Asking a command something in this process, as the command line would."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

SMALL = (
    *("simulator.members=120", "simulator.pool=12", "simulator.text_dims=6"),
    *("simulator.embeddings=null", "issues=3"),
)
Ask = Callable[..., str]


def ask_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A function that runs a command's `main` with arguments, standing in a folder.

    It returns what ended the command early, in words, or nothing.
    """
    monkeypatch.chdir(folder)

    def ask(main: Callable[[], None], *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["test", *arguments])
        try:
            main()
        except SystemExit as error:
            return str(error.code)
        return ""

    return ask


def list_names(folder: Path, pattern: str = "*") -> Sequence[str]:
    """Names of what a folder holds."""
    return sorted(path.name for path in folder.glob(pattern))
