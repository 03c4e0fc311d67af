"""Workers that are killed while others start: nobody waits for ever."""

import os
import signal
import threading
import time
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children

import pytest

from serving.shards.workers import hand_out, keep_working, open_workers


def begin(seconds: float) -> None:
    time.sleep(seconds)


def work(number: int) -> None:
    if number == 3:
        raise ValueError("3 is refused")


def ask(count: int, numbers: list[int]) -> int:
    """How many of the works were done."""
    done = 0
    with open_workers(count, begin, 0.0) as pool:
        for future in as_completed(hand_out(pool, work, numbers)):
            future.result()
            done += 1
    return done


def kill_first(done: threading.Event) -> None:
    while not done.wait(0.001):
        for child in active_children()[:1]:
            os.kill(child.pid or 0, signal.SIGKILL)
            return


def test_all_is_done() -> None:
    assert ask(2, [0, 1, 2, 4, 5]) == 5
    assert not active_children()


def test_what_a_work_raises_is_raised_and_no_worker_is_left() -> None:
    with pytest.raises(ValueError, match="3 is refused"):
        ask(2, [0, 1, 2, 3, 4])
    assert not active_children()


@pytest.mark.parametrize("round_", range(6))
def test_a_worker_killed_while_the_next_one_starts_is_told_and_none_is_left(round_: int) -> None:
    """The standard library's own pool waits for ever in about a tenth of such rounds."""
    done = threading.Event()
    killer = threading.Thread(target=kill_first, args=(done,))
    killer.start()
    try:
        with pytest.raises(BrokenProcessPool):
            ask(3, [0, 1, 2, 4, 5])
    finally:
        done.set()
        killer.join()
    assert not active_children()


@pytest.mark.parametrize(
    ("left", "begun"),
    [
        ([4, 4, 4, 4], None),  # nothing is ever done
        ([4, 3, 3, 3], None),  # one is done, then nothing
        ([4, 4, 4, 3, 3, 0], 5),  # twice nothing, then one, then nothing once
        ([2, 0], 1),  # the last one's worker dies when all is done
        ([0], 0),
    ],
)
def test_it_ends_after_three_deaths_in_a_row_with_nothing_done(
    left: list[int], begun: int | None
) -> None:
    """left: how many works are left at first, and after each pool, all of which die."""
    counts, opened = iter(left), list[int]()

    def die(_: object) -> None:
        opened.append(1)
        raise BrokenProcessPool

    def keep() -> None:
        keep_working(
            lambda: open_workers(1, begin, 0.0), die, lambda: range(next(counts)), "works", "--many"
        )

    if begun is None:
        with pytest.raises(ChildProcessError, match=rf"3 times before one of {left[-1]} works"):
            keep()
    else:
        keep()
        assert len(opened) == begun
