"""One thread for everything that computes, so that no result depends on how many cores there are.

Sums of floats depend on their order, and libraries that compute on several threads split them.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_limits = ExitStack()
_users = 0  # how many are inside now, of whom the first sets the limits


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and torch to one thread; also a decorator.

    Processes that are started inside are limited as well, and so are libraries loaded inside. When
    the last one leaves, the limits are those that the first one found.
    """
    global _users
    if _users == 0:
        _limits.enter_context(_limit_all())
    _users += 1
    try:
        yield
    finally:
        _users -= 1
        if _users == 0:
            _limits.close()


@contextmanager
def _limit_all() -> Iterator[None]:
    from threadpoolctl import get_cached_controller  # looks again once more modules are loaded

    before = {name: os.environ.get(name) for name in NAMES}
    os.environ.update(dict.fromkeys(NAMES, "1"))  # for what is loaded or started later
    torch = sys.modules.get("torch")
    many = torch.get_num_threads() if torch else None
    try:
        with get_cached_controller().limit(limits=1):
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
