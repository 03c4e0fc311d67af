"""Who is mailed: waves, holdouts, limited audiences, suppression, and no repeats between issues."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.keys import member_keys, uniforms
from bandit.core.rules import Rules
from bandit.log.issue import read_slates
from bandit.policies.random import Random
from bandit.slates.editorial import find_eligible
from bandit.slates.propensity import replay
from serving import bundle, send
from serving.shards.desk import Desk
from simulators.association.association import Association
from tests.support.desk_cases import K, N, list_arguments


def ask(desk: Path, unit: Path, *more: str, **other: Any) -> int:
    return send.main([*list_arguments(desk, unit / "bundle", **other), *more])


def read_sent(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    told = json.loads((folder / "send.json").read_text())
    return pd.read_parquet(folder / "slates.parquet"), told


def read_whole(folder: Path) -> pd.DataFrame:
    return read_sent(folder)[0].set_index(["member", "slot"])


def test_waves_part_the_members_and_change_nobodys_slate(unit: Path, desk: Path) -> None:
    """Each member is in one wave, with the slate that one send to everybody gives."""
    assert ask(desk, unit, out=desk / "whole") == 0
    waves = [("--wave", "1", "--share", "0.25"), ("--wave", "2", "--share", "0.3"), ("--wave", "3")]
    for more in waves:
        assert ask(desk, unit, *more) == 0
    parts = [read_whole(desk / "out" / f"wave-{number}") for number in (1, 2, 3)]
    members = [set(part.index.get_level_values("member")) for part in parts]
    assert sum(map(len, members)) == N == len(set.union(*members))
    ids = pd.read_parquet(desk / "members.parquet")["member"].to_numpy()
    lots = uniforms(0, "week-30", "wave", member_keys(ids), 1)[:, 0]
    assert members[0] == set(ids[lots < 0.25])
    assert members[1] == set(ids[(lots >= 0.25) & (lots < 0.55)])
    together = pd.concat(parts).sort_index()
    pd.testing.assert_frame_equal(together, read_whole(desk / "whole").sort_index())
    assert read_sent(desk / "out" / "wave-2")[1]["wave"] == {"number": 2, "shares": [0.25, 0.3]}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--wave", "2"), "wave-1 holds no send.json: it is no send, or not a finished one"),
        (("--wave", "1"), "--wave 1 needs --share"),
        (("--wave", "0", "--share", ".1"), "--wave = 0; must be at least 1"),
        (("--wave", str(10**30), "--share", ".1"), "; must be at most 1000"),
        (("--share", ".1"), "--share 0.1 is of a wave"),
        (("--wave", "1", "--share", "1.5"), "--share = 1.5; must be in [0, 1]"),
        (("--wave", "1", "--share", "0"), "wave 1 has none of the 60 members"),
        (("--series", "year"), "--series is of a holdout"),
        (("--holdout", ".1"), "--series is empty"),
        (("--holdout", "2", "--series", "year"), "--holdout = 2.0; must be in [0, 1]"),
    ],
)
def test_options_that_would_do_nothing_or_harm_are_refused(
    more: tuple[str, ...], message: str, unit: Path, desk: Path, capsys: Any
) -> None:
    assert ask(desk, unit, *more) == 2
    assert message in capsys.readouterr().err
    assert not (desk / "out").exists()


def test_nobody_is_mailed_twice_in_a_campaign(unit: Path, desk: Path, capsys: Any) -> None:
    assert ask(desk, unit, "--wave", "1", "--share", "0.5") == 0
    for other, message in (
        ({}, "holds a campaign that is sent in waves; name the next one by --wave"),
        ({"seed": 8}, "was sent with seed 7, now 8; all waves of a campaign must have the same"),
        ({"campaign": "x"}, "was sent with campaign 'week-30', now 'x'"),
    ):
        wave = ("--wave", "2") if other else ()
        assert ask(desk, unit, *wave, **other) == 2
        assert message in capsys.readouterr().err
    members = pd.read_parquet(desk / "members.parquet")
    members.astype({"member": "str"}).to_parquet(desk / "text.parquet")
    seen = pd.read_parquet(desk / "seen.parquet").astype({"member": "str"})
    seen.to_parquet(desk / "text_seen.parquet")
    other = {"members": desk / "text.parquet", "seen": desk / "text_seen.parquet"}
    assert ask(desk, unit, "--wave", "2", **other) == 2
    assert "waves are drawn by id, which must stay what it was" in capsys.readouterr().err
    assert ask(desk, unit, "--wave", "2") == 0
    assert ask(desk, unit, "--wave", "3") == 2
    assert "took all the rest of the members" in capsys.readouterr().err
    assert ask(desk, unit, out=desk / "all") == 0
    assert ask(desk, unit, "--wave", "1", "--share", ".5", out=desk / "all") == 2
    assert "holds a send to everybody" in capsys.readouterr().err


def test_the_held_out_get_random_slates_with_their_propensities(
    unit: Path, desk: Path, association: Association
) -> None:
    """Others keep their slates; the same members are held out in the next campaign."""
    assert ask(desk, unit, out=desk / "whole") == 0
    more = ("--holdout", "0.4", "--series", "2026")
    assert ask(desk, unit, *more, chunk=23) == 0
    assert ask(desk, unit, *more, campaign="week-31", out=desk / "next") == 0
    slates, whole = read_whole(desk / "out"), read_whole(desk / "whole")
    held = slates["holdout"]
    assert 0 < held.sum() / K == read_sent(desk / "out")[1]["held_out"] < N
    pd.testing.assert_frame_equal(slates[~held], whole[~held])
    assert (read_whole(desk / "next")["holdout"] == held).all()
    ids = pd.read_parquet(desk / "members.parquet")["member"].to_numpy()
    lots = uniforms(0, "2026", "holdout", member_keys(ids), 1)[:, 0]
    assert set(held[held].index.get_level_values("member")) == set(ids[lots < 0.4])
    first = slates[held].xs(1, level="slot")
    pool = pd.read_parquet(desk / "pool.parquet")
    members = pd.read_parquet(desk / "members.parquet").set_index("member", drop=False)
    open_ = find_eligible(members.loc[first.index].reset_index(drop=True), pool).sum(axis=1)
    seen = pd.read_parquet(desk / "seen.parquet")["member"]
    fresh = ~first.index.isin(seen)
    np.testing.assert_allclose(first["propensity"][fresh], 1 / open_[fresh], rtol=1e-12)


def test_a_fallback_bundle_chooses_for_the_held_out(
    unit: Path, desk: Path, association: Association
) -> None:
    policy = Random()
    policy.start(association.features)
    place = "bandit.policies.random.Random"
    bundle.write(desk / "fallback", policy, place, {}, association.features, {})
    more = ("--holdout", "0.4", "--series", "2026")
    assert ask(desk, unit, *more) == 0
    assert ask(desk, unit, *more, "--fallback", str(desk / "fallback"), out=desk / "other") == 0
    pd.testing.assert_frame_equal(read_whole(desk / "out"), read_whole(desk / "other"))
    told = read_sent(desk / "other")[1]["holdout"]
    assert told["chooses"] == bundle.read(desk / "fallback").digest


@pytest.fixture
def limited(desk: Path) -> Path:
    """A pool whose third article only 17 members may get, and whose first is pinned to them."""
    pool = pd.read_parquet(desk / "pool.parquet")
    audience = [None] * len(pool)
    audience[2] = 17
    pool.assign(audience=pd.array(audience, dtype="Int64")).to_parquet(desk / "pool.parquet")
    (desk / "rules.yaml").write_text(f"slots: {K}\npins: {{2: {pool['article'][2]}}}\n")
    return desk


def test_at_most_so_many_members_get_an_article(
    unit: Path, limited: Path, association: Association
) -> None:
    """Pinned, it reaches 17 of 60 in all: the lowest lots; in waves no more than that together."""
    article = pd.read_parquet(limited / "pool.parquet")["article"][2]
    assert ask(limited, unit) == 0
    slates, told = read_sent(limited / "out")
    assert (slates["article"] == article).sum() == 17
    below = told["audience"][article]["admit_below"]
    ids = pd.read_parquet(limited / "members.parquet")["member"].to_numpy()
    lots = uniforms(0, article, "audience", member_keys(ids), 1)[:, 0]
    assert set(slates["member"][slates["article"] == article]) == set(ids[lots < below])
    assert ask(limited, unit, chunk=7, out=limited / "chunks") == 0
    pd.testing.assert_frame_equal(read_whole(limited / "out"), read_whole(limited / "chunks"))
    for more in (("--wave", "1", "--share", ".4"), ("--wave", "2")):
        assert ask(limited, unit, *more, out=limited / "waves") == 0
    parts = [read_sent(limited / "waves" / f"wave-{number}")[0] for number in (1, 2)]
    assert (pd.concat(parts)["article"] == article).sum() == 17


def test_an_audience_and_a_lot_may_limit_different_articles(unit: Path, limited: Path) -> None:
    """A lot that is not given is no limit, also for the article that has an audience."""
    pool = pd.read_parquet(limited / "pool.parquet")
    lots = [float("nan"), 0.5, *[float("nan")] * (len(pool) - 2)]
    pool.assign(admit_below=lots, audience=[500.0, *pool["audience"][1:]]).to_parquet(
        limited / "pool.parquet"
    )
    assert ask(limited, unit) == 0
    slates, told = read_sent(limited / "out")
    first = told["audience"][pool["article"][0]]
    assert first == {"at_most": 500, "may_see": N, "admit_below": 1.0}
    ids = pd.read_parquet(limited / "members.parquet")["member"].to_numpy()
    lots = uniforms(0, pool["article"][1], "audience", member_keys(ids), 1)[:, 0]
    shown = set(slates["member"][slates["article"] == pool["article"][1]])
    assert shown <= set(ids[lots < 0.5])


def test_propensities_of_a_limited_article_are_replayed_exactly(
    unit: Path, limited: Path, association: Association
) -> None:
    """The pool with its column `admit_below` is all that a reader of the log needs."""
    assert ask(limited, unit) == 0
    pool = pd.read_parquet(limited / "pool.parquet")
    below = read_sent(limited / "out")[1]["audience"][pool["article"][2]]["admit_below"]
    limits = [None, None, below] + [None] * (len(pool) - 3)
    pool = pool.assign(admit_below=np.array(limits, dtype=float))
    members = pd.read_parquet(limited / "members.parquet").drop(columns="email")
    order = np.argsort(pool["article"].to_numpy())
    pool = pool.iloc[order].reset_index(drop=True)
    found = bundle.read(unit / "bundle")
    rules = Rules(slots=K, pins={2: pool["article"][int(np.flatnonzero(order == 2)[0])]})
    pairs = pd.read_parquet(limited / "seen.parquet")
    seen = np.zeros((N, len(pool)), dtype=bool)
    for member, article in pairs.itertuples(index=False):
        seen[members["member"] == member, pool["article"] == article] = True
    context = found.features.make_context(
        "week-30", 1, members, pool, rules, find_eligible(members, pool), seen
    )
    slates = read_slates(limited / "out" / "slates.parquet", context)
    again = replay(found.policy.plan(context), context, slates.choice)
    np.testing.assert_array_equal(again, slates.propensity)


def test_the_suppressed_are_in_no_file(unit: Path, desk: Path, capsys: Any) -> None:
    """Lists are of any format; the others' slates stay, and the bytes are the same again."""
    members = pd.read_parquet(desk / "members.parquet")["member"].tolist()
    (desk / "left.csv").write_text(f"Member ID\n{members[4]}\n999\n")
    pd.DataFrame({"member": members[7:9]}).to_parquet(desk / "bounced.parquet")
    (desk / "none.csv").write_text("member\n")
    lists = [str(desk / name) for name in ("left.csv", "bounced.parquet", "none.csv")]
    assert ask(desk, unit, out=desk / "whole") == 0
    assert ask(desk, unit, "--suppress", *lists) == 0
    gone = [members[4], *members[7:9]]
    slates, told = read_sent(desk / "out")
    assert not set(slates["member"]) & set(gone)
    whole = read_sent(desk / "whole")[0]
    kept = whole[~whole["member"].isin(gone)].reset_index(drop=True)
    pd.testing.assert_frame_equal(slates, kept)
    mailed = [json.loads(line) for line in (desk / "out/merge.jsonl").read_text().splitlines()]
    assert [mail["member"] for mail in mailed] == kept["member"].drop_duplicates().tolist()
    assert (told["suppressed"], told["mails"]) == (3, N - 3)
    assert ask(desk, unit, "--suppress", *lists, chunk=11, out=desk / "again") == 0
    for name in told["files"]:
        assert (desk / "out" / name).read_bytes() == (desk / "again" / name).read_bytes()
    (desk / "left.csv").write_text("member\nx1\nx2\n")
    capsys.readouterr()
    assert ask(desk, unit, "--suppress", lists[0], out=desk / "b") == 2
    assert "left.csv: none of its 2 ids, such as 'x1', is in the" in capsys.readouterr().err
    assert ask(desk, unit, "--suppress", lists[0], "--allow-unmatched", out=desk / "b") == 0
    (desk / "left.csv").write_text("member\n" + "\n".join(map(str, members)) + "\n")
    capsys.readouterr()
    assert ask(desk, unit, "--suppress", lists[0], out=desk / "c") == 2
    assert "nobody is left to mail" in capsys.readouterr().err
    assert not (desk / "c").exists()


def test_a_list_is_read_when_all_is_chosen(
    unit: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who unsubscribes while slates are chosen is not mailed."""
    members = pd.read_parquet(desk / "members.parquet")["member"].tolist()
    (desk / "left.csv").write_text("member\n")
    choose = Desk.choose

    def leave_meanwhile(*given: Any) -> None:
        choose(*given)
        (desk / "left.csv").write_text(f"member\n{members[11]}\n")

    monkeypatch.setattr(Desk, "choose", leave_meanwhile)
    assert ask(desk, unit, "--suppress", str(desk / "left.csv")) == 0
    slates, told = read_sent(desk / "out")
    assert members[11] not in set(slates["member"])
    assert told["suppressed"] == 1


def test_no_repeats_within_issues(unit: Path, desk: Path, capsys: Any) -> None:
    """Of 11 articles, 4 a member and issue, none comes again in the second issue, opened or not."""
    assert ask(desk, unit, campaign="week-29", out=desk / "first") == 0
    (desk / "rules.yaml").write_text(f"{{slots: {K}, no_repeat: 2}}\n")
    assert ask(desk, unit) == 2
    assert "no_repeat = 2, but --sent names no earlier issue" in capsys.readouterr().err
    assert ask(desk, unit, "--sent", str(desk / "first")) == 0
    first, second = read_sent(desk / "first")[0], read_sent(desk / "out")[0]
    kept = second["relaxed"] < 3
    pairs = set(zip(first["member"], first["article"], strict=True))
    assert kept.mean() > 0.9
    assert not pairs & set(zip(second["member"][kept], second["article"][kept], strict=True))
    assert ask(desk, unit, "--sent", str(desk / "out"), out=desk / "third") == 2
    assert "is of campaign 'week-30', the one sent now" in capsys.readouterr().err
    (desk / "void").mkdir()
    assert ask(desk, unit, "--sent", str(desk / "void"), out=desk / "third") == 2
    assert "holds no send.json" in capsys.readouterr().err
