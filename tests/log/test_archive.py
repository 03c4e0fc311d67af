"""A log that stands alone: what is written is read back the same.

What cannot be read is refused by file, row and value.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bandit.core.files import read_json, write_json
from bandit.core.rules import Rules
from bandit.core.types import Context, Round
from bandit.log import archive
from bandit.log import issue as log
from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.play import play, play_back

ISSUES = 5


@pytest.fixture(scope="module")
def association() -> Association:
    return Association(
        seed=3,
        members=120,
        issues=ISSUES,
        pool=20,
        slots=5,
        bounce=0.1,
        joiners=0.3,
        unsubscribe=0.05,
        pin_every=2,
    )


@pytest.fixture(scope="module")
def rounds(association: Association) -> list[Round]:
    return list(play(Random(), association.twin(), seed=7))


@pytest.fixture
def folder(rounds: list[Round], tmp_path: Path) -> Path:
    archive.write(tmp_path / "log", rounds)
    return tmp_path / "log"


def read_contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_same(one: Round, other: Round) -> None:
    for name, table in (
        ("slates", one.slates),
        ("feedback", one.feedback),
        ("context", one.context),
    ):
        for field, value in vars(table).items():
            back = getattr(getattr(other, name), field)
            if isinstance(value, pd.DataFrame):
                pd.testing.assert_frame_equal(value, back)
            elif isinstance(value, np.ndarray):
                assert np.array_equal(value, back), field
                assert value.dtype == back.dtype, field
            else:
                assert value == back, field


def test_what_was_written_is_read_back_the_same(
    rounds: list[Round], folder: Path, association: Association
) -> None:
    back = list(archive.read(folder, association.features))
    assert len(back) == ISSUES
    for one, other in zip(rounds, back, strict=True):
        assert_same(one, other)
    assert any(one.context.seen.any() for one in rounds)  # so that it has been tried
    assert any(not one.context.eligible.all() for one in rounds)
    assert any(one.context.rules.pins for one in rounds)
    assert any((~one.feedback.delivered).any() for one in rounds)
    assert len(rounds[0].context.members) < 120  # some join under way


def test_an_archive_of_an_archive_has_the_same_bytes(
    folder: Path, association: Association, tmp_path: Path
) -> None:
    archive.write(tmp_path / "again", archive.read(folder, association.features))
    assert read_contents(tmp_path / "again") == read_contents(folder)


def test_everybody_who_got_mail_is_listed_once(rounds: list[Round], folder: Path) -> None:
    listed = archive.read_members(folder)["member"].tolist()
    assert sorted(listed) == sorted(
        {member for round in rounds for member in round.context.member_ids}
    )
    assert set(listed[: len(rounds[0].context.members)]) == set(rounds[0].context.member_ids)


def test_features_are_fitted_to_the_archive_alone(folder: Path) -> None:
    features = archive.fit_features(folder, text_dims=7)
    assert len([name for name in features.article_names if name.startswith("text")]) == 7
    first = next(archive.read(folder, features))
    texts = first.context.article_features[:, 3:]
    assert np.isfinite(texts).all()
    assert texts.std() == pytest.approx(1, abs=0.5)


def test_ids_may_be_text_and_rules_may_say_everything(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    rules = Rules(
        slots=5,
        at_most={"kind": {"event": 3}},
        at_least={"source": {"gazette": 0}},
        only={2: {"kind": ["article"]}},
    )

    def renamed(context: Context) -> Context:
        members = context.members.assign(member=[f"m-{number}" for number in context.member_ids])
        return replace(context, members=members, rules=rules)

    written = [replace(round, context=renamed(round.context)) for round in rounds]
    archive.write(tmp_path / "log", written)
    for one, other in zip(
        written, archive.read(tmp_path / "log", association.features), strict=True
    ):
        assert_same(one, other)


def test_a_log_that_was_not_finished_is_no_archive(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    def killed() -> Iterator[Round]:
        yield from rounds[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.write(tmp_path / "log", killed())
    with pytest.raises(
        ValueError, match=r"holds no members\.parquet: it is not an archive, or not a finished one"
    ):
        next(archive.read(tmp_path / "log", association.features))


def test_writing_again_that_fails_leaves_no_archive(
    rounds: list[Round], folder: Path, association: Association
) -> None:
    """Half an old and half a new log would pass for one."""
    odd = replace(
        rounds[1],
        context=replace(
            rounds[1].context, members=rounds[1].context.members.assign(region="elsewhere")
        ),
    )
    with pytest.raises(ValueError, match="elsewhere"):
        archive.write(folder, [rounds[0], odd])
    with pytest.raises(ValueError, match=r"holds no members\.parquet"):
        next(archive.read(folder, association.features))


def test_issues_are_in_the_order_of_their_numbers(
    rounds: list[Round], association: Association, tmp_path: Path
) -> None:
    """1000 comes after 999, though not as text."""
    numbered = [replace(r, context=replace(r.context, issue=997 + t)) for t, r in enumerate(rounds)]
    archive.write(tmp_path / "log", numbered)
    assert [
        round.context.issue for round in archive.read(tmp_path / "log", association.features)
    ] == [
        997,
        998,
        999,
        1000,
        1001,
    ]


def test_what_could_not_be_read_back_is_not_written(rounds: list[Round], tmp_path: Path) -> None:
    first, second = rounds[0].context, rounds[1].context
    odd = replace(second, members=second.members.assign(region="elsewhere"))
    with pytest.raises(
        ValueError, match=r"region was .* and is 'elsewhere'; an archive has one row for a member"
    ):
        archive.write(tmp_path / "changed", [rounds[0], replace(rounds[1], context=odd)])
    more = replace(second, members=second.members.assign(shoe=42))
    with pytest.raises(ValueError, match=r"members have columns .*'shoe'"):
        archive.write(tmp_path / "more", [rounds[0], replace(rounds[1], context=more)])
    barred = replace(first, eligible=np.zeros_like(first.eligible))
    with pytest.raises(ValueError, match="issue 1: eligible does not follow from the pool"):
        archive.write(tmp_path / "barred", [replace(rounds[0], context=barred)])
    with pytest.raises(ValueError, match="there is no round"):
        archive.write(tmp_path / "empty", [])


# Refused by name


@pytest.mark.parametrize("name", ["members.parquet", "log/002.parquet", "pools/003.parquet"])
def test_a_damaged_file_is_named(folder: Path, association: Association, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=re.escape(name)):
        list(archive.read(folder, association.features))


@pytest.mark.parametrize(
    "name", ["members.parquet", "rules.json", "log/002.parquet", "pools/003.parquet"]
)
def test_a_missing_file_is_named(folder: Path, association: Association, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ValueError, match=re.escape(name)):
        list(archive.read(folder, association.features))


def test_a_folder_that_is_not_there_is_named(association: Association, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere.*there is no such folder"):
        list(archive.read(tmp_path / "nowhere", association.features))


@pytest.mark.parametrize("name", ["members.parquet", "log/002.parquet", "pools/003.parquet"])
def test_a_foreign_table_is_named_with_what_it_lacks(
    folder: Path, association: Association, name: str
) -> None:
    pq.write_table(pa.table({"something": [1, 2, 3, 4, 5]}), folder / name)
    with pytest.raises(ValueError, match=rf"{name}.*lacks column"):
        list(archive.read(folder, association.features))


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "{}",
        "not json",
        '{"001": {"rules": {"slots": 5}}}',
        '{"001": {"campaign": "x", "rules": {"slots": 0}}}',
        '{"first": {"campaign": "x", "rules": {"slots": 5}}}',
        '{"001": {"campaign": 7, "rules": {"slots": 5}}}',
        '{"001": {"campaign": "x", "rules": {"slots": 5, "pins": {"two": "A1"}}}}',
    ],
)
def test_rules_that_say_no_rules_are_named(
    folder: Path, association: Association, told: str
) -> None:
    (folder / "rules.json").write_text(told)
    with pytest.raises(ValueError, match=r"rules\.json"):
        list(archive.read(folder, association.features))


def test_a_pin_outside_the_pool_is_named(folder: Path, association: Association) -> None:
    told = read_json(folder / "rules.json")
    told["001"]["rules"]["pins"] = {"2": "elsewhere"}
    write_json(folder / "rules.json", told)
    with pytest.raises(
        ValueError, match=r"pools/001\.parquet: pins: slot 2 pins article 'elsewhere'"
    ):
        list(archive.read(folder, association.features))


def change(folder: Path, column: str, row: int, value: Any) -> None:
    """The second issue's log with one other value."""
    path = folder / "log" / "002.parquet"
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[row] = value
    array = pa.array(
        values, type=table[column].type if column not in ("article", "campaign") else pa.string()
    )
    array = array.dictionary_encode() if column in ("article", "campaign") else array
    table = table.set_column(table.column_names.index(column), column, array)
    pq.write_table(table, path, write_page_checksum=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("propensity", 0.0, r"propensity\[1, 2\] = 0\.0; must be in \(0, 1\]"),
        ("propensity", 1.5, r"propensity\[1, 2\] = 1\.5; must be in \(0, 1\]"),
        ("propensity", float("nan"), r"propensity\[1, 2\] = nan; must be in \(0, 1\]"),
        ("article", "elsewhere", "shows article 'elsewhere', which is not in the pool"),
        ("campaign", "another", "is of campaign"),
        ("slot", 5, "row 7: slot is .*5.*; must be .*3"),
        ("member", 999_999, "row 7: member is .*999999"),
    ],
)
def test_a_value_that_no_log_can_hold_is_named(
    folder: Path, association: Association, column: str, value: Any, message: str
) -> None:
    change(folder, column, 7, value)
    with pytest.raises(ValueError, match=rf"002\.parquet.*{message}"):
        list(archive.read(folder, association.features))


def test_a_member_who_is_not_listed_is_named_with_the_row(
    folder: Path, association: Association
) -> None:
    listed = archive.read_members(folder)
    who = pq.read_table(folder / "log" / "001.parquet")["member"].to_pylist()[
        15
    ]  # the fourth of five slots each
    pq.write_table(
        pa.Table.from_pandas(listed[listed["member"] != who], preserve_index=False),
        folder / "members.parquet",
    )
    with pytest.raises(
        ValueError, match=rf"001\.parquet row 15: member {who} is not in members\.parquet"
    ):
        list(archive.read(folder, association.features))


def test_a_member_who_is_listed_twice_is_named(folder: Path, association: Association) -> None:
    listed = archive.read_members(folder)
    twice = pd.concat([listed, listed.iloc[[3]]])
    pq.write_table(pa.Table.from_pandas(twice, preserve_index=False), folder / "members.parquet")
    with pytest.raises(ValueError, match=r"members\.parquet: members row \d+: id .* appears twice"):
        list(archive.read(folder, association.features))


def test_clicks_and_opens_that_cannot_be_are_named(rounds: list[Round], tmp_path: Path) -> None:
    round = next(round for round in rounds if (~round.feedback.delivered).any())
    feedback, path = round.feedback, tmp_path / "log.parquet"
    closed, lost = int((~feedback.opened).argmax()), int((~feedback.delivered).argmax())
    clicked, opened = feedback.clicked.copy(), feedback.opened.copy()
    clicked[closed, 1], opened[lost] = True, True
    log.write(path, replace(round, feedback=replace(feedback, clicked=clicked)))
    with pytest.raises(
        ValueError, match=rf"clicked\[{closed}, 1\] is true, in a mail that was not opened"
    ):
        log.read(path, round.context)
    log.write(path, replace(round, feedback=replace(feedback, opened=opened)))
    with pytest.raises(
        ValueError, match=rf"opened\[{lost}\] is true, of a mail that was not delivered"
    ):
        log.read(path, round.context)
    choice, clicked, opened = (
        round.slates.choice.copy(),
        feedback.clicked.copy(),
        feedback.opened.copy(),
    )
    first = int(opened.argmax())
    choice[first, 4], clicked[first, 4] = -1, True
    odd = replace(
        round,
        slates=replace(round.slates, choice=choice),
        feedback=replace(feedback, clicked=clicked),
    )
    log.write(path, odd)
    with pytest.raises(ValueError, match=rf"clicked\[{first}, 4\] is true, in an empty slot"):
        log.read(path, round.context)


def test_a_finished_unit_is_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.runner.configs import make, read_policy
    from experiments.runner.unit import run_unit

    small = {
        "_target_": "simulators.association.association.Association",
        "members": 90,
        "issues": 3,
        "pool": 12,
        "slots": 4,
    }
    run_unit(tmp_path / "unit", read_policy("random"), small, 5)
    association = make(small, seed=5)
    told = list(play_back(tmp_path / "unit" / "log", association.twin()))
    for one, other in zip(told, archive.read(tmp_path / "unit", association.features), strict=True):
        assert_same(one, other)
