"""Processes that work beside this one, and what becomes of the others when one of them is killed.

Open this file to see why a pool of the standard library is not used as it comes: when a worker dies
while the next one is being started, that next one is waited for by nobody and waits for ever.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

Work = TypeVar("Work")


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
    """Hand works to the pool, which starts its workers meanwhile.

    When one dies while the next is being started, the pool closes the pipe that the next was to
    inherit, whose start then fails with an OSError or a ValueError.

    Raises BrokenProcessPool where a worker has died.
    """
    try:
        return [pool.submit(do, work) for work in works]
    except (OSError, ValueError) as error:
        raise BrokenProcessPool(str(error)) from error
