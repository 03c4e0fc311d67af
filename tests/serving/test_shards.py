"""A send in shards: stopped anywhere it goes on to the same bytes, whoever chooses them."""

import os
import signal
import sys
import threading
import time
from importlib.util import find_spec
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from serving import send
from serving.shards import divide
from serving.shards.desk import Desk
from tests.support.desk_cases import N, list_arguments

SMALL = 13  # members a shard: 60 members are five shards, the last of 8


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Small shards, and the numbers of those that this process chooses."""
    chosen: list[int] = []
    choose = Desk.choose

    def note(desk: Desk, number: int) -> None:
        chosen.append(number)
        choose(desk, number)

    monkeypatch.setattr(divide, "SHARD", SMALL)
    monkeypatch.setattr(Desk, "choose", note)
    return chosen


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def ask(desk: Path, unit: Path, *more: str, **other: Any) -> int:
    return send.main([*list_arguments(desk, unit / "bundle", **other), *more])


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def whole(unit: Path, desk: Path) -> dict[str, bytes]:
    """The files of the same send in one shard."""
    assert divide.SHARD > N
    assert ask(desk, unit, out=desk / "whole") == 0
    return read_files(desk / "whole")


def test_shards_and_chunks_of_any_size_give_the_same_bytes(
    whole: dict[str, bytes], unit: Path, desk: Path, shards: list[int]
) -> None:
    assert ask(desk, unit, chunk=5) == 0
    assert shards == [0, 1, 2, 3, 4]
    assert read_files(desk / "out") == whole


@pytest.mark.parametrize("stopped", [0, 3, 4])
def test_a_send_that_was_stopped_chooses_no_finished_shard_again(
    stopped: int,
    whole: dict[str, bytes],
    unit: Path,
    desk: Path,
    shards: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = Desk.choose

    def choose(own: Desk, number: int) -> None:
        (stop if number == stopped else go_on)(own, number)

    monkeypatch.setattr(Desk, "choose", choose)
    with pytest.raises(KeyboardInterrupt):
        ask(desk, unit)
    assert [path.name for path in (desk / "out").iterdir() if path.name[0] != "."] == []
    assert shards == list(range(stopped))
    monkeypatch.setattr(Desk, "choose", go_on)
    assert ask(desk, unit) == 0
    assert shards == [0, 1, 2, 3, 4]
    assert read_files(desk / "out") == whole


def test_shards_of_another_send_are_not_taken_for_its_own(
    unit: Path, desk: Path, shards: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when all was chosen; then the seed is another."""
    monkeypatch.setattr("serving.letters.files.write_merge", stop)
    with pytest.raises(KeyboardInterrupt):
        ask(desk, unit)
    assert len(list((desk / "out").glob(".shards-*/*.slates.parquet"))) == 5
    monkeypatch.undo()
    monkeypatch.setattr(divide, "SHARD", SMALL)
    assert ask(desk, unit, seed=8) == 0
    assert ask(desk, unit, seed=8, out=desk / "whole") == 0
    assert read_files(desk / "out") == read_files(desk / "whole")


def test_a_finished_send_is_not_chosen_again(
    whole: dict[str, bytes], unit: Path, desk: Path, shards: list[int], capsys: Any
) -> None:
    (desk / "whole" / ".shards-0123").mkdir()  # killed right after send.json was written
    assert ask(desk, unit, out=desk / "whole") == 0
    assert "it was sent before, and nothing was chosen anew" in capsys.readouterr().out
    assert read_files(desk / "whole") == whole
    assert not shards


def test_a_damaged_shard_is_refused_by_name(
    unit: Path, desk: Path, shards: list[int], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    choose = Desk.choose

    def harm(own: Desk, number: int) -> None:
        choose(own, number)
        (path,) = (desk / "out").glob(f".shards-*/{number:05d}.slates.parquet")
        path.write_bytes(path.read_bytes()[:-9])

    monkeypatch.setattr(Desk, "choose", harm)
    assert ask(desk, unit) == 2
    assert "00000.slates.parquet is not a sound parquet file" in capsys.readouterr().err
    assert not (desk / "out").exists()
    monkeypatch.setattr(Desk, "choose", choose)
    assert ask(desk, unit) == 0


def kill_workers(times: int, done: threading.Event) -> None:
    """Kill whatever process this one has started, so many times."""
    killed: set[int] = set()
    while len(killed) < times and not done.is_set():
        for child in active_children():
            if child.pid and child.pid not in killed and len(killed) < times:
                killed.add(child.pid)
                os.kill(child.pid, signal.SIGKILL)
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("deaths", "status"), [(0, 0), (1, 0), (999, 2)])
def test_processes_give_the_same_bytes_whoever_dies(
    deaths: int,
    status: int,
    whole: dict[str, bytes],
    unit: Path,
    desk: Path,
    shards: list[int],
    capsys: Any,
) -> None:
    done = threading.Event()
    killer = threading.Thread(target=kill_workers, args=(deaths, done))
    killer.start()
    try:
        assert ask(desk, unit, "--workers", "2") == status
    finally:
        done.set()
        killer.join()
    assert not shards  # all by others
    if status:
        assert "workers were killed 3 times before one of 5 shards was done" in (
            capsys.readouterr().err
        )
        assert not (desk / "out" / "send.json").exists()
        assert ask(desk, unit) == 0
    assert read_files(desk / "out") == whole


@pytest.mark.slow
def test_workers_hold_out_follow_aliases_and_fall_back(
    unit: Path, desk: Path, shards: list[int]
) -> None:
    """What neither the bundle nor the member list says reaches every worker."""
    present = pd.read_parquet(desk / "members.parquet")["member"][:1]
    pd.DataFrame({"old": [999], "member": present}).to_parquet(desk / "aliases.parquet")
    more = ("--holdout", "0.4", "--series", "2026", "--fallback", str(unit / "bundle"))
    more = (*more, "--aliases", str(desk / "aliases.parquet"))
    for out, workers in (("one", "1"), ("two", "2")):
        assert ask(desk, unit, *more, "--workers", workers, out=desk / out) == 0
    assert read_files(desk / "one") == read_files(desk / "two")
    assert shards == [0, 1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed (the extra `ray`)")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_gives_the_same_bytes(
    whole: dict[str, bytes],
    unit: Path,
    desk: Path,
    shards: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert ask(desk, unit, "--engine", "ray", "--workers", "2") == 0
    assert read_files(desk / "out") == whole
    assert not shards


def test_without_ray_its_engine_is_refused(
    unit: Path, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert ask(desk, unit, "--engine", "ray") == 2
    assert "Ray is not installed: pip install letterbandit[ray]" in capsys.readouterr().err
    assert not (desk / "out").exists()


def test_a_send_needs_a_worker(unit: Path, desk: Path, capsys: Any) -> None:
    assert ask(desk, unit, "--workers", "0") == 2
    assert "--workers = 0; must be at least 1" in capsys.readouterr().err
