"""What the sender is given by others, and the two command lines from end to end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bandit.core.types import Context
from bandit.policies.profile import Profile
from serving import bundle, export, send
from serving.inputs import load
from simulators.association.association import Association

N, M, K = 60, 11, 4


@pytest.fixture(scope="module")
def association() -> Association:
    return Association(members=N, issues=3, pool=M, slots=K, text_dims=8, joiners=0.0)


@pytest.fixture(scope="module")
def unit(association: Association, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished unit's folder, as experiments leave it."""
    folder = tmp_path_factory.mktemp("runs") / "units" / "profile-0"
    policy = Profile(budget=0.2)
    policy.start(association.features)
    bundle.write(
        folder / "bundle",
        policy,
        "bandit.policies.profile.Profile",
        {"budget": 0.2},
        association.features,
        {},
    )
    (folder / "unit.json").write_text('{"exportable": true}')
    return folder


@pytest.fixture
def desk(association: Association, tmp_path: Path) -> Path:
    """The editor's files, all in order."""
    context: Context = association.issue(1)
    context.members.assign(email="x@example.org").to_parquet(tmp_path / "members.parquet")
    context.articles.to_parquet(tmp_path / "pool.parquet")
    (tmp_path / "rules.yaml").write_text(f"slots: {K}\nat_most: {{kind: {{event: 2}}}}\n")
    pairs = {"member": context.member_ids[:3], "article": context.article_ids[[5, 5, 1]]}
    pd.DataFrame(pairs).to_parquet(tmp_path / "seen.parquet")
    return tmp_path


def arguments(desk: Path, source: Path, **other: Any) -> list[str]:
    asked = {name: desk / f"{name}.parquet" for name in ("members", "pool", "seen")}
    asked |= {
        "rules": desk / "rules.yaml",
        "campaign": "week-30",
        "seed": 7,
        "out": desk / "out",
    } | other
    return [
        str(source),
        *(word for key, value in asked.items() for word in (f"--{key}", str(value))),
    ]


def test_from_run_to_slates(unit: Path, desk: Path) -> None:
    run = unit.parents[1]
    (run / "winner.json").write_text(json.dumps({"policy": "profile", "unit": "units/profile-0"}))
    for words in (["export", str(run), str(desk / "b")], ["send", *arguments(desk, desk / "b")]):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", f"serving.{words[0]}", *words[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1
    assert sorted(path.name for path in (desk / "out").iterdir()) == ["send.json", "slates.parquet"]
    table = pq.read_table(desk / "out" / "slates.parquet", page_checksum_verification=True)
    assert str(table.schema.field("relaxed").type) == "int8"
    slates = table.to_pandas()
    assert (
        slates["member"].tolist()
        == pd.read_parquet(desk / "members.parquet")["member"].repeat(K).tolist()
    )
    assert slates["slot"].tolist() == [1, 2, 3, 4] * N
    assert set(slates["campaign"]) == {"week-30"}
    report = json.loads((desk / "out" / "send.json").read_text())
    assert report["bundle"] == bundle.read(desk / "b").digest
    assert report["roles"] == {
        role: int((slates["role"] == role).sum())
        for role in ("empty", "pinned", "exploit", "explore")
    }
    assert report["roles"]["explore"] > 0
    first = (desk / "out" / "slates.parquet").read_bytes()
    assert send.main(arguments(desk, desk / "b")) == 0
    assert (desk / "out" / "slates.parquet").read_bytes() == first
    assert send.main(arguments(desk, desk / "b", chunk=7, out=desk / "again")) == 0
    for name in ("slates.parquet", "send.json"):
        assert (desk / "again" / name).read_bytes() == (desk / "out" / name).read_bytes()


def test_row_groups_do_not_follow_the_chunks(
    unit: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "ROW_GROUP", 100)
    written = []
    for chunk in (7, 25, 999):
        assert send.main(arguments(desk, unit / "bundle", chunk=chunk, out=desk / str(chunk))) == 0
        written.append((desk / str(chunk) / "slates.parquet").read_bytes())
    assert written[0] == written[1] == written[2]
    assert pq.ParquetFile(pa.BufferReader(written[0])).num_row_groups == 3  # of N * K = 240


def test_loads_without_the_heavy_libraries() -> None:
    heavy = {"torch", "vowpalwabbit", "hydra"}
    code = f"import sys, serving.send, serving.export; print({heavy} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "set()\n"
    )


def test_slates_made_from_something_else_stay(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send.main(arguments(desk, unit / "bundle")) == 0
    before = {path.name: path.read_bytes() for path in (desk / "out").iterdir()}
    shutil.copy(desk / "rules.yaml", desk / "other.yaml")
    (desk / "other.yaml").write_text("slots: 3\n")
    for other, what in (
        ({"seed": 8}, "seed: 7, now 8"),
        ({"rules": desk / "other.yaml"}, "rules: '"),
        ({"campaign": "x"}, "campaign"),
    ):
        assert send.main(arguments(desk, unit / "bundle", **other)) == 2
        assert f"was made with other {what}" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (desk / "out").iterdir()} == before
    (desk / "out" / "send.json").unlink()
    assert send.main(arguments(desk, unit / "bundle")) == 2
    assert "exists without a send.json" in capsys.readouterr().err


def test_a_new_value_counts_as_unknown(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    members.loc[[2, 9], "region"] = ["Atlantis [bold]", None]
    members.loc[[4, 5], "career_stage"] = "reborn"
    members.to_parquet(desk / "members.parquet")
    assert send.main(arguments(desk, unit / "bundle")) == 0
    warned = capsys.readouterr().err.splitlines()
    assert [line.split("members.parquet: ")[1] for line in warned] == [
        "1 members have a region never seen before ('Atlantis [bold]'); it counts as unknown",
        "2 members have a career_stage never seen before ('reborn'); it counts as unknown",
    ]
    unknown = json.loads((desk / "out" / "send.json").read_text())["unknown"]
    assert unknown == {"region": {"Atlantis [bold]": 1}, "career_stage": {"reborn": 2}}


def test_text_ids_and_encodings_are_welcome(
    unit: Path, desk: Path, association: Association
) -> None:
    members = pd.read_parquet(desk / "members.parquet").astype(
        {"member": "str", "region": "category"}
    )
    pairs = pd.read_parquet(desk / "seen.parquet").astype({"member": "str"})
    members.set_index("member").to_parquet(desk / "members.parquet")
    pairs.to_parquet(desk / "seen.parquet")
    pool = pd.read_parquet(desk / "pool.parquet").assign(only_region=None)
    pool.to_parquet(desk / "pool.parquet")
    assert send.main(arguments(desk, unit / "bundle")) == 0
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    assert slates["member"].iloc[0] == members["member"][0]
    inputs = load(
        association.features, desk / "members.parquet", desk / "pool.parquet", desk / "rules.yaml"
    )
    assert inputs.articles["article"].is_monotonic_increasing
    assert "email" not in inputs.members  # personal data that nobody asked for is not even read


def table(name: str, change: Callable[[pd.DataFrame], Any]) -> Callable[[Path], None]:
    """Change one of the desk's tables, in place or by returning another."""

    def write(desk: Path) -> None:
        frame = pd.read_parquet(desk / f"{name}.parquet").astype(object).infer_objects()
        changed = change(frame)
        (frame if changed is None else changed).to_parquet(desk / f"{name}.parquet")

    return write


def cell(name: str, row: int, column: str, value: Any) -> Callable[[Path], None]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].tolist()
        values[row] = value
        return frame.assign(**{column: values})

    return table(name, change)


def rules(text: str | bytes) -> Callable[[Path], Any]:
    return lambda desk: (desk / "rules.yaml").write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )


def not_utf8(desk: Path) -> None:
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


def flip(desk: Path) -> None:
    pq.write_table(
        pq.read_table(desk / "members.parquet"), desk / "members.parquet", write_page_checksum=True
    )
    data = bytearray((desk / "members.parquet").read_bytes())
    data[60] ^= 1
    (desk / "members.parquet").write_bytes(data)


def not_a_number(desk: Path) -> None:
    columns = pq.read_table(desk / "members.parquet")
    since = [2001.0] * 5 + [float("nan")] * (N - 5)  # pandas would write nulls
    place = columns.column_names.index("member_since")
    pq.write_table(
        columns.set_column(place, "member_since", pa.array(since)), desk / "members.parquet"
    )


BAD: dict[str, Callable[[Path], Any]] = {
    "members.parquet: there is no such file": lambda desk: (desk / "members.parquet").unlink(),
    "pool.parquet is not a sound parquet file": lambda desk: (desk / "pool.parquet").write_text(
        "article,title\n"
    ),
    "pool.parquet is not a sound": lambda desk: (desk / "pool.parquet").write_bytes(b""),
    "members.parquet is not a sound parquet file": flip,
    "pool.parquet row 3: title = b'caf\\xe9' is not valid UTF-8": not_utf8,
    "members.parquet has no rows": table("members", lambda frame: frame.iloc[:0]),
    "pool.parquet has no rows": table("pool", lambda frame: frame.iloc[:0]),
    "members.parquet lacks column 'career_stage'": table(
        "members", lambda frame: frame.drop(columns="career_stage")
    ),
    "pool.parquet lacks column 'summary'": table(
        "pool", lambda frame: frame.drop(columns="summary")
    ),
    "members.parquet lacks column 'shoe'": table("pool", lambda frame: frame.assign(only_shoe="9")),
    "members.parquet row 7: member 100003 is in row 2 already": cell(
        "members", 7, "member", 100003
    ),
    "members.parquet row 4: member is missing": table(
        "members", lambda f: f.assign(member=f["member"].where(f.index != 4).astype("Int64"))
    ),
    "column 'member' has type double; must be whole numbers or text": table(
        "members", lambda f: f.assign(member=f["member"] + 0.5)
    ),
    "members.parquet row 8: member_since is missing": cell("members", 8, "member_since", None),
    "members.parquet row 5: member_since = nan; must be finite": not_a_number,
    "members.parquet row 8: member_since = inf; must be finite": cell(
        "members", 8, "member_since", np.inf
    ),
    "column 'member_since' has type large_string; must be numbers": table(
        "members", lambda f: f.assign(member_since="long ago")
    ),
    "column 'region' has type int64; must be text": table("members", lambda f: f.assign(region=3)),
    "pool.parquet row 9: title is empty": cell("pool", 9, "title", " \n"),
    "pool.parquet row 2: title is missing": cell("pool", 2, "title", None),
    "pool.parquet row 2: kind is empty": cell("pool", 2, "kind", ""),
    "pool.parquet row 6: summary is missing": cell("pool", 6, "summary", None),
    "pool.parquet row 10: article 'A001-00' is in row 0 already": cell(
        "pool", 10, "article", "A001-00"
    ),
    "pool.parquet row 10: article is empty": cell("pool", 10, "article", ""),
    "column 'only_region' has type int64; must be text": table(
        "pool", lambda f: f.assign(only_region=4)
    ),
    "seen.parquet: column 'member' has type large_string": table(
        "seen", lambda f: f.assign(member=f["member"].astype(str))
    ),
    "seen.parquet row 1: article is missing": cell("seen", 1, "article", None),
    "rules.yaml: slots = -1: must be greater than or equal to 1": rules("slots: -1"),
    "rules.yaml: slotz = 4: there is no such setting": rules("slotz: 4"),
    "rules.yaml: pins.3 = 2.5: must be a valid string or a valid integer": rules("pins: {3: 2.5}"),
    "rules.yaml: pins: slot 9 is beyond the layout's 6 slots": rules("pins: {9: A001-00}"),
    "rules.yaml line 2: 3 is given twice": rules("pins: {3: A001-00,\n 3: A001-01}"),
    "rules.yaml line 1: expected ','": rules("pins: {3"),
    "rules.yaml: None; must be settings": rules(""),
    "rules.yaml: 'utf-8' codec can't decode byte 0xe9": rules(b"only: {1: {source: [caf\xe9]}}"),
    "pins: slot 1 pins article 'Z', which is not in the pool": rules("pins: {1: Z}"),
    "the pool has 11 articles; the layout has 12 slots": rules("slots: 12"),
    "rules name column 'section'": rules("at_most: {section: {a: 1}}"),
    "pool.parquet: column 'year' has type int64; must be text": lambda desk: (
        table("pool", lambda f: f.assign(year=2026))(desk),
        rules("at_most: {year: {'2026': 1}}")(desk),
    ),
    "chunk = 0; must be at least 1": lambda desk: None,
    "campaign is empty": lambda desk: None,
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
    assert send.main(arguments(desk, unit / "bundle", **other)) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (desk / "out").exists()


def test_a_send_that_fails_leaves_nothing(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    plan, calls = Profile.plan, []

    def fail_later(self: Profile, context: Context) -> Any:
        calls.append(len(context.members))
        if len(calls) == 3:
            raise RuntimeError("the machine is on fire")
        return plan(self, context)

    monkeypatch.setattr(Profile, "plan", fail_later)
    monkeypatch.setattr(send, "ROW_GROUP", 20)  # some of it is on the disk by then
    assert send.main(arguments(desk, unit / "bundle", chunk=25)) == 2
    assert calls == [25, 25, 10]
    assert capsys.readouterr().err == "serving.send: RuntimeError: the machine is on fire\n"
    assert not (desk / "out").exists()


UNITS: dict[str, Callable[[Path], Any]] = {
    "there is no such folder": lambda run: shutil.rmtree(run),
    "holds no bundle/: the run is not finished": lambda run: shutil.rmtree(run / "bundle"),
    "exists only in simulation and cannot be exported": lambda run: (run / "unit.json").write_text(
        '{"exportable": false}'
    ),
    "unit.json is not valid JSON": lambda run: (run / "unit.json").write_text("{"),
    "unit = '../elsewhere'; must be": lambda run: (run / "winner.json").write_text(
        '{"unit": "../elsewhere"}'
    ),
    "unit = None; must be": lambda run: (run / "winner.json").write_text("{}"),
    "winner.json holds []; must be a JSON object": lambda run: (run / "winner.json").write_text(
        "[]"
    ),
}


@pytest.mark.parametrize("message", UNITS)
def test_refuses_to_export(
    message: str, unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(unit, tmp_path / "run")
    UNITS[message](run)
    assert export.main([str(run), str(tmp_path / "b")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "b").exists()
