"""Pages of docs/ that are followed to the letter: their commands are run, their output compared."""

import doctest
import re
import shlex
from importlib import import_module
from importlib.util import find_spec

import pytest

Commands = list[tuple[list[str], str]]


def list_commands(page: str) -> Commands:
    """The page's commands, each with what it is said to print (`...` stands for anything)."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    plain = [block for language, block in blocks if not language]
    parts = [part for block in plain for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(shlex.split(line), said) for line, _, said in (part.partition("\n") for part in parts)]


def follow(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    """Run each command where one stands, and see that it prints what the page says."""
    for words, said in commands:
        assert words[:2] == ["python", "-m"]
        found = find_spec(words[2])
        assert found is not None, f"there is no module {words[2]}"
        inside = ".__main__" if found.submodule_search_locations else ""
        module = import_module(words[2] + inside)
        assert module.main(words[3:]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        same = doctest.OutputChecker().check_output(said, printed, doctest.ELLIPSIS)
        assert same, f"{' '.join(words)} printed\n{printed}\nand the page says\n{said}"
