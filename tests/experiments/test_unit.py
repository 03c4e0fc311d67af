"""Units of a run: they resume to the same bytes, and refuse a folder that is not theirs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from bandit.core.files import read_json
from bandit.core.threads import use_one_thread
from experiments.runner.configs import ROOT, read_policy
from experiments.runner.unit import run_unit

SMALL: dict[str, Any] = {
    "_target_": "simulators.association.association.Association",
    "members": 200,
    "issues": 4,
    "pool": 12,
    "slots": 3,
    "text_dims": 6,
}


def contents(unit: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(unit)): path.read_bytes()
        for path in sorted(unit.rglob("*"))
        if path.is_file()
    }


LEARNERS = ("vw", "wave", "profile", "segment_learned", "bayes_limit", "profile_true_topics")


@pytest.fixture(scope="module")
def logger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    unit = tmp_path_factory.mktemp("runs") / "random-0"
    run_unit(unit, read_policy("random"), SMALL, seed=0)
    return unit


@pytest.mark.parametrize(
    "name",
    ["popular", *(pytest.param(name, marks=pytest.mark.slow) for name in LEARNERS)],
)
def test_a_unit_stopped_after_any_issue_resumes_to_the_same_bytes(
    name: str, logger: Path, tmp_path: Path
) -> None:
    arguments = (read_policy(name), SMALL, 0, logger, 2)
    run_unit(tmp_path / "whole", *arguments)
    expected = contents(tmp_path / "whole")
    assert sum("replay/" in path for path in expected) == 3 * 3

    class Stop(Exception):
        pass

    def stop_at(issue: int) -> Any:
        def tick(number: int) -> None:
            if number == issue:
                raise Stop

        return tick

    for issue in (1, 3, 4):
        unit = tmp_path / f"stopped-{issue}"
        with pytest.raises(Stop):
            run_unit(unit, *arguments, tick=stop_at(issue))
        assert not (unit / "done.json").exists()
        run_unit(unit, *arguments)
        assert contents(unit) == expected


@pytest.mark.parametrize("name", ["blast", pytest.param("wave", marks=pytest.mark.slow)])
def test_a_finished_unit_is_replayed_on_what_is_missing_and_not_sent_again(
    name: str, logger: Path, tmp_path: Path
) -> None:
    policy, unit = read_policy(name), tmp_path / "unit"
    run_unit(tmp_path / "whole", policy, SMALL, 0, logger, 2)
    run_unit(tmp_path / "deep", policy, SMALL, 0, logger, 2, 3)

    def ask(*replay: Any) -> list[str]:
        """What is written where this is asked of a unit that may have been asked before."""
        before = {path: path.stat().st_mtime_ns for path in unit.rglob("*.*")}
        run_unit(unit, policy, SMALL, 0, *replay)
        now = {path: path.stat().st_mtime_ns for path in unit.rglob("*.*") if path.is_file()}
        changed = [path for path, when in now.items() if before.get(path) != when]
        return sorted(str(path.relative_to(unit)) for path in changed)

    def replayed(*numbers: int) -> list[str]:
        ends = [f"{n:03d}.{kind}" for n in numbers for kind in ("json", "parquet")]
        return sorted([*ends, *(f"whole/{n:03d}.parquet" for n in numbers)])

    assert "log/001.parquet" in ask()
    three_on = [f"replay/{each}" for each in replayed(3, 4)]
    assert ask(logger, 3) == ["replay.json", *three_on]
    assert ask(logger, 4) == ask(logger, 3) == ask(logger, 3, 1) == ask() == []
    assert ask(logger, 2) == [f"replay/{each}" for each in replayed(2)]
    assert contents(unit) == contents(tmp_path / "whole")
    assert "log/001.parquet" not in ask(logger, 2, 3)
    assert contents(unit) == contents(tmp_path / "deep")


@pytest.mark.slow
def test_a_run_killed_at_any_moment_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from experiments.runner.unit import run_unit; "
        "from experiments.runner.configs import read_policy; "
        f"run_unit(Path(sys.argv[1]), read_policy('lin_ts'), {SMALL!r}, 0)"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def start(unit: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, str(unit)], env=environment)

    assert start(tmp_path / "whole").wait() == 0
    for kill, wait in enumerate((0.0, 0.03, 0.11)):
        unit = tmp_path / f"killed-{kill}"
        process = start(unit)
        while not list(unit.glob("log/*.parquet")) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert start(unit).wait() == 0
        assert contents(unit) == contents(tmp_path / "whole")


def test_a_folder_begun_for_something_else_is_made_anew(tmp_path: Path) -> None:
    run_unit(tmp_path / "unit", read_policy("random"), SMALL, seed=0)
    first = contents(tmp_path / "unit")
    run_unit(tmp_path / "unit", read_policy("random"), SMALL, seed=1)
    assert read_json(tmp_path / "unit" / "unit.json")["seed"] == 1
    assert contents(tmp_path / "unit")["log/001.parquet"] != first["log/001.parquet"]


def test_a_folder_that_is_no_unit_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="holds something else"):
        run_unit(tmp_path, read_policy("random"), SMALL, seed=0)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_a_damaged_log_is_refused_by_name(tmp_path: Path) -> None:
    unit = tmp_path / "unit"
    run_unit(unit, read_policy("random"), SMALL, seed=0)
    (unit / "done.json").unlink()
    path = unit / "log" / "002.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"002\.parquet"):
        run_unit(unit, read_policy("random"), SMALL, seed=0)


def test_every_policy_meets_the_same_opens(logger: Path, tmp_path: Path) -> None:
    run_unit(tmp_path / "blast", read_policy("blast"), SMALL, seed=0)
    for issue in ("001", "004"):
        ours, theirs = (
            read_json(unit / "issues" / f"{issue}.json") for unit in (tmp_path / "blast", logger)
        )
        assert ours["opened"] == theirs["opened"]
        assert ours["delivered"] == theirs["delivered"]


def test_units_compute_on_one_thread() -> None:
    """What is learned must not depend on the number of cores.

    A caller who computes on two threads has them back afterwards.
    """
    import torch

    def threads() -> tuple[int, list[int]]:
        return torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()]

    usual = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        before = threads()
        assert before[0] == 2
        assert 2 in before[1]
        with use_one_thread():
            assert threads()[0] == 1
            assert set(threads()[1]) == {1}
            assert os.environ["OMP_NUM_THREADS"] == "1"
            with use_one_thread():  # one inside the other changes nothing
                pass
            assert set(threads()[1]) == {1}
        assert threads() == before
        torch.set_num_threads(usual)
