"""The two command lines, `serving.export` and `serving.send`, from end to end."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bandit.core.types import Context
from bandit.features.clean import UNREAD
from bandit.policies.profile import Profile
from serving import bundle, export, send
from serving.inputs import load
from serving.sending import write
from serving.sending.record import read_send
from serving.tables.rows import keep_lists
from simulators.association.association import Association
from tests.support.desk_cases import K, N, list_arguments


def test_from_run_to_slates(unit: Path, desk: Path) -> None:
    run = unit.parents[1]
    (run / "winner.json").write_text(json.dumps({"policy": "profile", "unit": "units/profile-0"}))
    for words in (
        ["export", str(run), str(desk / "b")],
        ["send", *list_arguments(desk, desk / "b")],
    ):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", f"serving.{words[0]}", *words[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1
    names = ["members.parquet", "merge.csv", "merge.jsonl", "pool.parquet", "preview.html"]
    names += ["send.json", "slates.parquet"]
    assert sorted(path.name for path in (desk / "out").iterdir()) == names
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
        role: int((slates["role"] == number).sum())
        for number, role in enumerate(("empty", "pinned", "exploit", "explore"))
    }
    assert report["roles"]["explore"] > 0
    first = (desk / "out" / "slates.parquet").read_bytes()
    assert send.main(list_arguments(desk, desk / "b")) == 0
    assert (desk / "out" / "slates.parquet").read_bytes() == first
    assert send.main(list_arguments(desk, desk / "b", chunk=7, out=desk / "again")) == 0
    for name in names:
        assert (desk / "again" / name).read_bytes() == (desk / "out" / name).read_bytes()


def test_row_groups_do_not_follow_the_chunks(
    unit: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "ROW_GROUP", 100)
    written = []
    for chunk in (7, 25, 999):
        assert (
            send.main(list_arguments(desk, unit / "bundle", chunk=chunk, out=desk / str(chunk)))
            == 0
        )
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
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    before = {path.name: path.read_bytes() for path in (desk / "out").iterdir()}
    shutil.copy(desk / "rules.yaml", desk / "other.yaml")
    (desk / "other.yaml").write_text("slots: 3\n")
    pd.DataFrame({"old": [7], "member": [8]}).to_parquet(desk / "ids.parquet")
    for other, what in (
        ({"seed": 8}, "seed: 7, now 8"),
        ({"rules": desk / "other.yaml"}, "rules: one whose SHA-256 begins "),
        ({"campaign": "x"}, "campaign"),
        ({"aliases": desk / "ids.parquet"}, "aliases: none, now one whose SHA-256 begins "),
    ):
        assert send.main(list_arguments(desk, unit / "bundle", **other)) == 2
        assert f"was made with other {what}" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (desk / "out").iterdir()} == before


def test_a_folder_without_send_json_is_unfinished(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed at its end, a send goes on to the same bytes; slates of something else stay."""
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    out, asked = desk / "out", list_arguments(desk, unit / "bundle", chunk=25)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "send.json").unlink()
    with pytest.raises(ValueError, match=r"out holds no send.json: it is no send, or not a finish"):
        read_send(out)
    assert send.main(asked) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "send.json").unlink()
    (out / "slates.parquet").write_bytes(b"years of work")
    assert send.main(asked) == 2
    assert "slates.parquet exists without a send.json" in capsys.readouterr().err
    assert (out / "slates.parquet").read_bytes() == b"years of work"
    assert not (out / "send.json").exists()


def test_a_finished_send_vouches_for_its_files(unit: Path, desk: Path) -> None:
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    assert read_send(desk / "out")["campaign"] == "week-30"
    data = bytearray((desk / "out" / "slates.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (desk / "out" / "slates.parquet").write_bytes(data)
    with pytest.raises(ValueError, match=r"slates.parquet is not the file that send.json names"):
        read_send(desk / "out")
    (desk / "out" / "send.json").write_text('{"files": 3}')
    with pytest.raises(ValueError, match=r"send.json is damaged: AttributeError"):
        read_send(desk / "out")


def test_a_new_value_counts_as_unknown(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    members.loc[[2, 9], "region"] = ["Atlantis [bold]", None]
    members.loc[[4, 5], "career_stage"] = "reborn"
    members.to_parquet(desk / "members.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    warned = capsys.readouterr().err.splitlines()
    assert [line.split("members.parquet: ")[1] for line in warned] == [
        "1 members have a region never seen before ('Atlantis [bold]'); it counts as unknown",
        "2 members have a career_stage never seen before ('reborn'); it counts as unknown",
    ]
    unknown = json.loads((desk / "out" / "send.json").read_text())["unknown"]
    assert unknown == {"region": {"Atlantis [bold]": 1}, "career_stage": {"reborn": 2}}


def test_a_missing_number_counts_as_the_mean(unit: Path, desk: Path) -> None:
    """Null and NaN alike: the slates are those of members with exactly the mean."""
    table = pq.read_table(desk / "members.parquet")
    mean, _ = bundle.read(unit / "bundle").features.attributes.numeric["member_since"]
    since = table["member_since"].to_pylist()
    place, slates = table.column_names.index("member_since"), []
    for name, unknown in {"null": None, "nan": float("nan"), "mean": mean}.items():
        column = pa.array([unknown, unknown, *map(float, since[2:])])
        pq.write_table(table.set_column(place, "member_since", column), desk / "members.parquet")
        assert send.main(list_arguments(desk, unit / "bundle", out=desk / name)) == 0
        slates.append((desk / name / "slates.parquet").read_bytes())
    assert slates[0] == slates[1] == slates[2]


def test_spaces_and_capital_letters_do_not_tell_values_apart(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members, pool = (pd.read_parquet(desk / f"{name}.parquet") for name in ("members", "pool"))
    pool.loc[:5, "only_region"] = f"{members['region'][3].lower()} ; {members['region'][5]}"
    pool.to_parquet(desk / "pool.parquet")
    assert send.main(list_arguments(desk, unit / "bundle", out=desk / "plain")) == 0
    members["region"] = "  " + members["region"].str.upper() + " "
    members["member_type"] = members["member_type"].str.title()
    members.to_parquet(desk / "members.parquet")
    assert send.main(list_arguments(desk, unit / "bundle", out=desk / "shouted")) == 0
    assert capsys.readouterr().err == ""
    plain, shouted = (
        (desk / name / "slates.parquet").read_bytes() for name in ("plain", "shouted")
    )
    assert plain == shouted


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
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    assert slates["member"].iloc[0] == members["member"][0]
    files = (desk / "members.parquet", desk / "pool.parquet", desk / "rules.yaml")
    with keep_lists(desk) as keep:
        inputs = load(association.features, *files, keep)
    assert inputs.articles["article"].tolist() == sorted(inputs.articles["article"])
    assert (
        "email" not in inputs.members.schema.names
    )  # personal data that nobody asked for is not even read


def test_a_send_that_fails_leaves_nothing(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    plan_for, calls = Profile.plan_for, []

    def fail_later(self: Profile, *pool: Any) -> Any:
        plan = plan_for(self, *pool)

        def fail(context: Context) -> Any:
            calls.append(len(context.members))
            if len(calls) == 3:
                raise RuntimeError("the machine is on fire")
            return plan(context)

        return fail

    monkeypatch.setattr(Profile, "plan_for", fail_later)
    monkeypatch.setattr(write, "ROW_GROUP", 20)  # some of it is on the disk by then
    assert send.main(list_arguments(desk, unit / "bundle", chunk=25)) == 2
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


def test_an_article_that_cannot_be_read_counts_as_average(
    unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.loc[[1, 3], "title"] = ["x", "<b>Click here</b>"]
    pool.loc[[1, 3], "summary"] = ["", "https://example.org/a?utm_source=b"]
    pool.to_parquet(desk / "pool.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    warned = capsys.readouterr().err.splitlines()
    first, second = sorted(pool["article"].iloc[[1, 3]])
    assert [line.split("pool.parquet: ")[1] for line in warned] == [
        f"article {each!r} counts as average: {UNREAD}" for each in (first, second)
    ]
    unread = json.loads((desk / "out" / "send.json").read_text())["unread"]
    assert unread == dict.fromkeys([first, second], UNREAD)
