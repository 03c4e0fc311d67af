"""Members who merge or get other ids: what was known of them follows, once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.core.ids import follow, resolve_aliases
from bandit.core.types import Context, Round
from bandit.features.features import Features
from bandit.log import archive
from bandit.models.profiles import Profiles
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from serving import bundle, send
from serving.aliases import read_aliases
from simulators.association.association import Association
from simulators.play import play
from tests.support.desk_cases import list_arguments

# The table


def test_chains_are_followed_and_circles_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("Old ID,Member ID\n0001, 0002\n0002,0003\n0007,0003\n0002,0003\n")
    aliases, _ = read_aliases(path)
    assert aliases == {"0001": "0003", "0002": "0003", "0007": "0003"}
    for rows, message in (
        ("1,2\n2,3\n3,1\n", "in a circle: '1' -> '2' -> '3' -> '1'"),
        ("0,1\n1,2\n2,1\n", "in a circle: '1' -> '2' -> '1'"),
        ("5,5\n", "in a circle: '5' -> '5'"),
        ("1,2\n1,3\n", "member '1' became both '2' and '3'"),
        ("1,2\n,3\n", "row 1: old is empty"),
    ):
        path.write_text(f"old,member\n{rows}")
        with pytest.raises(ValueError, match=rf"ids\.csv.*{message}"):
            read_aliases(path)


def test_a_line_of_totals_is_refused_as_one(tmp_path: Path) -> None:
    """Not for the id that is missing in it."""
    (tmp_path / "ids.csv").write_text("old,member\n3,17\nTotal: 1,\n")
    said = r"ids\.csv row 1: 'Total: 1' is a line of totals, not who is who; delete it"
    with pytest.raises(ValueError, match=said):
        read_aliases(tmp_path / "ids.csv")


def test_a_long_chain_is_followed_in_time() -> None:
    steps = [(i, i + 1) for i in range(20_000)]
    assert set(resolve_aliases(reversed(steps)).values()) == {20_000}


def test_ids_of_another_kind_are_refused() -> None:
    assert follow(np.array([7, 8]), {7: 9}).tolist() == [9, 8]
    with pytest.raises(
        ValueError, match=r"member ids are numbers, e\.g\. 7; the aliases' are text"
    ):
        follow(np.array([7, 8]), {"7": "9"})


# Profiles


def test_evidence_adds_up_exactly_and_nothing_is_lost() -> None:
    profiles = Profiles(3)
    rows = profiles.add(np.array(["a", "b", "c", "d"], dtype=object))
    rng = np.random.default_rng(2)
    for name in ("precision", "cross", "shift"):
        getattr(profiles, name)[:] = rng.integers(1, 9, size=(4, 3))
    before = {name: getattr(profiles, name)[rows] for name in ("precision", "cross", "shift")}
    profiles.follow({"a": "d", "b": "new"})
    gone = np.array(["a", "b"], dtype=object)
    assert profiles.find_rows(gone).tolist() == [-1, -1]
    rows = profiles.find_rows(np.array(["d", "new", "c"], dtype=object))
    assert sorted(rows.tolist()) == [0, 1, 2]
    for name, kept in before.items():
        now = getattr(profiles, name)[rows]
        assert now.tolist() == [(kept[0] + kept[3]).tolist(), *kept[1:3].tolist()]
        assert now.dtype == kept.dtype
    profiles.follow({"a": "d"})  # again: nobody is left to follow
    assert len(profiles.roster) == 3


def share_out(rounds: list[Round], pairs: dict[int, int]) -> list[Round]:
    """The log where each old id got the first half of the issues, and its new one the rest."""
    found = []
    for t, round in enumerate(rounds):
        gone = set(pairs if t >= len(rounds) // 2 else pairs.values())
        found.append(round.take(np.flatnonzero([i not in gone for i in round.context.member_ids])))
    return found


def learn(rounds: list[Round], features: Features) -> Profile:
    policy = Profile()
    policy.start(features)
    for round in rounds:
        policy.learn(round)
    return policy


@pytest.fixture(scope="module")
def world() -> tuple[Association, list[Round], dict[int, int]]:
    association = Association(
        seed=5,
        members=200,
        issues=6,
        pool=16,
        slots=5,
        text_dims=5,
        click_to_open=0.4,
        joiners=0.0,
        unsubscribe=0.0,
    )
    rounds = list(play(Random(), association, seed=3))
    ids = rounds[0].context.member_ids.tolist()
    return association, rounds, dict(zip(ids[:50], ids[50:100], strict=True))


def test_a_merged_profile_is_near_to_learning_from_the_merged_log(
    world: tuple[Association, list[Round], dict[int, int]], tmp_path: Path
) -> None:
    """Two ids of one member, one after the other: the sum is nearly what the merged log teaches.

    Evidence is approximated about what was thought at the time, so it is not the same to the bit.
    """
    association, rounds, pairs = world
    archive.write(tmp_path / "log", share_out(rounds, pairs))
    apart = learn(list(archive.read(tmp_path / "log", association.features)), association.features)
    merged = learn(
        list(archive.read(tmp_path / "log", association.features, pairs)), association.features
    )
    context: Context = rounds[-1].context
    rows = np.flatnonzero(np.isin(context.member_ids, list(pairs.values())))
    context = context.take(rows)
    alone = apart.infer_interests(context).mean
    apart.follow(pairs)
    assert len(apart.profiles.roster) == len(merged.profiles.roster)
    together, learned = (policy.infer_interests(context) for policy in (apart, merged))
    prior = context.member_features @ merged.B
    moved = np.linalg.norm(learned.mean - prior)
    assert np.linalg.norm(together.mean - learned.mean) < 0.15 * moved
    assert np.linalg.norm(alone - learned.mean) > 0.3 * moved  # so that something was to be merged
    assert np.abs(np.log(together.variance / learned.variance)).mean() < 0.05


def test_two_mails_of_one_issue_are_both_learned_from(
    world: tuple[Association, list[Round], dict[int, int]], tmp_path: Path
) -> None:
    association, rounds, pairs = world
    archive.write(tmp_path / "log", rounds[:2])
    back = list(archive.read(tmp_path / "log", association.features, pairs))
    assert [(round.context.issue, len(round.context.members)) for round in back] == [
        *[(1, 150), (1, 50)],
        *[(2, 150), (2, 50)],
    ]
    for t in (0, 1):
        clicks = sum(part.feedback.clicked.sum() for part in back[2 * t : 2 * t + 2])
        assert clicks == rounds[t].feedback.clicked.sum()  # nothing lost, nothing doubled
        extra = back[2 * t + 1].context.member_ids.tolist()
        assert sorted(extra) == sorted(pairs.values())
    # who saw an article under one id has seen it under the other
    first, second = rounds[0], back[2].context
    articles = first.context.article_ids
    again = np.isin(articles, second.article_ids)
    old = next(iter(pairs))
    row = first.context.member_ids.tolist().index(old)
    saw = {articles[j] for j in first.slates.choice[row] if j >= 0 and again[j]}
    if first.feedback.opened[row]:
        here = second.member_ids.tolist().index(pairs[old])
        assert saw <= set(second.article_ids[second.seen[here]])


# Sending


def test_profile_seen_list_and_suppression_follow(
    association: Association, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A send that follows a table of aliases is that of a bundle which knew the new ids always."""
    rounds = list(play(Random(), association, seed=3, issues=2))
    policy = learn(rounds, association.features)
    ids = pd.read_parquet(desk / "members.parquet")["member"].tolist()
    aliases = {old: old + 5_000_000 for old in ids[:20]}
    target = "bandit.policies.profile.Profile"
    bundle.write(desk / "old", policy, target, {}, association.features, {})
    policy.follow(aliases)
    bundle.write(desk / "new", policy, target, {}, association.features, {})
    pd.DataFrame(aliases.items(), columns=["Old ID", "member"]).to_parquet(desk / "ids.parquet")
    seen = pd.read_parquet(desk / "seen.parquet")
    (desk / "gone.csv").write_text(f"Member ID\n{ids[4]}\n{ids[5]}\n")  # compared as text
    renamed = desk / "renamed"
    renamed.mkdir()
    text = "\n".join(["member", *(str(aliases[old]) for old in ids[4:6])])
    (renamed / "gone.csv").write_text(text)
    for name in ("members", "seen"):
        frame = pd.read_parquet(desk / f"{name}.parquet")
        frame.assign(member=frame["member"].replace(aliases)).to_parquet(
            renamed / f"{name}.parquet"
        )
    assert set(seen["member"]) & set(aliases)  # so that it has been tried
    asked = list_arguments(
        desk, desk / "old", members=renamed / "members.parquet", out=desk / "followed"
    )
    asked += ["--aliases", str(desk / "ids.parquet"), "--suppress", str(desk / "gone.csv")]
    assert send.main(asked) == 0, capsys.readouterr().err
    other = {"members": renamed / "members.parquet", "seen": renamed / "seen.parquet"}
    asked = list_arguments(desk, desk / "new", out=desk / "known", **other)
    assert send.main([*asked, "--suppress", str(renamed / "gone.csv")]) == 0
    one, two = ((desk / name / "slates.parquet").read_bytes() for name in ("followed", "known"))
    assert one == two
    mailed = pd.read_parquet(desk / "followed" / "slates.parquet")["member"]
    assert not set(mailed) & {aliases[old] for old in ids[4:6]}
    asked = list_arguments(desk, desk / "old", out=desk / "never")
    assert send.main([*asked, "--aliases", str(desk / "ids.parquet")]) == 2
    said = capsys.readouterr().err
    assert f"row 0: member {ids[0]} is {aliases[ids[0]]} by the aliases; list members under" in said
