"""docs/first_issue.md is followed to the letter, on files that look like an export."""

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
PAGE = (DOCS / "first_issue.md").read_text(encoding="utf-8")


def list_commands() -> list[tuple[list[str], str]]:
    """The page's commands, each with what it is said to print (`...` stands for anything)."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(shlex.split(line), said) for line, _, said in (part.partition("\n") for part in parts)]


def test_the_page_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DOCS / "first_issue", tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    commands = list_commands()
    assert len(commands) >= 4
    for words, said in commands:
        assert words[:2] == ["python", "-m"]
        package = find_spec(words[2]).submodule_search_locations  # type: ignore[union-attr]
        module = import_module(f"{words[2]}.__main__" if package else words[2])
        assert module.main(words[3:]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        same = doctest.OutputChecker().check_output(said, printed, doctest.ELLIPSIS)
        assert same, f"{' '.join(words)} printed\n{printed}\nand the page says\n{said}"
    members = pd.read_csv("members.csv", dtype=str, keep_default_na=False)
    seen = pd.read_csv("seen.csv", dtype=str)
    slates = pd.read_parquet("sent/slates.parquet")
    assert slates["member"].tolist() == members["Member ID"].repeat(5).tolist()
    assert (slates["slot"].tolist(), slates["article"].isna().sum()) == ([1, 2, 3, 4, 5] * 72, 0)
    shown = set(zip(slates["member"], slates["article"], strict=True))
    assert not shown & set(zip(seen["Member ID"], seen["Article ID"], strict=True))
    pool = pd.read_csv("pool.csv", dtype=str, keep_default_na=False).set_index("Article ID")
    region = members.set_index("Member ID")["Region"].str.casefold()
    limits = pool["Only Region"][slates["article"]].str.casefold().to_numpy()
    assert all(
        limit in ("", region[member])
        for member, limit in zip(slates["member"], limits, strict=True)
    )
    assert (limits != "").any()  # so that it has been tried
    kinds = pool["Kind"].str.casefold()[slates["article"]].to_numpy().reshape(-1, 5)
    assert set(kinds[:, 4]) <= {"event", "resource"}
