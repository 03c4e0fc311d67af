"""Killed at any moment: nothing is torn, lost or doubled, and the next run sweeps and goes on."""

import shutil
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bandit.core.files import write_table
from serving import bundle, export, send
from serving.prepare import __main__ as prepare
from tests.support.desk_cases import list_arguments
from tests.support.kill_cases import interrupt, measure

KILLS = [pytest.param(5, id="few"), pytest.param(25, id="many", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes that have loaded the sender already."""
    context = get_context("forkserver")
    modules = ["serving.send", "serving.export", "serving.prepare.work", "bandit.policies.profile"]
    context.set_forkserver_preload(modules)
    return context


def read_files(folder: Path) -> dict[str, bytes]:
    if not folder.exists():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


def list_hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_send_is_whole_or_unfinished_and_goes_on_to_the_same_bytes(
    kills: int, server: ForkServerContext, unit: Path, desk: Path
) -> None:
    assert send.main(list_arguments(desk, unit / "bundle", out=desk / "whole")) == 0
    whole, words = read_files(desk / "whole"), list_arguments(desk, unit / "bundle")
    spent, rng = measure(server, send.main, words), np.random.default_rng(kills)
    shutil.rmtree(desk / "out")
    unfinished = 0
    for number in range(kills):
        interrupt(server, send.main, words, float(rng.uniform(0, 1.1 * spent)))
        found = read_files(desk / "out")
        assert {name: whole.get(name) for name in found if name in whole} == {
            name: content for name, content in found.items() if name in whole
        }
        if "send.json" in found:  # the kill came too late
            assert found == whole
            shutil.rmtree(desk / "out")
        else:
            unfinished += 1
        if number % 5 == 4:
            assert send.main(words) == 0
            assert read_files(desk / "out") == whole
            assert not list_hidden(desk)
            shutil.rmtree(desk / "out")
    assert unfinished or kills < 20  # how fast the machine is at that moment is luck


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_export_leaves_the_earlier_bundle_or_the_new_one(
    kills: int, server: ForkServerContext, unit: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(unit, tmp_path / "other")
    found = bundle.read(unit / "bundle")
    facts = found.manifest.parameters, found.features, {"again": True}
    bundle.write(other / "bundle", found.policy, found.manifest.policy, *facts)
    digests = [found.digest, bundle.read(other / "bundle").digest]
    target, rng = tmp_path / "place" / "b", np.random.default_rng(kills)
    runs = [[str(run), str(target)] for run in (unit, other)]
    spent = measure(server, export.main, runs[0])
    seen: set[str] = set()
    for number in range(kills):
        seconds = float(rng.uniform(0, 1.1 * spent))
        interrupt(server, export.main, runs[1 - number % 2], seconds)
        seen.add(bundle.read(target).digest)  # there at every moment, and sound
        assert [path.name for path in target.parent.iterdir() if path.name[0] != "."] == ["b"]
    assert seen <= set(digests)
    assert export.main(runs[0]) == 0
    assert bundle.read(target).digest == digests[0]
    assert not list_hidden(target.parent)
    assert sorted(path.name for path in target.parent.iterdir()) == ["b"]


# each run fits a reader twice, so few are few
@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="few"), pytest.param(25, id="many", marks=pytest.mark.slow)]
)
def test_a_killed_prepare_leaves_the_earlier_bundles_or_the_new_ones(
    kills: int, server: ForkServerContext, tmp_path: Path
) -> None:
    """The bundle and its fallback are there at every moment, sound, and one of the two made."""
    desk = shutil.copytree(Path(__file__).parents[2] / "docs" / "first_issue", tmp_path / "desk")
    target = tmp_path / "place" / "b"
    names = ("members", "articles", "pool", "segments")
    members, articles, pool, rules = (
        str(desk / f"{name}.{'yaml' if name == 'segments' else 'csv'}") for name in names
    )
    words = ["--members", members, "--segment-rules", rules, "--out", str(target)]
    words += ["--text-dims", "4"]
    runs = [[*words, "--articles", articles], [*words, "--articles", articles, pool]]
    places = (target, target.with_name("b-fallback"))
    made = []
    for asked in runs:
        spent = measure(server, prepare.main, asked)
        made.append([bundle.read(place).digest for place in places])
    assert not set(made[0]) & set(made[1])
    rng, pairs = np.random.default_rng(kills), list(zip(*made, strict=True))
    for number in range(2 * kills):
        # what it reads takes most of the time; half of the kills come when it writes
        least = 0.8 * spent if number % 2 else 0.0
        interrupt(server, prepare.main, runs[number % 2], float(rng.uniform(least, 1.1 * spent)))
        found = [bundle.read(place).digest for place in places]
        assert all(digest in digests for digest, digests in zip(found, pairs, strict=True))
        there = {path.name for path in target.parent.iterdir() if path.name[0] != "."}
        assert there == {"b", "b-fallback"}
    assert prepare.main(runs[0]) == 0
    assert [bundle.read(place).digest for place in places] == made[0]
    assert not list_hidden(target.parent)


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes cut short, or with one bit flipped."""
    if rng.random() < 0.25:
        return data[: int(rng.integers(len(data)))]
    changed = bytearray(data)
    changed[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


@pytest.mark.parametrize(
    "tries", [pytest.param(24, id="few"), pytest.param(250, id="many", marks=pytest.mark.slow)]
)
def test_no_flip_and_no_cut_sends_something_else(
    tries: int, unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused by the file's name, or the same slates.

    Rules have no checksum: what is still a rule is obeyed.
    """

    shutil.copytree(unit / "bundle", desk / "b")
    for name in ("members", "pool", "seen"):
        path = desk / f"{name}.parquet"
        write_table(path, pa.Table.from_pandas(pd.read_parquet(path), preserve_index=False))
    assert send.main(list_arguments(desk, desk / "b", out=desk / "whole")) == 0
    whole = (desk / "whole" / "slates.parquet").read_bytes()
    files: list[Any] = [*(desk / "b").iterdir(), desk / "rules.yaml"]
    files += [desk / f"{name}.parquet" for name in ("members", "pool", "seen")]
    rng, refused = np.random.default_rng(tries), 0
    for number in range(tries):
        path = files[number % len(files)]
        before = path.read_bytes()
        path.write_bytes(damage(before, rng))
        capsys.readouterr()
        status = send.main(list_arguments(desk, desk / "b"))
        said = capsys.readouterr().err
        path.write_bytes(before)
        if status == 0:
            same = (desk / "out" / "slates.parquet").read_bytes() == whole
            assert same or path.name == "rules.yaml", path
            shutil.rmtree(desk / "out")
        else:
            refused += 1
            assert len(said.splitlines()) == 1, said
            assert path.name in said or "manifest" in said, (path.name, said)
            assert not (desk / "out").exists()
    assert refused > tries / 2
