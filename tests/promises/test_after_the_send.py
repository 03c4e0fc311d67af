"""docs/after_the_send.md is followed to the letter, from a send to the log."""

import doctest
import re
import shlex
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "after_the_send.md").read_text(encoding="utf-8")


def list_commands() -> list[tuple[list[str], str]]:
    """The page's commands, each with what it is said to print (`...` stands for anything)."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(shlex.split(line), said) for line, _, said in (part.partition("\n") for part in parts)]


def test_the_page_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    shutil.copytree(DOCS / "first_issue", desk)
    shutil.copytree(DOCS / "after_the_send", desk, dirs_exist_ok=True)
    monkeypatch.chdir(desk)
    commands = list_commands()
    assert len(commands) >= 3
    for words, said in commands:
        assert words[:2] == ["python", "-m"]
        package = find_spec(words[2]).submodule_search_locations  # type: ignore[union-attr]
        module = import_module(f"{words[2]}.__main__" if package else words[2])
        assert module.main(words[3:]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        same = doctest.OutputChecker().check_output(said, printed, doctest.ELLIPSIS)
        assert same, f"{' '.join(words)} printed\n{printed}\nand the page says\n{said}"
    log = pd.read_parquet("log/log/001.parquet")
    clicked = log[log["clicked"]]
    ids = pd.read_csv("members.csv", dtype=str)["Member ID"]
    # every sixth member clicked, one slot further down each time
    assert clicked["member"].tolist() == ids.iloc[::6].tolist()
    assert clicked["slot"].tolist() == [1 + row % 5 for row in range(0, 72, 6)]
    assert log[~log["delivered"]]["member"].unique().tolist() == [ids[4]]
    assert log[log["unsubscribed"]]["member"].unique().tolist() == [ids[31]]
    events = pd.read_parquet("log/events/001.parquet")
    assert events["tag"].value_counts()["prefetch"] == 1
    assert events["place"].tolist().count("footer") == 1
