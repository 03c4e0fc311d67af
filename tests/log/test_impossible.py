"""What no log can hold is refused by file, row and value, whatever bytes or rules it comes with."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bandit.core.files import read_json, write_json
from bandit.core.types import Round
from bandit.log import archive
from bandit.log import issue as log
from simulators.association.association import Association

Change = Callable[[dict[str, Any], Round], Any]


def first_click(round: Round) -> tuple[int, int]:
    i, j = np.argwhere(round.feedback.clicked)[0]
    return int(i), int(j)


def first_pin(round: Round) -> tuple[int, int]:
    i, j = np.argwhere(round.slates.role == 1)[0]
    return int(i), int(j)


def put(name: str, value: Any, at: Callable[[Round], tuple[int, int]]) -> Callable[[Any], Any]:
    """One value of the log, as another type where it must be."""

    def change(table: pa.Table, round: Round) -> pa.Table:
        i, j = at(round)
        values = table[name].to_pylist()
        values[i * 5 + j] = value
        kind = pa.float64() if isinstance(value, float) else table[name].type
        kind = pa.string() if name == "article" else kind
        return table.set_column(table.column_names.index(name), name, pa.array(values, kind))

    return change


def put_all(name: str, value: Any) -> Any:
    def change(table: pa.Table, round: Round) -> pa.Table:
        values = pa.array([value] * len(table))
        return table.set_column(table.column_names.index(name), name, values)

    return change


def anywhere(round: Round) -> tuple[int, int]:
    return 3, 2


IMPOSSIBLE = {
    r"row 17: role = 1\.5; must be a number": put("role", 1.5, anywhere),
    r"row 17: examined = 0\.5; must be a number": put("examined", 0.5, anywhere),
    r"row 17: relaxed = 0\.25; must be a number": put("relaxed", 0.25, anywhere),
    r"row 0: role = 0 in slot 1 of member": put_all("role", 0),
    r"row 17: article = None in slot 3 of member \d+, which the rules of .* never give": put(
        "article", None, anywhere
    ),
    r"role = 3 in slot .*, which the rules of .* never give": put("role", 3, first_pin),
    r"propensity = 0\.5 in slot .*, which the rules": put("propensity", 0.5, first_pin),
    r"clicked\[\d+, \d\] is true, in a slot that was not looked at": put(
        "examined", 0, first_click
    ),
    r"column 'member' has type 'list.*; must be plain": put_all("member", [1]),
    r"column 'article' has type double; ids are whole": put_all("article", 1.5),
    r"column 'article' has type 'struct.*; must be plain": put_all("article", {"a": 1}),
    r"column 'member' has type bool; ids are whole": put_all("member", True),
    r"campaign is .*|is of campaign 7; must be": put_all("campaign", 7),
    r"slot is .*; must be 1": put_all("slot", "x"),
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_a_row_that_cannot_be_is_refused(
    message: str, rounds: list[Round], folder: Path, association: Association
) -> None:
    issue = next(r for r in rounds if r.context.rules.pins and r.feedback.clicked.any())
    path = folder / "log" / f"{issue.context.issue:03d}.parquet"
    changed = IMPOSSIBLE[message](pq.read_table(path), issue)
    pq.write_table(changed, path, write_page_checksum=True)
    with pytest.raises(ValueError, match=rf"{path.name}.*(?:{message})"):
        list(archive.read(folder, association.features))


def test_whole_numbers_that_another_program_wrote_as_floats_are_read(
    rounds: list[Round], folder: Path, association: Association
) -> None:
    path = folder / "log" / "002.parquet"
    table = pq.read_table(path)
    for name in ("role", "relaxed", "examined"):
        column = table[name].cast(pa.float64())
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, path)
    read = list(archive.read(folder, association.features))[1].slates.role
    assert read.dtype == np.int8
    np.testing.assert_array_equal(read, rounds[1].slates.role)


def test_what_the_rules_never_allowed_is_refused(rounds: list[Round], tmp_path: Path) -> None:
    round = next(r for r in rounds if r.context.rules.pins and not r.context.eligible.all())
    slates, eligible = round.slates, round.context.eligible
    path = tmp_path / "log.parquet"

    def refuse(i: int, j: int, article: int) -> None:
        choice = slates.choice.copy()
        choice[i, j] = article
        log.write(path, replace(round, slates=replace(slates, choice=choice)))
        name = round.context.article_ids[article]
        row = i * choice.shape[1] + j
        with pytest.raises(ValueError, match=rf"log\.parquet: row {row}: article = '{name}' in"):
            log.read(path, round.context)

    i = int((~eligible).any(axis=1).argmax())
    j = int((slates.role[i] > 1).argmax())
    refuse(i, j, int((~eligible[i]).argmax()))  # an article that is kept from this member
    ((slot, pinned),) = round.context.rules.pins.items()
    place = round.context.article_ids.tolist().index(pinned)
    may = int(eligible[:, place].argmax())
    other = next(j for j in range(5) if j != slot - 1)
    spare = next(a for a in np.flatnonzero(eligible[may]) if a not in slates.choice[may])
    refuse(may, slot - 1, int(spare))  # something else than the pinned article
    for barred in np.flatnonzero(~eligible[:, place])[:1]:
        refuse(int(barred), other, place)  # the pinned article where it is not pinned


RULES: dict[str, Callable[[str], str]] = {
    "'001' is given twice": lambda text: text.replace('"002"', '"001"', 1),
    "issue '1' must be numbered like 001": lambda text: text.replace('"001"', '"1"', 1),
    "maximum recursion depth": lambda text: '{"001": ' + "[" * 99_999 + "]" * 99_999 + "}",
    "'NaN' is not finite": lambda text: text.replace('"slots": 5', '"slots": NaN', 1),
    "slots must be written like 1": lambda text: re.sub(
        r'"pins": {\s*"(\d)"', r'"pins": {"0\1"', text, count=1
    ),
    "codec can't decode": lambda text: text + "\udcff",
}


@pytest.mark.parametrize("message", RULES)
def test_rules_that_no_archive_holds_are_refused(
    message: str, folder: Path, association: Association
) -> None:
    path = folder / "rules.json"
    told = RULES[message](path.read_text())
    path.write_bytes(told.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=rf"rules\.json.*{message}"):
        list(archive.read(folder, association.features))


@pytest.mark.parametrize("names", [7, ["region"], ["member", "member"], ["member", 3]])
def test_attributes_that_are_no_names_are_refused(
    names: Any, folder: Path, association: Association
) -> None:
    told = read_json(folder / "rules.json")
    told["002"]["attributes"] = names
    write_json(folder / "rules.json", told)
    with pytest.raises(ValueError, match=r"rules\.json: issue 2: attributes = .*; must be names"):
        list(archive.read(folder, association.features))


def test_text_that_is_no_text_is_refused(folder: Path, association: Association) -> None:
    path = folder / "pools" / "002.parquet"
    table = pq.read_table(path)
    raw = pa.array([b"caf\xe9"] * len(table), pa.binary())
    text = pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2])
    pq.write_table(table.set_column(table.column_names.index("title"), "title", text), path)
    with pytest.raises(ValueError, match=r"002\.parquet is not a sound parquet file: .*UTF"):
        list(archive.read(folder, association.features))


def read_all(folder: Path, association: Association) -> list[bytes]:
    """What a policy would learn from: every array of every issue."""
    return [
        np.ascontiguousarray(table).tobytes()
        for round in archive.read(folder, association.features)
        for part in (round.slates, round.feedback)
        for table in vars(part).values()
    ] + [json.dumps(archive.read_members(folder).to_dict("list"), default=str).encode()]


@pytest.mark.parametrize("tries", [12, pytest.param(80, marks=pytest.mark.slow)])
def test_no_flip_and_no_cut_is_read_as_something_else(
    tries: int, folder: Path, association: Association
) -> None:
    rng, whole = np.random.default_rng(tries), read_all(folder, association)
    files = sorted(path for path in folder.rglob("*") if path.suffix == ".parquet")
    refused = 0
    for number in range(tries):
        path = files[int(rng.integers(len(files)))]
        before = path.read_bytes()
        data = bytearray(before)
        if number % 5:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        else:
            del data[int(rng.integers(len(data))) :]
        path.write_bytes(data)
        try:
            assert read_all(folder, association) == whole
        except ValueError as error:
            named = str(error)
            assert path.name in named, named
            refused += 1
        path.write_bytes(before)
    assert refused > 0.6 * tries
