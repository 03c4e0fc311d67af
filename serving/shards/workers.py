"""Processes that work beside this one, and what becomes of the others when one of them is killed.

A pool in which one dies is replaced: whatever is done lies on disk, and the rest is begun anew.

Open this file to see why a pool of the standard library is not used as it comes: it starts one
worker after the other while a thread of its own looks at them. When one dies meanwhile, the next
one is waited for by nobody and waits for ever, or the thread fails. Here all are started first.
"""

import os
from collections.abc import Callable, Collection, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

Work = TypeVar("Work")
DEATHS = 3  # pools of workers in a row that die before anything is done


@contextmanager
def open_workers(
    count: int, begin: Callable[..., None], *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """Worker processes, which end at once where the block is left by an exception.

    count: how many work at once
    begin: what each does first, a function of a module
    given: what `begin` is called with
    """
    others = set(active_children())
    pool = ProcessPoolExecutor(count, get_context("spawn"), begin, given)
    # what the library does where workers are forked: it starts all of them before its thread
    pool._safe_to_dynamically_spawn_children = False  # type: ignore[attr-defined]  # no stub has it
    try:
        yield pool
    except BaseException:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def hand_out(
    pool: ProcessPoolExecutor, do: Callable[[Work], None], works: Collection[Work]
) -> list["Future[None]"]:
    """Hand works to the pool, which starts its workers at the first one.

    The start of one that dies at once fails with an OSError or a ValueError.

    Raises BrokenProcessPool where a worker has died.
    """
    try:
        return [pool.submit(do, work) for work in works]
    except (OSError, ValueError) as error:
        raise BrokenProcessPool(str(error)) from error


def keep_working(
    open_pool: Callable[[], AbstractContextManager[ProcessPoolExecutor]],
    work: Callable[[ProcessPoolExecutor], None],
    list_left: Callable[[], Sized],
    what: str,
    option: str,
) -> None:
    """Have `work` done by a pool, and by another one where a worker dies, unless none has got on.

    open_pool: `open_workers`, of what is to be opened
    work: hands out what is left, and waits for it
    list_left: what is not done yet
    what, option: what is done ("shards"), and what a person sets to have fewer workers

    Raises ChildProcessError where workers die again and again, and what `work` raises.
    """
    left, deaths = len(list_left()), 0
    while left:
        try:
            with open_pool() as pool:
                work(pool)
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


def end_with_parent() -> None:
    """Have this process end when the one that started it does, in whatever way."""
    Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nobody is waiting for the result; what is done lies on disk
