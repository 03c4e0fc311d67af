"""Who works on the shards: this process, several on this machine, or a Ray cluster.

Whoever does, the slates have the same bytes. Open this file to see what happens when a worker dies.
"""

import os
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from serving.shards.order import Order

if TYPE_CHECKING:
    from serving.sending.issue import Issue
    from serving.shards.desk import Desk

DEATHS = 3  # pools of workers in a row that die before a shard is done
_desk: dict[str, "Desk"] = {}  # the one that this worker has open


def choose_shards(
    issue: "Issue", order: Order, numbers: Collection[int], advance: Callable[[], None]
) -> None:
    """Choose the shards of these numbers, by the engine and with the workers that were asked for.

    One local worker is this process.

    advance: called whenever a shard is done

    Raises ChildProcessError where workers die again and again, ValueError where Ray is not there.
    """
    engine, workers = issue.asked.engine, issue.asked.workers
    if engine == "ray":
        _ask_ray(order, numbers, workers, advance)
    elif workers > 1 and len(numbers) > 1:
        _ask_processes(order, numbers, workers, advance)
    else:
        from serving.shards.desk import Desk  # whoever reads what is chosen needs no policy

        desk = Desk(order, issue.bundle, issue.holdout, issue.trial)
        for number in numbers:
            desk.choose(number)
            advance()


def _ask_processes(
    order: Order, numbers: Collection[int], workers: int, advance: Callable[[], None]
) -> None:
    """Have processes choose. A pool in which one dies is replaced, unless none has got on."""
    from concurrent.futures import as_completed  # a send by one process does without
    from concurrent.futures.process import BrokenProcessPool

    from serving.shards.workers import hand_out, open_workers

    waiting, deaths = list(numbers), 0
    while waiting:
        count = min(workers, len(waiting))
        try:
            with open_workers(count, _begin, order) as pool:
                for future in as_completed(hand_out(pool, _choose, waiting)):
                    future.result()
                    advance()
        except BrokenProcessPool:
            left = [number for number in waiting if not order.is_done(number)]
            deaths = 1 if len(left) < len(waiting) else deaths + 1
            if deaths == DEATHS:
                raise ChildProcessError(
                    f"workers were killed {deaths} times before one of {len(left)} shards was "
                    "done, as where memory is short; run the same again with fewer --workers, and "
                    "it goes on with these"
                ) from None
            waiting = left
        else:
            return


def _begin(order: Order) -> None:
    """Set up a worker, which ends when whoever started it dies."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _open(order)


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _open(order: Order) -> "Desk":
    """The desk for an order, which stays open until there is another."""
    from serving.shards.desk import Desk

    key = str(order.folder)
    if key not in _desk:
        _desk.clear()
        _desk[key] = Desk.open(order)
    return _desk[key]


def _choose(number: int) -> None:
    """Choose a shard of the order that the worker began with."""
    (desk,) = _desk.values()
    desk.choose(number)


def _ask_ray(
    order: Order, numbers: Collection[int], workers: int, advance: Callable[[], None]
) -> None:
    """Have a Ray cluster choose: the one at RAY_ADDRESS, or one on this machine for the while."""
    try:
        import ray
    except ImportError:
        raise ValueError(
            "--engine ray: Ray is not installed: pip install letterbandit[ray]"
        ) from None
    begun = not ray.is_initialized()
    if begun:
        alone = {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, **({} if os.environ.get("RAY_ADDRESS") else alone))
    try:
        told = ray.put(order)
        choose = ray.remote(num_cpus=1, max_retries=3)(_choose_afar)
        waiting = [choose.remote(told, number) for number in numbers]
        while waiting:
            done, waiting = ray.wait(waiting)
            ray.get(done)
            advance()
    except ray.exceptions.RayTaskError as error:
        raise ValueError(f"a worker of Ray: {error.cause}") from None
    except ray.exceptions.RayError as error:
        raise ChildProcessError(f"Ray: {error}; run the same again: it goes on") from None
    finally:
        if begun:
            ray.shutdown()


def _choose_afar(order: Order, number: int) -> None:
    """Choose a shard in a process that may have had another order before."""
    _open(order).choose(number)
