"""The mistakes of a hurry: ids that lost their zeros, last week's pool, half of the members."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from serving import send
from serving.tables.table import Table
from tests.support.desk_cases import K, N, list_arguments


def ask(desk: Path, unit: Path, *more: str, **other: Any) -> int:
    return send.main([*list_arguments(desk, unit / "bundle", **other), *more])


@pytest.fixture
def members(desk: Path) -> list[str]:
    """Their ids, which begin with zeros; the list of what was seen has the same."""
    for name in ("members", "seen"):
        frame = pd.read_parquet(desk / f"{name}.parquet")
        frame["member"] = [f"{one:07d}" for one in frame["member"]]
        frame.to_parquet(desk / f"{name}.parquet")
    found: list[str] = pd.read_parquet(desk / "members.parquet")["member"].tolist()
    return found


@pytest.mark.parametrize("form", ["{:.0f}", '="{:07.0f}"', "{:09.0f}"])
def test_an_unsubscribed_member_whose_id_was_rewritten_is_not_mailed(
    form: str, members: list[str], unit: Path, desk: Path, capsys: Any
) -> None:
    """One of three ids; the others are a member's and nobody's."""
    written, path = form.format(int(members[3])), desk / "gone.csv"
    pd.DataFrame({"member": [members[1], "x9", written]}).to_csv(path, index=False)
    assert ask(desk, unit, "--suppress", str(path)) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"gone.csv: {written!r} is nobody's id, and {members[3]!r} is a member's: has" in said
    assert not (desk / "out").exists()
    assert ask(desk, unit, "--suppress", str(path), "--allow-unmatched") == 0


def test_who_has_seen_what_is_refused_where_ids_lost_their_zeros(
    members: list[str], unit: Path, desk: Path, capsys: Any
) -> None:
    seen = pd.read_parquet(desk / "seen.parquet")
    rewritten = [str(int(one)) if at % 2 else one for at, one in enumerate(seen["member"])]
    seen.assign(member=rewritten).to_parquet(desk / "seen.parquet")
    assert ask(desk, unit) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "seen.parquet: '" in said
    assert "is nobody's id, and '0" in said
    assert "Save the column of ids as text" in said


def test_a_list_of_nobody_is_told(unit: Path, desk: Path, capsys: Any) -> None:
    (desk / "gone.csv").write_text("Member ID\n")
    assert ask(desk, unit, "--suppress", str(desk / "gone.csv")) == 0
    assert "gone.csv names nobody: all members are mailed" in capsys.readouterr().err


def test_the_pool_of_last_week_and_half_a_list_are_told_first_on_the_page(
    unit: Path, desk: Path, capsys: Any
) -> None:
    assert ask(desk, unit, campaign="week-29", out=desk / "past") == 0
    listed = pd.read_parquet(desk / "members.parquet")
    listed.iloc[: N * 4 // 5].to_parquet(desk / "members.parquet")  # a fifth may leave
    assert ask(desk, unit, "--sent", str(desk / "past"), out=desk / "most") == 0
    assert "mailed no longer" not in capsys.readouterr().err
    listed.iloc[: N * 4 // 5 - 1].to_parquet(desk / "members.parquet")
    assert ask(desk, unit, "--sent", str(desk / "past")) == 0
    told = json.loads((desk / "out" / "send.json").read_text())
    assert told["alarms"][:2] == [
        "no article is new since week-29: is this the pool that was sent then?",
        f"{N // 5 + 1} of {N} members who were mailed in week-29 are mailed no longer: is the "
        "member list whole?",
    ]
    said = capsys.readouterr().err
    assert all(f"warning: {sentence}" in said for sentence in told["alarms"])
    page = " ".join((desk / "out" / "preview.html").read_text(encoding="utf-8").split())
    assert "is this the pool that was sent then?<" in page
    assert page.index("No article is new since week-29") < page.index('class="letter ')
    pool = pd.read_parquet(desk / "pool.parquet")
    pool["article"] = ["new", *pool["article"][1:]]
    pool.to_parquet(desk / "pool.parquet")
    assert ask(desk, unit, "--sent", str(desk / "past"), out=desk / "next") == 0
    told = json.loads((desk / "next" / "send.json").read_text())
    assert not [sentence for sentence in told["alarms"] if "no article is new" in sentence]


def test_a_minimum_that_many_newsletters_do_not_keep_is_told(
    unit: Path, desk: Path, capsys: Any
) -> None:
    """Those whom `only_` keeps from the one event: more than a tenth."""
    pool, listed = (pd.read_parquet(desk / f"{name}.parquet") for name in ("pool", "members"))
    pool["kind"] = ["event", *["article"] * (len(pool) - 1)]
    region = listed["region"].dropna().iloc[0]
    pool["only_region"] = [region, *[None] * (len(pool) - 1)]
    pool.to_parquet(desk / "pool.parquet")
    (desk / "rules.yaml").write_text(f"slots: {K}\nat_least: {{kind: {{event: 1}}}}\n")
    assert ask(desk, unit) == 0
    told = json.loads((desk / "out" / "send.json").read_text())
    (words, broken), *_ = told["given_up"].items()
    assert broken > N / 10
    assert told["alarms"] == [f"{words} is given up in {broken} of {N} newsletters"]
    assert f"warning: {told['alarms'][0]}" in capsys.readouterr().err


def test_a_list_of_names_alone_has_no_rows(unit: Path, desk: Path, capsys: Any) -> None:
    names = pq.read_schema(desk / "members.parquet").names
    for more in ("", "," * (len(names) - 1) + "\n"):
        (desk / "members.csv").write_text(",".join(names) + "\n" + more)
        asked = list_arguments(desk, unit / "bundle", members=desk / "members.csv")
        assert send.main(asked) == 2
        assert "members.csv has no rows" in capsys.readouterr().err


def test_a_pipe_of_the_suppressed_is_refused(unit: Path, desk: Path, capsys: Any) -> None:
    """It would be empty when it is read again, and everybody mailed."""
    os.mkfifo(desk / "gone.csv")
    asked = [*list_arguments(desk, unit / "bundle"), "--suppress", str(desk / "gone.csv")]
    assert send.main(asked) == 2
    assert "gone.csv is a pipe; the list is read several times" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "begins", "said"),
    [
        ("u10.xls", b"\xd0\xcf\x11\xe0\xa1", "is an old Excel workbook (.xls), or one with a pass"),
        ("u10.xlsx", b"\xd0\xcf\x11\xe0\xa1", "save it as .xlsx without a password, or as CSV"),
        ("u10.xls", b"member\n1\n", "its name ends in '.xls', which says of no format that is"),
        ("u10.dat", b"member\n1\n", "must be one of .csv, .tsv, .txt, .xlsx, .parquet"),
        ("u10.parquet", b"member\n1\n", "is not a sound parquet file"),
    ],
)
def test_a_format_that_is_not_read_is_named(
    tmp_path: Path, name: str, begins: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(begins)
    with pytest.raises(ValueError, match=f"{re.escape(name)}.*{re.escape(said)}"):
        list(Table.read_pieces(tmp_path / name, []))
