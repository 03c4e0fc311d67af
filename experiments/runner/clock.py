"""Timing the stages of the loop: `simulators.play` does each stage inside a context manager."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Seconds = dict[str, float]


@contextmanager
def add_time(spent: Seconds, clock: Callable[[], float], stage: str) -> Iterator[None]:
    """Add what is done inside to `spent[stage]`.

    clock: seconds from any beginning, such as `time.process_time` or `time.perf_counter`
    """
    begun = clock()
    yield
    spent[stage] += clock() - begun
