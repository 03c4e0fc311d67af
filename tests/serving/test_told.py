"""What a send says of files that it takes: nothing that was given is passed over in silence."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving import send
from tests.support.desk_cases import list_arguments


def test_what_limits_nobody_is_said(unit: Path, desk: Path, capsys: Any) -> None:
    """A restriction under another name, a misspelt kind, and misspelt ids among the suppressed."""
    pool = pd.read_parquet(desk / "pool.parquet")
    pool["Restricted to chapter"] = "Alpine"
    pool.loc[3, "kind"] = "Evnt"
    pool.to_parquet(desk / "pool.parquet")
    member = pd.read_parquet(desk / "members.parquet")["member"][7]
    listed = pd.DataFrame({"member": [str(member), "A-77", "A1009"]})
    listed.to_csv(desk / "gone.csv", index=False)
    asked = [*list_arguments(desk, unit / "bundle"), "--suppress", str(desk / "gone.csv")]
    assert send.main(asked) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "'Restricted to chapter' are not read and limit nobody" in said
    assert "kind 'Evnt', of 1 articles, is none of article, event, resource" in said
    assert "and counts as an article; the nearest is 'event'" in said
    assert "2 of 3 ids in" in said
    assert "such as 'A-77'" in said
    page = (desk / "out" / "preview.html").read_text()
    assert "are not read and limit nobody" in page


@pytest.mark.parametrize(
    ("bare", "said"),
    [
        ([3], "1 of 11 articles has no url, {}: its title is no link"),
        ([8, 3, 5], "3 of 11 articles have no url, such as {}: their titles are no links"),
        ([*range(11)], "11 of 11 articles have no url, such as {}: their titles are no links"),
    ],
)
@pytest.mark.parametrize("empty", [None, " "])
def test_articles_without_a_link_are_told(
    bare: list[int], said: str, empty: str | None, unit: Path, desk: Path, capsys: Any
) -> None:
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.loc[bare, "url"] = empty
    pool.to_parquet(desk / "pool.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    assert f"pool.parquet: {said.format(repr(min(pool['article'][bare])))}\n" in (
        capsys.readouterr().err
    )


def test_a_list_of_what_strangers_saw_is_refused(unit: Path, desk: Path, capsys: Any) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    stranger = members["member"].max() + 1
    seen = pd.DataFrame({"member": [stranger], "article": ["b"]})
    seen.to_parquet(desk / "seen.parquet")
    asked = list_arguments(desk, unit / "bundle")
    assert send.main(asked) == 2
    assert "seen.parquet: none of its members, such as " in capsys.readouterr().err
    assert send.main([*asked, "--allow-unmatched"]) == 0


def test_the_preview_shows_who_alone_sees_an_article(unit: Path, desk: Path) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    pool = pd.read_parquet(desk / "pool.parquet")
    pool["only_region"] = [members["region"][0], *[None] * (len(pool) - 1)]
    pool.to_parquet(desk / "pool.parquet")
    members.loc[0, "region"] = None
    members.to_parquet(desk / "members.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    page = (desk / "out" / "preview.html").read_text()
    assert page.count("only for region ") == 1
    assert " ·  · " not in page


def test_pins_that_were_missed_are_counted_at_the_end(unit: Path, desk: Path, capsys: Any) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    pool = pd.read_parquet(desk / "pool.parquet")
    region = members["region"].mode()[0]
    pool["only_region"] = [region, *[None] * (len(pool) - 1)]
    pool.to_parquet(desk / "pool.parquet")
    (desk / "rules.yaml").write_text(f"{{slots: 4, pins: {{3: {pool['article'][0]}}}}}\n")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    missed = int((members["region"] != region).sum())
    assert f"; pins missed: slot 3 in {missed} mails" in capsys.readouterr().out


def test_a_wave_is_compared_as_a_wave(unit: Path, desk: Path) -> None:
    """A part of the members is mailed: the others are not told as mailed no longer."""
    bundle = unit / "bundle"
    assert send.main(list_arguments(desk, bundle, campaign="week-29", out=desk / "last")) == 0
    asked = [*list_arguments(desk, bundle), "--sent", str(desk / "last")]
    assert send.main([*asked, "--wave", "1", "--share", ".4"]) == 0
    page = (desk / "out" / "wave-1" / "preview.html").read_text()
    count = pd.read_parquet(desk / "out" / "wave-1" / "slates.parquet")["member"].nunique()
    assert f"Of the {count} members in wave 1, 0 were not mailed then." in page
    assert "no longer." not in page
    asked = list_arguments(desk, bundle, campaign="week-31", out=desk / "next")
    assert send.main([*asked, "--sent", str(desk / "out" / "wave-1")]) == 0
    assert "Since wave 1 of week-30" in (desk / "next" / "preview.html").read_text()
