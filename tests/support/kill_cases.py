"""Commands that are killed at some moment, or find the disk full."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from time import perf_counter

Main = Callable[[list[str]], int]


def interrupt(server: ForkServerContext, main: Main, words: list[str], seconds: float) -> None:
    """Run a command, and kill it after so many seconds."""
    process = server.Process(target=main, args=(words,))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()


def measure(server: ForkServerContext, main: Main, words: list[str]) -> float:
    """Seconds that a command takes from its start to its end, the second time."""
    spent = 0.0
    for _ in range(2):
        begun = perf_counter()
        interrupt(server, main, words, 60)
        spent = perf_counter() - begun
    return spent


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: writing more fails as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
