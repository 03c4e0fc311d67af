"""Many tasks on few cores: one process each, one thread a process, with a progress bar.

joblib is not used. Its `Parallel` would replace the pool below and nothing else, and the rest is
most of this file: a bar that moves with every issue (joblib reports whole tasks only, so the queue
stays), tasks that wait for another one, and workers that end when the parent is interrupted or
killed.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import (
    active_children,
    get_all_start_methods,
    get_context,
    get_start_method,
    parent_process,
    set_start_method,
)
from multiprocessing.queues import Queue
from threading import Thread, current_thread, main_thread
from typing import TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bandit.core.threads import use_one_thread
from experiments.runner.configs import check_whole

Ticks: TypeAlias = "Queue[tuple[str, int]]"
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("issues"),
    TimeElapsedColumn(),
    TextColumn("left"),
    TimeRemainingColumn(),
)

_ticks: Ticks  # of a worker: set when its process begins


@dataclass(frozen=True)
class Task:
    """What one process does.

    name: shown beside the progress bar; no two tasks have the same
    work: called with `tick`, a function to be called with the number of each issue that is done;
        it travels to another process, so it is a function of a module, or a partial of one
    after: name of the task that must be finished before; None: it may begin at once
    """

    name: str
    work: Callable[..., None]
    after: str | None = None


def run_all(tasks: Sequence[Task], issues: int, workers: int | None, title: str) -> None:
    """Run the tasks side by side, each on one thread. The first failure stops the rest.

    A single task runs in this process.

    issues: how many each task does
    workers: how many tasks run at once; None: one a core
    title: begins the progress bar

    Raises ValueError for workers below 1, SystemExit when interrupted, and what a task raises.
    """
    if workers is not None:
        check_whole("workers", workers, 1)
    if not tasks:
        return
    with (
        use_one_thread(),
        _terminate_as_interrupt(),
        Progress(*COLUMNS, console=Console(stderr=True)) as progress,
    ):
        bar = progress.add_task(f"{title}: starting", total=issues * len(tasks))
        try:
            if len(tasks) == 1:
                tasks[0].work(tick=lambda issue: progress.update(bar, completed=issue))
            else:
                _run_apart(tasks, issues, workers or os.cpu_count() or 1, title, progress, bar)
        except KeyboardInterrupt:
            raise SystemExit("interrupted; the same command goes on from here") from None
        progress.update(bar, completed=issues * len(tasks), description=f"{title}: done")


def _run_apart(
    tasks: Sequence[Task], issues: int, workers: int, title: str, progress: Progress, bar: TaskID
) -> None:
    """Each task in a process, `workers` at once."""
    if get_start_method(allow_none=True) not in (None, *get_all_start_methods()):
        set_start_method("spawn", force=True)  # a launcher's own, of which our workers know nothing
    spawn = get_context("spawn")
    ticks: Ticks = spawn.Queue()
    count = min(workers, len(tasks))
    with ProcessPoolExecutor(count, spawn, _begin_worker, (ticks,)) as pool:
        reached: dict[str, int] = {}
        try:
            for _ in _submit_in_order(pool, tasks):
                while not ticks.empty():
                    name, issue = ticks.get()
                    progress.advance(bar, issue - reached.get(name, 0))
                    reached[name] = issue
                running = [f"{name} {issue}" for name, issue in reached.items() if issue < issues]
                named = ", ".join(running) or "starting"
                progress.update(bar, description=f"{title}: {named}")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise


def _submit_in_order(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> Iterator[None]:
    """Give the pool each task when the one before it is finished; yields five times a second.

    Raises what a task raises, once those that run are finished; the others are not begun.
    """
    held = list(tasks)
    finished: set[str | None] = {None}
    futures: dict[Future[None], str] = {}
    while held or futures:
        ready = [task for task in held if task.after in finished]
        held = [task for task in held if task not in ready]
        futures |= {pool.submit(_work, task): task.name for task in ready}
        done = wait(futures, timeout=0.2).done
        yield
        for future in done:
            if future.exception() is not None:
                pool.shutdown(cancel_futures=True)
                future.result()
            finished.add(futures.pop(future))


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


def _begin_worker(ticks: Ticks) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
    Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nobody is waiting for the result; the log keeps it


def _work(task: Task) -> None:
    task.work(tick=lambda issue: _ticks.put((task.name, issue)))
