"""Workers that may die: processes of this machine, which are replaced, and a Ray cluster.

Whatever is done by them is finished or begun anew, never half believed: what is done lies on disk.
Open this file to see what happens when a worker dies.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import parent_process
from typing import Any

DEATHS = 3  # pools of workers in a row that die before anything is done
Submit = Callable[..., "Future[Any]"]  # as the method of an executor


def keep_working(
    make: Callable[[], ProcessPoolExecutor],
    work: Callable[[Submit], None],
    list_left: Callable[[], Sized],
    what: str,
    option: str,
) -> None:
    """Have `work` done by a pool, and by another one where a worker dies, unless none has got on.

    make: makes a pool
    work: submits what is left, and waits for it
    list_left: what is not done yet
    what, option: what is done ("shards"), and what a person sets to have fewer workers

    Raises ChildProcessError where workers die again and again, and what `work` raises.
    """
    left, deaths = len(list_left()), 0
    while left:
        pool = make()
        try:
            work(lambda *asked, pool=pool: _submit(pool, *asked))
        except BrokenProcessPool:
            before, left = left, len(list_left())
            deaths = 1 if left < before else deaths + 1
            if deaths == DEATHS:
                raise ChildProcessError(
                    f"workers were killed {deaths} times before one of {left} {what} was done, "
                    f"as where memory is short; run the same again with fewer {option}, and it "
                    "goes on with these"
                ) from None
        else:
            return
        finally:
            pool.shutdown(cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor, work: Callable[..., object], *asked: object
) -> "Future[Any]":
    """As the pool's own `submit`; a death while it starts a process is a death like any other."""
    try:
        return pool.submit(work, *asked)
    except (ValueError, OSError) as error:  # its pipes were closed meanwhile
        raise BrokenProcessPool(f"a worker died while another was started: {error}") from error


def end_with_parent() -> None:
    """Have this process end when the one that started it does, in whatever way."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nobody is waiting for the result; what is done lies on disk


def import_ray(option: str) -> Any:
    """Ray. Raises ValueError, naming the option that asks for it, where it is not there."""
    try:
        return import_module("ray")
    except ImportError:
        raise ValueError(f"{option}: Ray is not installed: pip install letterbandit[ray]") from None


@contextmanager
def use_cluster(workers: int, option: str) -> Iterator[Any]:
    """Ray, with the cluster at RAY_ADDRESS, or one on this machine for the while.

    workers: of the one on this machine
    option: how a person asks for Ray, such as "--engine ray"

    Ray starts what a dead worker did again, three times if need be (`max_retries`, its default).

    Raises ValueError where Ray is not there, ChildProcessError where it fails, ConnectionError
    where there is no cluster at RAY_ADDRESS, and what a worker raises.
    """
    ray = import_ray(option)
    begun = not ray.is_initialized()
    try:
        if begun:
            alone = {"num_cpus": workers, "include_dashboard": False}
            ray.init(log_to_driver=False, **({} if os.environ.get("RAY_ADDRESS") else alone))
        yield ray
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise ChildProcessError(f"Ray: {error}; run the same again: it goes on") from None
    finally:
        if begun:
            ray.shutdown()
