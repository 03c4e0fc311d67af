"""docs/after_the_send.md is followed to the letter, from a send to the verdict."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

from tests.support.pages import follow, list_commands

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "after_the_send.md").read_text(encoding="utf-8")


def test_the_page_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    shutil.copytree(DOCS / "first_issue", desk)
    shutil.copytree(DOCS / "after_the_send", desk, dirs_exist_ok=True)
    monkeypatch.chdir(desk)
    commands = list_commands(PAGE)
    programs = ["prepare", "send", "ingest", "update", "explain", "verdict"]
    assert [words[2] for words, _ in commands] == [f"serving.{name}" for name in programs]
    follow(commands, capsys)
    held = json.loads(Path("sent/send.json").read_text())["holdout"]["chooses"]
    assert held == sha256(Path("bundle-fallback/manifest.json").read_bytes()).hexdigest()
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
    told = json.loads(Path("verdict/verdict.json").read_text())
    assert told["groups"]["policy"]["clicks"] + told["groups"]["held out"]["clicks"] == 12
    assert told["groups"]["held out"]["members"] == log[log["holdout"]]["member"].nunique()
    why = json.loads(Path("why.json").read_text())
    assert [len(topic["clicked"]) for topic in why["topics"]].count(1) == 1
    assert {slot["slot"] for slot in why["slate"]} == {1, 2, 3, 4, 5}
    seen = pd.read_parquet("seen.parquet")
    assert set(seen["member"]) == set(log[log["opened"]]["member"])
