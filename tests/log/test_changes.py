"""Members change between issues, and each issue keeps what was true then."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from bandit.core.files import read_json, write_json
from bandit.core.types import Context, Round
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from bandit.log import archive
from bandit.log.members import History, add_unknown
from bandit.slates.editorial import find_eligible
from simulators.association.association import Association


def with_members(round: Round, members: pd.DataFrame, features: Features) -> Round:
    """The same issue, sent to members of whom something else was true."""
    context = replace(
        round.context,
        members=members.reset_index(drop=True),
        member_features=features.encode_members(add_unknown(members, features.attributes)),
        eligible=find_eligible(members, round.context.articles),
    )
    return replace(round, context=context)


def list_members(context: Context) -> pd.DataFrame:
    return pd.DataFrame(dict(context.members.items()))


@pytest.fixture
def changed(rounds: list[Round], association: Association) -> list[Round]:
    """Members move, graduate, lose a value, get a column, and lose one, issue by issue."""
    stated = [list_members(round.context) for round in rounds]
    moved = set(stated[1]["member"][5:15])
    for t in range(1, 5):
        rows = stated[t]["member"].isin(moved)
        stated[t].loc[rows, "region"] = ["Great Lakes", "Gulf States", "Great Lakes", None][t - 1]
        stated[t].loc[stated[t]["member"] == stated[0]["member"][2], "member_since"] = 1990 + t
    for t in (2, 3):
        stated[t]["chapter"] = [["north", None, "south"][i % 3] for i in range(len(stated[t]))]
    stated[3]["seats"] = np.arange(len(stated[3])) % 4
    stated[4] = stated[4].drop(columns="career_stage")
    pairs = zip(rounds, stated, strict=True)
    return [with_members(round, members, association.features) for round, members in pairs]


def test_each_issue_keeps_what_was_true_then(
    changed: list[Round], association: Association, tmp_path: Path
) -> None:
    archive.write(tmp_path / "log", changed)
    back = list(archive.read(tmp_path / "log", association.features))
    for one, other in zip(changed, back, strict=True):
        told, read = list_members(one.context), list_members(other.context)
        if one is changed[4]:  # features want what the list no longer has
            assert read.pop("career_stage").isna().all()
        pd.testing.assert_frame_equal(told, read, check_dtype=False)
        assert one.context.member_features.tobytes() == other.context.member_features.tobytes()
        assert np.array_equal(one.context.eligible, other.context.eligible)
        assert np.array_equal(one.slates.choice, other.slates.choice)
    assert sorted(path.name for path in (tmp_path / "log" / "changes").iterdir()) == [
        "002.parquet",
        "003.parquet",
        "004.parquet",
        "005.parquet",
    ]
    moved = pq.read_table(tmp_path / "log" / "changes" / "002.parquet")
    assert 1 <= len(moved) <= 11  # only they are written again


def test_an_archive_of_changes_is_written_again_to_the_same_bytes(
    changed: list[Round], association: Association, tmp_path: Path
) -> None:
    bare = Features(Attributes(), association.features.reader, association.features.vocabulary)
    archive.write(tmp_path / "one", changed)
    archive.write(tmp_path / "two", archive.read(tmp_path / "one", bare))
    one, two = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in sorted((tmp_path / name).rglob("*.parquet"))
            if "changes" in path.parts or path.name == "members.parquet"
        }
        for name in ("one", "two")
    )
    assert [*one] == [*two]
    again = [list_members(round.context) for round in archive.read(tmp_path / "two", bare)]
    for round, members in zip(changed, again, strict=True):
        pd.testing.assert_frame_equal(list_members(round.context), members, check_dtype=False)


def test_the_member_list_is_as_members_were_last(changed: list[Round], tmp_path: Path) -> None:
    archive.write(tmp_path / "log", changed)
    listed = archive.read_members(tmp_path / "log").set_index("member")
    for name in ("region", "member_since", "chapter"):
        last: dict[int, object] = {}
        for round in changed:
            members = list_members(round.context)
            values = members[name] if name in members else [None] * len(members)
            last |= dict(zip(members["member"], values, strict=True))
        told = pd.Series(last, name=name).sort_index()
        pd.testing.assert_series_equal(
            told,
            listed[name].sort_index(),
            check_dtype=False,
            check_index_type=False,
            check_names=False,
        )


def test_without_changes_an_archive_is_what_it_was(folder: Path) -> None:
    assert not (folder / "changes").exists()
    assert "attributes" not in read_json(folder / "rules.json")["001"]


def test_changes_of_a_longer_archive_are_removed(
    changed: list[Round], rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    archive.write(tmp_path / "log", changed)
    archive.write(tmp_path / "log", rounds[:3])
    assert not list((tmp_path / "log" / "changes").iterdir())
    assert len(list(archive.read(tmp_path / "log", association.features))) == 3


def test_what_is_damaged_is_named(
    changed: list[Round], association: Association, tmp_path: Path
) -> None:
    archive.write(tmp_path / "log", changed)
    path = tmp_path / "log" / "changes" / "003.parquet"
    table = pq.read_table(path)
    stranger = [999, *table["member"].to_pylist()[1:]]
    for ids, message in (
        (stranger, r"003\.parquet row 0: member 999 is not in members\.parquet"),
        ([stranger[1], *stranger[1:]], r"003\.parquet: members row 1: id .* appears twice"),
    ):
        pq.write_table(table.set_column(0, "member", [ids]), path)
        with pytest.raises(ValueError, match=message):
            list(archive.read(tmp_path / "log", association.features))
    pq.write_table(table, path)
    told = read_json(tmp_path / "log" / "rules.json")
    told["003"]["attributes"] = ["member", "shoe"]
    write_json(tmp_path / "log" / "rules.json", told)
    with pytest.raises(ValueError, match=r"rules\.json: issue 3 names attribute 'shoe'"):
        list(archive.read(tmp_path / "log", association.features))
    path.rename(path.with_name("009.parquet"))
    with pytest.raises(ValueError, match="does not name issue 009"):
        list(archive.read(tmp_path / "log", association.features))


def test_a_history_of_one_issue_is_the_list(folder: Path) -> None:
    history = History(folder, [1], {})
    rows = history.advance(1)
    assert rows.tolist() == list(range(len(history.ids)))
    assert history.take(1, rows)["member"].tolist() == history.ids.tolist()
