"""Tasks side by side: one waits for another, a failure stops what has not begun, the dead are
replaced, and whoever works leaves the same bytes."""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from experiments import compare
from experiments.runner.pool import Task, run_all
from tests.support.asking import SMALL, Ask, ask_in
from tests.support.own_project import write_project

needs_ray = pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed (extra `ray`)")


def copy(source: Path, target: Path, tick: Callable[[int], None]) -> None:
    """A task's work: raises FileNotFoundError where the source is not there."""
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    tick(1)


def test_a_task_begins_when_the_one_it_names_is_finished(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    first.write_text("text", encoding="utf-8")
    tasks = [
        Task("later", partial(copy, second, third), after="earlier"),
        Task("earlier", partial(copy, first, second)),
    ]
    run_all(tasks, issues=1, workers=2, title="test")
    assert third.read_text(encoding="utf-8") == "text"


def test_a_failure_is_raised_and_what_waits_for_it_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    tasks = [
        Task("fails", partial(copy, tmp_path / "nowhere", tmp_path / "copy")),
        Task("waits", partial(copy, tmp_path / "there", tmp_path / "never"), after="fails"),
    ]
    with pytest.raises(
        ValueError, match=r"fails: copy failed: FileNotFound.*nowhere.*_pool\.py:\d+"
    ):
        run_all(tasks, issues=1, workers=2, title="test")
    assert not (tmp_path / "never").exists()


def test_workers_are_at_least_one() -> None:
    with pytest.raises(ValueError, match="workers = 0; must be a whole number of at least 1"):
        run_all([], issues=1, workers=0, title="test")


def die(folder: Path, times: int, waits: bool, tick: Callable[[int], None]) -> None:
    """A task's work, whose worker is killed the first times that it is begun.

    waits: whether it dies only when the copy of `list_mortals` is there, and told of
    """
    begun = len(list(folder.glob("begun-*")))
    (folder / f"begun-{begun}").touch()
    if waits and not (folder.parent / "copy").exists():
        while not (folder.parent / "copy").exists():
            time.sleep(0.01)
        time.sleep(1.0)  # until the parent has heard of it
    if begun < times:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "done").touch()


def list_mortals(folder: Path, times: int, waits: bool = False) -> list[Task]:
    """A task whose worker dies, one that copies a file, and one that waits for the first."""
    (folder / "mortal").mkdir()
    (folder / "there").write_text("text", encoding="utf-8")
    return [
        Task("mortal", partial(die, folder / "mortal", times, waits)),
        Task("copies", partial(copy, folder / "there", folder / "copy")),
        Task("waits", partial(copy, folder / "there", folder / "late"), after="mortal"),
    ]


@pytest.mark.slow
def test_workers_that_die_are_replaced(tmp_path: Path) -> None:
    run_all(list_mortals(tmp_path, 2), issues=1, workers=2, title="test")
    assert len(list((tmp_path / "mortal").glob("begun-*"))) == 3
    assert (tmp_path / "copy").read_text() == (tmp_path / "late").read_text() == "text"


@pytest.mark.slow
def test_where_all_workers_die_it_ends_and_says_so(tmp_path: Path) -> None:
    tasks = list_mortals(tmp_path, 9, waits=True)[:2]
    with pytest.raises(ChildProcessError, match=r"before one of 1 units was done.*fewer workers="):
        run_all(tasks, issues=1, workers=2, title="test")
    assert (tmp_path / "copy").exists()
    assert len(list((tmp_path / "mortal").glob("begun-*"))) == 3  # the first one has let it copy


COMPARED = (
    *("policies=[mine,random]", "--config-dir", "configs", "seeds=2", "workers=2", "late_from=2"),
    *("off_policy_from=2", "baseline=random", *SMALL),
)


def read_files(run: Path) -> dict[str, bytes]:
    """What the units of a comparison left, by place."""
    files = [path for path in run.glob("units/**/*") if path.is_file()]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


@pytest.mark.slow
@needs_ray
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_leaves_the_same_bytes_and_its_dead_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy of one's own among them, whose module lies where one stands."""
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    write_project(tmp_path, "mine")
    monkeypatch.syspath_prepend(tmp_path)
    ask = ask_in(tmp_path, monkeypatch)
    for engine in ("local", "ray"):
        assert not ask(compare.main, *COMPARED, f"engine={engine}", f"name={engine}")
    local, ray = (read_files(tmp_path / "runs" / engine) for engine in ("local", "ray"))
    assert len(local) > 40
    assert ray == local
    run_all(list_mortals(tmp_path, 2), issues=1, workers=2, title="test", engine="ray")
    assert (tmp_path / "copy").read_text() == (tmp_path / "late").read_text() == "text"
    with pytest.raises(ValueError, match=r"fails: copy failed: FileNotFoundError: .*nowhere"):
        run_all([Task("fails", partial(copy, tmp_path / "nowhere", tmp_path))], 1, 2, "t", "ray")


def test_an_engine_that_is_not_there_is_refused_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask: Ask = ask_in(tmp_path, monkeypatch)
    (tmp_path / "runs" / "kept").mkdir(parents=True)
    (tmp_path / "runs" / "kept" / "run.json").touch()
    again = ("policies=[random]", "name=kept", "force=true", *SMALL)
    assert "engine = 'rey'; choose from local, ray" in ask(compare.main, *again, "engine=rey")
    assert "workers = 0; must be" in ask(compare.main, *again, "workers=0")
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "engine=ray: Ray is not installed: pip" in ask(compare.main, *again, "engine=ray")
    assert (tmp_path / "runs" / "kept" / "run.json").exists()
