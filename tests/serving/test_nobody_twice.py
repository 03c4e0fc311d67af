"""Nobody is mailed twice in a campaign, nobody who must not be, and nobody is forgotten."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.keys import member_keys, uniforms
from serving import send
from tests.support.desk_cases import K, list_arguments
from tests.support.ingest_cases import read_files

WAVE_1, WAVE_2 = ("--wave", "1", "--share", ".4"), ("--wave", "2", "--share", ".25")


def ask(desk: Path, unit: Path, *more: str, **other: Any) -> int:
    return send.main([*list_arguments(desk, unit / "bundle", **other), *more])


def read_mailed(folder: Path) -> set[Any]:
    return set(pd.read_parquet(folder / "slates.parquet")["member"])


def write_text_ids(desk: Path, write: Callable[[int], str]) -> pd.DataFrame:
    """The members and what they have seen, under ids that are text."""
    for name in ("members", "seen"):
        frame = pd.read_parquet(desk / f"{name}.parquet")
        frame["member"] = [write(one) for one in frame["member"]]
        frame.to_parquet(desk / f"{name}.parquet")
    return pd.read_parquet(desk / "members.parquet")


def test_a_wave_is_not_done_again_when_a_later_one_is_out(
    unit: Path, desk: Path, capsys: Any
) -> None:
    """Done again as it was, it says that it is done; without its record it is refused."""
    assert ask(desk, unit, *WAVE_1) == 0
    assert ask(desk, unit, *WAVE_2) == 0
    before = read_files(desk / "out")
    assert ask(desk, unit, *WAVE_1) == 0
    assert "it was sent before, and nothing was chosen anew" in capsys.readouterr().out
    assert ask(desk, unit, "--wave", "1", "--share", ".9") == 2
    assert "was made with other wave" in capsys.readouterr().err
    assert read_files(desk / "out") == before
    shutil.move(desk / "out" / "wave-1", desk / "elsewhere")
    for share in (".9", ".4"):
        assert ask(desk, unit, "--wave", "1", "--share", share) == 2
        said = capsys.readouterr().err
        assert "wave-2 is sent, and" in said
        assert "wave-1 holds no send.json any more: to send it again would mail" in said
    shutil.move(desk / "elsewhere", desk / "out" / "wave-1")
    assert ask(desk, unit, "--wave", "3") == 0


def test_ids_that_were_rewritten_between_waves_are_refused(
    unit: Path, desk: Path, capsys: Any
) -> None:
    """00003 -> 3: all of them, and one of them; aliases say who is who, and nobody is doubled."""
    members = write_text_ids(desk, lambda one: f"00{one}")
    assert ask(desk, unit, *WAVE_1) == 0
    mailed = read_mailed(desk / "out" / "wave-1")
    bare = members["member"].str.lstrip("0")
    lots = uniforms(0, "week-30", "wave", member_keys(bare.to_numpy(object)), 1)[:, 0]
    assert (bare[lots >= 0.4].map(lambda one: f"00{one}")).isin(mailed).any()  # would be doubled
    members.assign(member=bare).to_parquet(desk / "bare.parquet")
    bad = {"members": desk / "bare.parquet"}
    more = ("--wave", "2", "--allow-unmatched")
    assert ask(desk, unit, *more, **bad) == 2
    said = capsys.readouterr().err
    assert f"only 0 of the {len(mailed)} members who were mailed in earlier waves" in said
    assert "--aliases says which id an old one is now" in said
    one = next(one for one in members["member"] if one in mailed)
    few = members["member"].where(members["member"] != one, one.lstrip("0"))
    members.assign(member=few).to_parquet(desk / "few.parquet")
    assert ask(desk, unit, *more, members=desk / "few.parquet") == 2
    said = capsys.readouterr().err
    assert f"member {one.lstrip('0')!r} seems to be {one!r}, who was mailed in an earlier" in said
    assert not (desk / "out" / "wave-2").exists()
    pairs = pd.DataFrame({"old": members["member"], "member": bare})
    pairs.to_csv(desk / "ids.csv", index=False)
    assert ask(desk, unit, *more, "--aliases", str(desk / "ids.csv"), **bad) == 0
    second = read_mailed(desk / "out" / "wave-2")
    assert not {f"00{one}" for one in second} & mailed
    assert len(second) + len(mailed) == len(members)


def test_the_last_wave_mails_whoever_joined_meanwhile(unit: Path, desk: Path, capsys: Any) -> None:
    """Joined or suppressed when their own wave went out: each is mailed once, with its slate."""
    members = pd.read_parquet(desk / "members.parquet")
    members.iloc[:40].to_parquet(desk / "early.parquet")
    lots = uniforms(0, "week-30", "wave", member_keys(members["member"].to_numpy()), 1)[:, 0]
    late = set(members["member"][(lots < 0.4) & (members.index >= 40)])
    gone = members["member"][(lots < 0.4) & (members.index < 40)].iloc[0]
    (desk / "gone.csv").write_text(f"member\n{gone}\n")
    lists = ("--suppress", str(desk / "gone.csv"))
    assert ask(desk, unit, *WAVE_1, *lists, members=desk / "early.parquet") == 0
    capsys.readouterr()
    assert ask(desk, unit, *WAVE_2) == 0
    count = len(late) + 1
    assert f"{count} members who joined, or were suppressed, when" in capsys.readouterr().err
    assert ask(desk, unit, "--wave", "3") == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"{count} members who joined, or were suppressed, when earlier waves were sent" in said
    assert "are mailed in this one, the last" in said
    assert "are mailed in this one" in (desk / "out/wave-3/preview.html").read_text()
    parts = [read_mailed(desk / "out" / f"wave-{number}") for number in (1, 2, 3)]
    assert late | {gone} <= parts[2]
    assert sum(map(len, parts)) == len(members) == len(set.union(*parts))
    assert ask(desk, unit, out=desk / "whole") == 0
    folders = [*(desk / "out" / f"wave-{number}" for number in (1, 2, 3)), desk / "whole"]
    tables = [pd.read_parquet(folder / "slates.parquet") for folder in folders]
    tables = [table.set_index(["member", "slot"]) for table in tables]
    whole = tables.pop().sort_index()
    pd.testing.assert_frame_equal(pd.concat(tables).sort_index(), whole)


def test_a_wave_that_takes_up_all_shares_is_the_last(unit: Path, desk: Path) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    members.iloc[:40].to_parquet(desk / "early.parquet")
    assert ask(desk, unit, *WAVE_1, members=desk / "early.parquet") == 0
    assert ask(desk, unit, "--wave", "2", "--share", ".6") == 0
    parts = [read_mailed(desk / "out" / f"wave-{number}") for number in (1, 2)]
    assert sum(map(len, parts)) == len(members) == len(set.union(*parts))


def test_sends_grouped_otherwise_are_another_send(unit: Path, desk: Path, capsys: Any) -> None:
    """One campaign in waves is one issue; its waves by themselves would pass for two."""
    for name in ("a", "b"):
        assert ask(desk, unit, campaign=f"week-{name}", out=desk / name) == 0
    (desk / "ab").mkdir()
    for number, name in enumerate("ab", start=1):
        shutil.copytree(desk / name, desk / "ab" / f"wave-{number}")
    (desk / "rules.yaml").write_text(f"{{slots: {K}, no_repeat: 1}}\n")
    assert ask(desk, unit, "--sent", str(desk / "a"), str(desk / "b")) == 0
    before = read_files(desk / "out")
    assert ask(desk, unit, "--sent", str(desk / "ab")) == 2
    assert "was made with other sent" in capsys.readouterr().err
    assert read_files(desk / "out") == before
    for more in (WAVE_1, ("--wave", "2")):
        more = (*more, "--sent", str(desk / "a"))
        assert ask(desk, unit, *more, campaign="week-29", out=desk / "waves") == 0
    parts = [str(desk / "waves" / f"wave-{number}") for number in (1, 2)]
    assert ask(desk, unit, "--sent", *parts, out=desk / "next") == 2
    said = capsys.readouterr().err
    assert "are of one campaign, 'week-29': of one in waves, name the folder that holds" in said
    assert ask(desk, unit, "--sent", str(desk / "waves"), out=desk / "next") == 0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_nobody_sees_around_an_id_suppresses_all_the_same(
    ending: str, unit: Path, desk: Path
) -> None:
    members = write_text_ids(desk, lambda one: f"M{one}")["member"].tolist()
    marks = [" {} ", "\ufeff{}", "{}\u200b", "\u00a0{}", "\u202a{}\u202c", "{}\u200e\t"]
    pairs = zip(marks, members, strict=False)
    listed = pd.DataFrame({"member": [mark.format(one) for mark, one in pairs]})
    path = desk / f"gone.{ending}"
    listed.to_csv(path, index=False) if ending == "csv" else listed.to_parquet(path)
    assert ask(desk, unit, "--suppress", str(path)) == 0
    assert read_mailed(desk / "out") == set(members[len(marks) :])
    told = json.loads((desk / "out" / "send.json").read_text())
    assert told["suppressed"] == len(marks)


def test_sends_with_ids_of_another_type_are_refused(unit: Path, desk: Path, capsys: Any) -> None:
    """Numbers then and text now: the pairs would match nobody, and no_repeat keep nothing apart."""
    assert ask(desk, unit, campaign="week-29", out=desk / "first") == 0
    write_text_ids(desk, str)
    assert ask(desk, unit, "--sent", str(desk / "first")) == 2
    said = capsys.readouterr().err
    assert "slates.parquet: column 'member' has type int64, and the members of now have" in said
    pool = pd.read_parquet(desk / "pool.parquet")
    assert ask(desk, unit, campaign="week-29", out=desk / "second") == 0
    pool.assign(article=np.arange(len(pool))).to_parquet(desk / "pool.parquet")
    (desk / "seen.csv").write_text("member,article\n")
    asked = list_arguments(desk, unit / "bundle")
    del asked[asked.index("--seen") : asked.index("--seen") + 2]
    assert send.main([*asked, "--sent", str(desk / "second")]) == 2
    assert "column 'article' has type" in capsys.readouterr().err


def test_earlier_pools_that_say_nothing_are_told(unit: Path, desk: Path, capsys: Any) -> None:
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.assign(article="old-" + pool["article"]).to_parquet(desk / "old.parquet")
    assert ask(desk, unit, "--earlier", str(desk / "old.parquet")) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "old.parquet: no member is known to have seen an article of these pools, so" in said
    assert "--earlier does nothing: give the list that says who has, by --seen (or" in said


@pytest.mark.parametrize(
    ("name", "option"),
    [("ids.csv", "--aliases"), ("key.pem", "--trust"), ("gone.csv", "--suppress")],
)
def test_a_send_is_not_written_where_it_reads(
    name: str, option: str, unit: Path, desk: Path, capsys: Any
) -> None:
    (desk / "files").mkdir()
    (desk / "files" / name).write_text("old,member\n")
    (desk / "link").symlink_to(desk / "files")
    for out in (desk / "link", desk / "files"):
        assert ask(desk, unit, option, str(desk / "files" / name), out=out) == 2
        assert f"holds {name}, which is read; choose another" in capsys.readouterr().err
    assert sorted(path.name for path in (desk / "files").iterdir()) == [name]


def test_links_lead_no_send_into_another(unit: Path, desk: Path, capsys: Any) -> None:
    """--out in a folder of --sent, a wave that is a link, and a link that leads to itself."""
    assert ask(desk, unit, campaign="week-29", out=desk / "first") == 0
    before = read_files(desk / "first")
    (desk / "link").symlink_to(desk / "first")
    for out in ("first/next", "link/next", "link"):
        assert ask(desk, unit, "--sent", str(desk / "first"), out=desk / out) == 2
        assert "which it would spoil; choose another" in capsys.readouterr().err
    (desk / "out").mkdir()
    (desk / "out" / "wave-1").symlink_to(desk)
    assert ask(desk, unit, *WAVE_1) == 2
    assert (
        "wave-1 is a link; the folder of a wave must be one of its own" in capsys.readouterr().err
    )
    (desk / "round").symlink_to(desk / "round")
    assert ask(desk, unit, out=desk / "round") == 2
    assert "round is a link that leads nowhere, round in a circle" in capsys.readouterr().err
    assert read_files(desk / "first") == before


@pytest.mark.parametrize("campaign", ["week\u202e30", "week\n30", "\ufeffweek-30", "week\u200b30"])
def test_names_with_marks_that_nobody_sees_are_refused(
    campaign: str, unit: Path, desk: Path, capsys: Any
) -> None:
    assert ask(desk, unit, campaign=campaign) == 2
    said = capsys.readouterr().err
    assert "--campaign = 'week" in said or "--campaign = '\\ufeffweek" in said
    assert "which nobody sees" in said
    assert said.isascii()
    members = write_text_ids(desk, lambda one: f"M{one}")
    members.loc[5, "member"] = "M1\u202e2"
    members.to_parquet(desk / "members.parquet")
    assert ask(desk, unit) == 2
    said = capsys.readouterr().err
    assert "members.parquet row 5: member 'M1\\u202e2' holds U+202E, which nobody sees" in said
