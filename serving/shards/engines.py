"""Who works on the shards: this process, several on this machine, or a Ray cluster.

Whoever does, the slates have the same bytes. When a worker dies: `serving/shards/workers.py`.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from serving.shards.order import Order

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from serving.sending.issue import Issue
    from serving.shards.desk import Desk

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

    from serving.shards.workers import hand_out, keep_working, open_workers

    def list_left() -> list[int]:
        return [number for number in numbers if not order.is_done(number)]

    def work(pool: "ProcessPoolExecutor") -> None:
        for future in as_completed(hand_out(pool, _choose, list_left())):
            future.result()
            advance()

    keep_working(
        lambda: open_workers(min(workers, len(list_left())), _begin, order),
        work,
        list_left,
        what="shards",
        option="--workers",
    )


def _begin(order: Order) -> None:
    """Set up a worker, which ends when whoever started it dies."""
    from serving.shards.workers import end_with_parent

    end_with_parent()
    _open(order)


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
    from serving.shards.cluster import use_cluster

    with use_cluster(workers, "--engine ray") as ray:
        told = ray.put(order)
        choose = ray.remote(num_cpus=1)(_choose_afar)
        waiting = [choose.remote(told, number) for number in numbers]
        while waiting:
            done, waiting = ray.wait(waiting)
            ray.get(done)
            advance()


def _choose_afar(order: Order, number: int) -> None:
    """Choose a shard in a process that may have had another order before."""
    _open(order).choose(number)
