"""One thread for everything that computes, so that no result depends on how many cores there are.

Sums of floats depend on their order, and libraries that compute on several threads split them.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and torch to one thread; also a decorator. The limits before come back.

    Processes that are started inside are limited as well, and so are libraries loaded inside. Where
    the environment asks for one thread already, there is nothing to do: looking for the libraries'
    threads takes two milliseconds.
    """
    if all(os.environ.get(name) == "1" for name in NAMES):
        yield
        return
    before = {name: os.environ.get(name) for name in NAMES}
    os.environ.update(dict.fromkeys(NAMES, "1"))  # for what is loaded or started later
    torch = sys.modules.get("torch")
    many = torch.get_num_threads() if torch else None
    try:
        with threadpool_limits(1):
            if torch:
                torch.set_num_threads(1)
            yield
    finally:
        if torch:
            torch.set_num_threads(many)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
