"""docs/first_issue.md is followed to the letter, on files that look like an export."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.support.pages import follow, list_commands

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "first_issue.md").read_text(encoding="utf-8")


def test_the_page_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DOCS / "first_issue", tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    commands = list_commands(PAGE)
    assert len(commands) >= 4
    follow(commands, capsys)
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
    wants = members.set_index("Member ID")["Interests"].str.contains("vaccines")
    got = slates[slates["article"] == "A010-05"]["member"].map(wants)
    counts = [int(got.sum()), int(wants.sum()), int((~got).sum()), int((~wants).sum())]
    assert counts == [12, 22, 12, 50]
    said = "12 of the 22 members who name\n`vaccines`, and to 12 of the 50 others"
    assert said in PAGE
