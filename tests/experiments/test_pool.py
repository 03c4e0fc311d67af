"""Tasks side by side: one waits for another, and a failure stops what has not begun."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from experiments.runner.pool import Task, run_all


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
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run_all(tasks, issues=1, workers=2, title="test")
    assert not (tmp_path / "never").exists()


def test_workers_are_at_least_one() -> None:
    with pytest.raises(ValueError, match="workers = 0; must be a whole number of at least 1"):
        run_all([], issues=1, workers=0, title="test")
