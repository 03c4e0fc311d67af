"""An archive that cannot be read is refused by file, row and value."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bandit.core.files import read_json, write_json
from bandit.core.types import Round
from bandit.log import archive
from bandit.log import issue as log
from simulators.association.association import Association


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
    with pytest.raises(ValueError, match=rf"opened\[{lost}\] is true, of a mail that was not"):
        archive.write(tmp_path / "b", [replace(round, feedback=replace(feedback, opened=opened))])
    assert not list((tmp_path / "b").rglob("*.parquet"))
    choice, clicked, opened = (
        round.slates.choice.copy(),
        feedback.clicked.copy(),
        feedback.opened.copy(),
    )
    first = int(opened.argmax())
    choice[first, 4], clicked[first, 4] = -1, True
    role, propensity = round.slates.role.copy(), round.slates.propensity.copy()
    role[first, 4], propensity[first, 4] = 0, 1.0
    odd = replace(
        round,
        slates=replace(round.slates, choice=choice, role=role, propensity=propensity),
        feedback=replace(feedback, clicked=clicked),
    )
    log.write(path, odd)
    with pytest.raises(ValueError, match=rf"clicked\[{first}, 4\] is true, in an empty slot"):
        log.read(path, round.context)


def test_a_member_list_with_dates_is_refused_with_folder_column_and_count(folder: Path) -> None:
    members = archive.read_members(folder)
    dates = [f"20{i % 20:02d}-0{1 + i % 9}-1{i % 7}" for i in range(len(members))]
    members.assign(join_date=dates).to_parquet(folder / "members.parquet")
    said = rf"{re.escape(str(folder))}: members column 'join_date' has \d+ different values for"
    with pytest.raises(ValueError, match=said):
        archive.fit_features(folder)
