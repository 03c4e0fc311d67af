"""Loops compiled by numba: how they are, and when a process has so much to do that they pay.

numba is an extra (`pip install letterbandit[fast]`). Whatever a compiled loop does, plain numpy
does to the same bits where numba is missing, so nobody can tell from a result which was at work.
Open this file to compile another loop.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

Function = Callable[..., Any]

# Open articles, counted once for each member, slot and table of scores, until which loading the
# compiled loops costs more time than they have saved: a send of 200 articles to 50,000 members.
_WORTH = 6e7
_done = 0.0  # of these, what this process has gone through without them


def is_worth(size: float) -> bool:
    """Whether compiled loops pay for so much more work, and numba is there.

    size: scores that are about to be gone through, in `_WORTH`'s unit
    """
    global _done
    _done += size
    return _done >= _WORTH and _has_numba()


@cache
def _has_numba() -> bool:
    """Whether numba is there; looked for once, which takes as long as a slot of one member."""
    return find_spec("numba") is not None


def compile_for(signature: str, **options: Any) -> Callable[[Function], Function]:
    """Compile a function for the types of the signature, keeping the result where there is a place.

    That takes some seconds where a file is first imported. What was compiled is kept beside the
    file, or in the user's cache where that folder may not be written; where neither may be, nothing
    is kept.
    """
    from numba import njit

    def compile_one(function: Function) -> Function:
        # numba's floats follow IEEE: it neither fuses nor reorders unless told that it may
        options["error_model"] = "numpy"
        try:
            compiled: Function = njit(signature, cache=True, **options)(function)
        except RuntimeError:  # no folder that may be written
            compiled = njit(signature, **options)(function)
        return compiled

    return compile_one
