"""Many units on few cores: one process each, one thread a process, with a progress bar that names what is running."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from experiments.runner.runs import THREADS

_ticks: Any = None


@dataclass(frozen=True)
class Unit:
    """The arguments of `run_unit`."""

    name: str
    folder: Path
    policy: dict[str, Any]
    simulator: dict[str, Any]
    seed: int
    logger: Path | None = None
    replay_from: int = 1
    depth: int = 2


def run_all(units: Sequence[Unit], issues: int, workers: int | None, title: str) -> None:
    """Run the units, `workers` at a time (default: one a core), each after its logger. The first failure stops the rest.

    One thread for each process: results do not depend on how many run at once.
    """
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise ValueError(f"workers = {workers!r}; must be a whole number of at least 1")
    if not units:
        return
    workers = min(workers or os.cpu_count() or 1, len(units))
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    on_terminate = signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # a polite kill is an interrupt too
    spawn = get_context("spawn")
    queue = spawn.Queue()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("issues"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    try:
        with (
            Progress(*columns, console=Console(stderr=True)) as progress,
            ProcessPoolExecutor(
                workers, mp_context=spawn, initializer=_begin, initargs=(queue,)
            ) as pool,
        ):
            bar = progress.add_task(title, total=issues * len(units))
            running: dict[str, int] = {}
            held, finished = list(units), set[Path]()
            futures: dict[Future[None], Unit] = {}
            try:
                while held or futures:
                    ready = [
                        unit for unit in held if unit.logger is None or unit.logger in finished
                    ]
                    held = [unit for unit in held if unit not in ready]
                    futures |= {pool.submit(_work, unit): unit for unit in ready}
                    done = wait(futures, timeout=0.2).done
                    while not queue.empty():
                        name, issue = queue.get()
                        progress.advance(bar, issue - running.get(name, 0))
                        running[name] = issue
                    active = [
                        f"{name} {issue}" for name, issue in running.items() if issue < issues
                    ]
                    progress.update(bar, description=f"{title}: {', '.join(active) or 'starting'}")
                    for future in done:
                        if future.exception() is not None:
                            pool.shutdown(cancel_futures=True)
                            future.result()
                        finished.add(futures.pop(future).folder)
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in active_children():
                    worker.terminate()
                raise SystemExit("interrupted; the same command goes on from here") from None
            progress.update(bar, completed=issues * len(units), description=f"{title}: done")
    finally:
        signal.signal(signal.SIGTERM, on_terminate)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _begin(ticks: Any) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
    Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nobody is waiting for the result; the log keeps it


def _work(unit: Unit) -> None:
    from experiments.runner.unit import run_unit

    def tick(issue: int) -> None:
        _ticks.put((unit.name, issue))

    run_unit(
        unit.folder,
        unit.policy,
        unit.simulator,
        unit.seed,
        unit.logger,
        unit.replay_from,
        unit.depth,
        tick,
    )
