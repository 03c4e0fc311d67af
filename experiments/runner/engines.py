"""Who does the tasks: processes of this machine, or a Ray cluster; the results have the same bytes.

Open this file for what a worker is told, and how one task waits for another.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import (
    get_all_start_methods,
    get_context,
    get_start_method,
    set_start_method,
)
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Protocol, TypeAlias

from experiments.runner.one_line import blaming
from serving.shards.cluster import use_cluster
from serving.shards.workers import end_with_parent, hand_out, keep_working, open_workers

Ticks: TypeAlias = "Queue[tuple[str, int]]"

_ticks: Ticks  # of a worker: set when its process begins


@dataclass(frozen=True)
class Task:
    """What one worker does.

    name: shown beside the progress bar; no two tasks have the same
    work: called with `tick`, a function to be called with the number of each issue that is done;
        it travels to another process, so it is a function of a module, or a partial of one; done
        again, as after a death, it goes on from what is there
    after: name of the task that must be finished before; None: it may begin at once
    """

    name: str
    work: Callable[..., None]
    after: str | None = None


class Told(Protocol):
    """What is told how far tasks are: a bar."""

    def reach(self, name: str, issue: int | None = None) -> None:
        """A task has done an issue, or, with None, all of them."""

    def show(self) -> None:
        """Some time has passed."""


def do(task: Task, tick: Callable[[int], None]) -> None:
    """Do a task here."""
    with blaming(task.name):
        task.work(tick=tick)


def run_apart(tasks: Sequence[Task], workers: int, bar: Told) -> None:
    """Each task in a process, `workers` at once. Where one dies, others go on in its place."""
    if get_start_method(allow_none=True) not in (None, *get_all_start_methods()):
        set_start_method("spawn", force=True)  # a launcher's own, of which our workers know nothing
    spawn, finished, most = get_context("spawn"), set[str](), min(workers, len(tasks))
    ticks: list[Ticks] = []

    def open_pool() -> AbstractContextManager[ProcessPoolExecutor]:
        ticks[:] = [spawn.Queue()]  # the one before may be locked by a worker that is dead
        return open_workers(most, _begin_worker, ticks[0])

    def work(pool: ProcessPoolExecutor) -> None:
        def submit(task: Task) -> Future[None]:
            return hand_out(pool, _work, [task])[0]

        # no more than can begin: those that wait keep their order, one seed after the other
        for _ in _submit_in_order(submit, tasks, finished, most):
            while not ticks[0].empty():
                bar.reach(*ticks[0].get())
            bar.show()

    def list_left() -> list[Task]:
        return [task for task in tasks if task.name not in finished]

    keep_working(open_pool, work, list_left, what="units", option="workers=")


def run_on_ray(tasks: Sequence[Task], workers: int | None, bar: Told) -> None:
    """Each task on a CPU of a Ray cluster, which does again what a dead worker did.

    The bar moves with whole tasks.
    """
    finished = set[str]()
    here = Path.cwd(), list(sys.path)
    alone = min(workers or os.cpu_count() or 1, len(tasks))
    with use_cluster(alone, "engine=ray") as ray:
        afar = ray.remote(num_cpus=1)(_work_afar)
        most = workers or len(tasks)
        told = set[str]()

        def submit(task: Task) -> Future[None]:
            done: Future[None] = afar.remote(pickle.dumps(task), *here).future()
            return done

        for _ in _submit_in_order(submit, tasks, finished, most):
            for name in finished - told:
                bar.reach(name)
            told |= finished
            bar.show()


def _submit_in_order(
    submit: "Callable[[Task], Future[None]]", tasks: Sequence[Task], finished: set[str], most: int
) -> Iterator[None]:
    """Submit each task when the one before it is finished; yields at least five times a second.

    finished: names of those that are; those that finish are added
    most: how many may be at work at once

    Raises what a task raises; the others are not begun.
    """
    held = [task for task in tasks if task.name not in finished]
    futures: dict[Future[None], str] = {}
    while held or futures:
        ready = [task for task in held if task.after is None or task.after in finished]
        ready = ready[: most - len(futures)]
        held = [task for task in held if task not in ready]
        futures |= {submit(task): task.name for task in ready}
        done = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED).done
        yield
        failed = None
        for future in done:
            name, error = futures.pop(future), future.exception()
            if error is None:
                finished.add(name)
            elif failed is None or isinstance(failed, BrokenProcessPool):
                failed = error
        if failed is not None:
            raise failed


def _begin_worker(ticks: Ticks) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
    end_with_parent()


def _work(task: Task) -> None:
    do(task, lambda issue: _ticks.put((task.name, issue)))


def _work_afar(packed: bytes, place: Path, path: Sequence[str]) -> None:
    """A task in a process that stands elsewhere, perhaps on a machine that sees the same folders.

    packed: the task, pickled; its modules can be imported only once `path` is known
    place: where the person stands
    path: from where modules are imported there
    """
    if not place.is_dir():
        raise ValueError(
            f"a worker of Ray does not see the folder {place}: runs lie in a folder that all "
            "machines share under the same name"
        )
    os.chdir(place)
    sys.path += [each for each in path if each not in sys.path]
    task: Task = pickle.loads(packed)  # noqa: S301  (packed by `run_on_ray`)
    do(task, lambda issue: None)
