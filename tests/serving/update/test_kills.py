"""An update that is killed leaves the earlier bundle or the next one, and a sound list."""

import shutil
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pytest

from bandit.log import archive
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from serving import bundle
from serving.update.__main__ import main
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of
from tests.support.ingest_cases import read_files
from tests.support.kill_cases import interrupt, measure

KILLS = [pytest.param(6, id="few"), pytest.param(50, id="many", marks=pytest.mark.slow)]
TARGET = "bandit.policies.profile.Profile"


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes that have loaded what learns already."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["serving.update.work", "bandit.policies.profile", "torch"])
    return context


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A new bundle, and the log as it was after three issues and after six."""
    association: Association = association_of(seed=5, members=120, issues=6, pool=14, text_dims=8)
    rounds = list(play(Random(), association, seed=7))
    for count in (3, 6):
        archive.write(tmp_path / f"log-{count}", rounds[:count])
    policy = Profile()
    policy.start(association.features)
    bundle.write(tmp_path / "new", policy, TARGET, {}, association.features, {})
    return tmp_path


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_update_goes_on_to_the_same_bytes(
    kills: int, server: ForkServerContext, place: Path
) -> None:
    """From six issues to a bundle that replaces one of three, with the list of what was seen."""

    def ask(log: int, out: Path) -> list[str]:
        more = [str(out / "next"), "--seen", str(out / "seen.parquet")]
        return [str(place / "new"), str(place / f"log-{log}"), *more]

    before, whole, desk = (place / name for name in ("before", "whole", "desk"))
    assert main(ask(3, before)) == 0
    shutil.copytree(before, whole)
    (whole / "seen.parquet").unlink()  # begun anew, it is of all issues
    spent = measure(server, main, ask(6, whole))
    old, new = read_files(before), read_files(whole)
    assert set(old) == set(new)
    states = {name: {old[name], new[name]} for name in old}
    rng, unfinished, digests = np.random.default_rng(kills), 0, set[str]()
    inputs = {name: read_files(place / name) for name in ("new", "log-3", "log-6")}
    for number in range(kills):
        if number % 5 == 0:
            shutil.rmtree(desk, ignore_errors=True)
            shutil.copytree(before, desk)
            (desk / "seen.parquet").unlink()
        interrupt(server, main, ask(6, desk), float(rng.uniform(0, 1.1 * spent)))
        digests.add(bundle.read(desk / "next").digest)  # there at every moment, and sound
        there = {name: content for name, content in read_files(desk).items() if "/." not in name}
        there = {name: content for name, content in there.items() if not name.startswith(".")}
        if "seen.parquet" in there:  # it is written after the bundle
            assert there == new
        else:
            unfinished += 1
            assert all(content in states[name] for name, content in there.items())
        if number % 5 == 4:
            assert main(ask(6, desk)) == 0
            assert read_files(desk) == new
    assert digests <= {bundle.read(each / "next").digest for each in (before, whole)}
    assert unfinished or kills < 20  # how fast the machine is at that moment is luck
    assert main(ask(6, desk)) == 0
    assert read_files(desk) == new  # nothing is left over
    assert inputs == {name: read_files(place / name) for name in inputs}
