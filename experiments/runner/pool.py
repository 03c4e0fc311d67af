"""Many tasks on few cores: one process each, one thread a process, with a progress bar.

joblib is not used. Its `Parallel` would replace the pool and nothing else, and the rest is most of
this file and of `engines.py`: a bar that moves with every issue (joblib reports whole tasks only),
tasks that wait for another one, workers that end when the parent is interrupted or killed, and
others in the place of those that die.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import current_thread, main_thread

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bandit.core.check import shorten
from bandit.core.threads import use_one_thread
from experiments.runner.configs import check_whole
from experiments.runner.engines import Task as Task
from experiments.runner.engines import do, run_apart, run_on_ray
from serving.shards.cluster import import_ray

ENGINES = ("local", "ray")
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("issues"),
    TimeElapsedColumn(),
    TextColumn("left"),
    TimeRemainingColumn(),
)


class Bar:
    """How many issues of all tasks are done, and which tasks are at work.

    progress: shows it
    title: begins its description
    issues: how many each task does
    """

    def __init__(self, progress: Progress, title: str, issues: int, tasks: int) -> None:
        self._progress, self._title, self._issues, self._tasks = progress, title, issues, tasks
        self._reached: dict[str, int] = {}
        self._bar = progress.add_task(f"{title}: starting", total=issues * tasks)

    def reach(self, name: str, issue: int | None = None) -> None:
        """Note that a task has done an issue; None: all of them."""
        issue = self._issues if issue is None else issue
        self._progress.advance(self._bar, issue - self._reached.get(name, 0))
        self._reached[name] = issue

    def show(self) -> None:
        """Name the tasks at work."""
        running = [
            f"{name} {issue}" for name, issue in self._reached.items() if issue < self._issues
        ]
        named = ", ".join(running) or "starting"
        self._progress.update(self._bar, description=f"{self._title}: {named}")

    def finish(self) -> None:
        """Show that all is done."""
        done = f"{self._title}: done"
        self._progress.update(self._bar, completed=self._issues * self._tasks, description=done)


def run_all(
    tasks: Sequence[Task], issues: int, workers: int | None, title: str, engine: str = "local"
) -> None:
    """Run the tasks side by side, each on one thread. The first failure stops the rest.

    A single task of the local engine runs in this process.

    issues: how many each task does
    workers: how many tasks run at once; None: one a core, of this machine or of the Ray cluster
    title: begins the progress bar
    engine: local (processes of this machine), or ray

    Raises ValueError as `check_workers` does; ChildProcessError where workers die again and
    again; SystemExit when interrupted; and what a task raises.
    """
    check_workers(workers, engine)
    if not tasks:
        return
    with (
        use_one_thread(),
        _terminate_as_interrupt(),
        Progress(*COLUMNS, console=Console(stderr=True)) as progress,
    ):
        bar = Bar(progress, title, issues, len(tasks))
        try:
            if engine == "ray":
                run_on_ray(tasks, workers, bar)
            elif len(tasks) == 1:
                do(tasks[0], lambda issue: bar.reach(tasks[0].name, issue))
            else:
                run_apart(tasks, workers or os.cpu_count() or 1, bar)
        except KeyboardInterrupt:
            raise SystemExit("interrupted; the same command goes on from here") from None
        bar.finish()


def check_workers(workers: object, engine: object) -> None:
    """Raise ValueError for workers or an engine that cannot be, before anything is removed."""
    if workers is not None:
        check_whole("workers", workers, 1)
    if engine not in ENGINES:
        raise ValueError(f"engine = {shorten(engine)}; choose from {', '.join(ENGINES)}")
    if engine == "ray":
        import_ray("engine=ray")


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """A polite kill of this process is an interrupt too; signals are the main thread's."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
