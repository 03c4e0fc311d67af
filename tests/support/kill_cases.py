"""Commands that are killed at some moment."""

from collections.abc import Callable
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
