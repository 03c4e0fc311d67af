"""Columns that are nearly right: taken, told or refused with the right name, never passed over."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving import send
from serving.checks.names import find_columns, find_consent, find_nearly_right
from tests.support.desk_cases import list_arguments


def change_pool(desk: Path, name: str, cell: object) -> None:
    pool = pd.read_parquet(desk / "pool.parquet").drop(columns="url")
    values = [cell] + [None] * (len(pool) - 1)
    pool.assign(**{name: values}).to_parquet(desk / "pool.parquet")


@pytest.mark.parametrize(
    ("name", "right"),
    [
        *(("Story ID", "story"), ("Audiences", "audience"), ("Link", "url"), ("URLs", "url")),
        *(("Image URL", "image"), ("Subject line", "subject"), ("OnlyRegion", "only_region")),
        *(("Max. audience", "audience"), ("Storys", "story"), ("Permalink", "url")),
    ],
)
def test_a_column_that_is_nearly_right_is_refused_with_the_right_name(
    name: str, right: str, unit: Path, desk: Path, capsys: Any
) -> None:
    change_pool(desk, name, "x")
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = capsys.readouterr().err
    assert f"pool.parquet: column {name!r} is not read, and {right!r} would be: rename it" in said
    assert not (desk / "out").exists()


def test_what_is_there_under_its_right_name_is_not_looked_for() -> None:
    read = {"article", "title", "url", "story"}
    assert list(find_nearly_right(["url", "Link", "Author", "story", "Region"], read)) == []
    assert dict(find_nearly_right(["Link", "Author", "Stories"], read)) == {
        "Link": "url",
        "Stories": "story",
    }


def test_a_restriction_by_an_attribute_that_nobody_has_blames_the_pool(
    unit: Path, desk: Path, capsys: Any
) -> None:
    change_pool(desk, "Only Regions", "Great Lakes")
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = capsys.readouterr().err
    assert "members.parquet lacks column 'regions', which the column 'only_regions' of" in said
    assert "pool.parquet asks for; it has" in said
    assert "the nearest is 'region'" in said
    pool = pd.read_parquet(desk / "pool.parquet").drop(columns="Only Regions")
    pool.assign(only_member_since="2020-01-01").to_parquet(desk / "pool.parquet")
    members = pd.read_parquet(desk / "members.parquet")
    members.assign(member_since=2020.5).to_parquet(desk / "members.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = capsys.readouterr().err
    assert "column 'only_member_since' keeps articles to the members with that member_sin" in said


def test_a_list_without_ids_is_refused_by_the_names_that_the_docs_use(tmp_path: Path) -> None:
    for name in ("member", "article", "old"):
        with pytest.raises(ValueError, match=rf"lacks column '{name}' or '{name.title()} ID'"):
            find_columns(tmp_path, ["Key"], [name])
    with pytest.raises(ValueError, match="the nearest is 'Membr ID'"):
        find_columns(tmp_path, ["Membr ID", "Region"], ["member"])


@pytest.mark.parametrize("limit", [2.5, 0.5])
def test_an_audience_is_a_whole_number(limit: float, unit: Path, desk: Path, capsys: Any) -> None:
    change_pool(desk, "audience", limit)
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = capsys.readouterr().err
    assert f"pool.parquet row 0: audience = {limit}; must be a whole number" in said


@pytest.mark.parametrize("name", ["audience", "admit_below"])
def test_true_is_no_amount(name: str, unit: Path, desk: Path, capsys: Any) -> None:
    """It would be read as 1: one member gets the article, or all do."""
    change_pool(desk, name, True)
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"column '{name}' has type bool; must be numbers, not true or false" in said


def test_a_column_of_consent_is_told(unit: Path, desk: Path, capsys: Any) -> None:
    names = ["Newsletter?", "Opt-Out", "Do not e-mail", "Unsubscribed", "E-mail consent"]
    assert find_consent([*names, "Region", "Newsroom", "Option"]) == names
    members = pd.read_parquet(desk / "members.parquet")
    members.assign(**{"Newsletter?": "no"}).to_parquet(desk / "members.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "columns 'Newsletter?' keep nobody from being mailed: who wants no mail goes" in said
