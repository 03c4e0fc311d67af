"""What the sender is given by others: every way it can be wrong is refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving import send
from tests.support.desk_cases import list_arguments


def change_table(name: str, change: Callable[[pd.DataFrame], Any]) -> Callable[[Path], None]:
    """Change one of the desk's tables, in place or by returning another."""

    def write(desk: Path) -> None:
        frame = pd.read_parquet(desk / f"{name}.parquet").astype(object).infer_objects()
        changed = change(frame)
        (frame if changed is None else changed).to_parquet(desk / f"{name}.parquet")

    return write


def change_cell(name: str, row: int, column: str, value: Any) -> Callable[[Path], None]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].tolist()
        values[row] = value
        return frame.assign(**{column: values})

    return change_table(name, change)


def write_rules(text: str | bytes) -> Callable[[Path], Any]:
    return lambda desk: (desk / "rules.yaml").write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )


def write_latin_1(desk: Path) -> None:
    columns = pq.read_table(desk / "pool.parquet")
    title = columns["title"].to_pylist()
    raw = pa.array(
        [text.encode() if row != 3 else b"caf\xe9" for row, text in enumerate(title)],
        type=pa.binary(),
    )
    text = pa.StringArray.from_buffers(len(raw), raw.buffers()[1], raw.buffers()[2])
    pq.write_table(
        columns.set_column(columns.column_names.index("title"), "title", text),
        desk / "pool.parquet",
    )


def total(desk: Path) -> None:
    """As systems write it below a list."""
    members = pd.read_parquet(desk / "members.parquet").astype({"member": str})
    members.loc[len(members)] = {"member": f"Total: {len(members)}"}
    members.to_parquet(desk / "members.parquet")
    (desk / "seen.parquet").unlink()
    pairs = pd.DataFrame({"member": ["100001"], "article": ["none"]})
    pairs.to_parquet(desk / "seen.parquet")


def total_of_pairs(desk: Path) -> None:
    """Of a list of what was seen, in which it has no article."""
    pairs = pd.DataFrame({"member": ["100001", "Total: 1"], "article": ["none", None]})
    pairs.to_parquet(desk / "seen.parquet")


def flip_a_bit(desk: Path) -> None:
    pq.write_table(
        pq.read_table(desk / "members.parquet"), desk / "members.parquet", write_page_checksum=True
    )
    data = bytearray((desk / "members.parquet").read_bytes())
    data[60] ^= 1
    (desk / "members.parquet").write_bytes(data)


BAD: dict[str, Callable[[Path], Any]] = {
    "members.parquet: there is no such file": lambda desk: (desk / "members.parquet").unlink(),
    "pool.parquet is not a sound parquet file": lambda desk: (desk / "pool.parquet").write_text(
        "article,title\n"
    ),
    "pool.parquet is not a sound": lambda desk: (desk / "pool.parquet").write_bytes(b""),
    "members.parquet is not a sound parquet file": flip_a_bit,
    "pool.parquet row 3: title = b'caf\\xe9' is not valid UTF-8": write_latin_1,
    "members.parquet has no rows": change_table("members", lambda frame: frame.iloc[:0]),
    "pool.parquet has no rows": change_table("pool", lambda frame: frame.iloc[:0]),
    "members.parquet lacks column 'career_stage'": change_table(
        "members", lambda frame: frame.drop(columns="career_stage")
    ),
    "pool.parquet lacks column 'summary'": change_table(
        "pool", lambda frame: frame.drop(columns="summary")
    ),
    "members.parquet lacks column 'shoe'": change_table(
        "pool", lambda frame: frame.assign(only_shoe="9")
    ),
    "members.parquet row 7: member 100003 is in row 2 already": change_cell(
        "members", 7, "member", 100003
    ),
    "members.parquet row 4: member is missing": change_table(
        "members", lambda f: f.assign(member=f["member"].where(f.index != 4).astype("Int64"))
    ),
    "column 'member' has type double; must be whole numbers or text": change_table(
        "members", lambda f: f.assign(member=f["member"] + 0.5)
    ),
    "members.parquet row 8: member_since = inf; must be finite": change_cell(
        "members", 8, "member_since", np.inf
    ),
    "column 'member_since' has type large_string; must be numbers": change_table(
        "members", lambda f: f.assign(member_since="long ago")
    ),
    "column 'region' has type int64; must be text": change_table(
        "members", lambda f: f.assign(region=3)
    ),
    "pool.parquet row 9: title is empty": change_cell("pool", 9, "title", " \n"),
    "pool.parquet row 2: title is missing": change_cell("pool", 2, "title", None),
    "pool.parquet row 2: kind is empty": change_cell("pool", 2, "kind", ""),
    "pool.parquet row 6: summary is missing": change_cell("pool", 6, "summary", None),
    "pool.parquet row 10: article 'A001-00' is in row 0 already": change_cell(
        "pool", 10, "article", "A001-00"
    ),
    "pool.parquet row 10: article is empty": change_cell("pool", 10, "article", ""),
    "column 'only_region' has type int64; must be text": change_table(
        "pool", lambda f: f.assign(only_region=4)
    ),
    "seen.parquet: column 'member' has type large_string": change_table(
        "seen", lambda f: f.assign(member=f["member"].astype(str))
    ),
    "seen.parquet row 1: article is missing": change_cell("seen", 1, "article", None),
    "rules.yaml: slots = -1: must be greater than or equal to 1": write_rules("slots: -1"),
    "rules.yaml: slotz = 4: there is no such setting": write_rules("slotz: 4"),
    "rules.yaml: pins.3 = 2.5: must be a valid string or a valid integer": write_rules(
        "pins: {3: 2.5}"
    ),
    "rules.yaml: pins: slot 9 is beyond the layout's 6 slots": write_rules("pins: {9: A001-00}"),
    "rules.yaml line 2: 3 is given twice": write_rules("pins: {3: A001-00,\n 3: A001-01}"),
    "rules.yaml line 1: expected ','": write_rules("pins: {3"),
    "rules.yaml: None; must be settings": write_rules(""),
    "rules.yaml line 1: byte b'\\xe9' is not valid UTF-8": write_rules(
        b"only: {1: {source: [caf\xe9]}}"
    ),
    "pins: slot 1 pins article 'Z', which is not in the pool": write_rules("pins: {1: Z}"),
    "the pool has 11 articles; the layout has 12 slots": write_rules("slots: 12"),
    "rules name column 'section'": write_rules("at_most: {section: {a: 1}}"),
    "pool.parquet: column 'year' has type int64; must be text": lambda desk: (
        change_table("pool", lambda f: f.assign(year=2026))(desk),
        write_rules("at_most: {year: {'2026': 1}}")(desk),
    ),
    "rules.yaml: at_most kind 'Evnt': no article of": write_rules("at_most: {kind: {Evnt: 0}}"),
    "pool.parquet has it; the nearest is 'event' (--allow-unmatched sends all": write_rules(
        "at_most: {kind: {Evnt: 0}}"
    ),
    "rules.yaml: only: slot 3: {} names no value": write_rules("only: {3: {}}"),
    "rules.yaml: only: slot 2: {'kind': []} names no value": write_rules("only: {2: {kind: []}}"),
    "rules.yaml: at_most 'kind' = {}: names no value": write_rules("at_most: {kind: {}}"),
    "rules.yaml: at_least 'source' = {}: names no value": write_rules("at_least: {source: {}}"),
    "at_most kind: 'event' and ' Event' are one value": write_rules(
        "at_most: {kind: {event: 1, ' Event': 2}}"
    ),
    "at_least kind 'EVENT' = 2, but at most 1 are allowed": write_rules(
        "{at_most: {kind: {event: 1}}, at_least: {kind: {EVENT: 2}}}"
    ),
    "pool.parquet: only_region 'Grate Lakes': no member of": change_cell(
        "pool", 2, "only_region", "Grate Lakes"
    ),
    "featured is 'A001-01', but slot 1 is pinned to 'A001-00'": write_rules(
        "{featured: A001-01, pins: {1: A001-00}}"
    ),
    "is not in the pool; the nearest is 'A001-01'": write_rules("featured: a001-01"),
    "pool.parquet row 0: audience = 1.8446744073709552e+19; must be in [0, 1e+12]": change_table(
        "pool", lambda f: f.assign(audience=np.uint64(2**64 - 1))
    ),
    "members.parquet: column 'region' has type 'list<element: string>'; must be text": change_table(
        "members", lambda f: f.assign(region=[["x"]] * len(f))
    ),
    "pool.parquet: column 'tags' has type 'struct<a: int64>'; must be text, numbers": change_table(
        "pool", lambda f: f.assign(tags=[{"a": 1}] * len(f))
    ),
    "pool.parquet article 'A001-00': url = 'http://['; must be a web address": change_table(
        "pool", lambda f: f.assign(url="http://[")
    ),
    "members.parquet is a link that leads nowhere, round in a circle": lambda desk: (
        (desk / "members.parquet").unlink(),
        (desk / "members.parquet").symlink_to(desk / "members.parquet"),
    ),
    "chunk = 0; must be at least 1": lambda desk: None,
    "campaign is empty": lambda desk: None,
    "row 60: 'Total: 60' is a line of totals, not a member; delete it": total,
    "seen.parquet row 1: 'Total: 1' is a line of totals, not who has seen what": total_of_pairs,
}


@pytest.mark.parametrize("message", BAD)
def test_refuses_bad_input(
    message: str, unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD[message](desk)
    other = {
        "chunk = 0; must be at least 1": {"chunk": 0},
        "campaign is empty": {"campaign": " "},
    }.get(message, {})
    assert send.main(list_arguments(desk, unit / "bundle", **other)) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (desk / "out").exists()


def test_an_attribute_that_nobody_has_is_unknown_of_all(unit: Path, desk: Path) -> None:
    change_table("members", lambda f: f.assign(member_since=None))(desk)
    assert send.main(list_arguments(desk, unit / "bundle")) == 0


def test_a_story_told_again_is_shown_once_and_seen_once_is_seen(unit: Path, desk: Path) -> None:
    """The pool has an article twice, once as an update; an earlier pool had it under a third id."""
    pool = pd.read_parquet(desk / "pool.parquet")
    told = pool.iloc[[2]].assign(title="Updated: " + pool["title"][2])
    both = pd.concat([pool, told.assign(article="zz-again")], ignore_index=True)
    both.to_parquet(desk / "pool.parquet")
    pool.iloc[[2]].assign(article="old").to_parquet(desk / "old.parquet")
    pool.iloc[[7]].to_parquet(desk / "none.parquet")
    members = pd.read_parquet(desk / "members.parquet")["member"]
    pairs = pd.DataFrame({"member": members[:40], "article": "old"})
    pairs.to_parquet(desk / "seen.parquet")
    shown = {}
    for name, earlier in {"with": ["none", "old"], "without": ["none"]}.items():
        asked = list_arguments(desk, unit / "bundle", out=desk / name)
        asked += ["--earlier", *(str(desk / f"{pool}.parquet") for pool in earlier)]
        assert send.main(asked) == 0
        slates = pd.read_parquet(desk / name / "slates.parquet")
        tells = slates[slates["article"].isin([both["article"][2], "zz-again"])]
        assert tells["member"].is_unique
        shown[name] = set(tells["member"]) & set(members[:40])
    assert not shown["with"]
    assert shown["without"]
    report = json.loads((desk / "with" / "send.json").read_text())
    assert len(report["inputs"]["earlier"].split()) == 2
    assert report["relaxed"]["story"] == 0
