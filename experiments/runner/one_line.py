"""Ending a command in one line that says what went wrong.

Open this file to see what a person reads who asked for something that cannot be, whose disk is
full, or whose own policy fails.
"""

import os
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from serving.errors import say

WHOLE = "HYDRA_FULL_ERROR"  # at 1 errors are shown whole, as by every program of Hydra's
_HERE = Path(__file__).parents[2]
_OURS = tuple(
    f"{_HERE / name}{os.sep}" for name in ("bandit", "experiments", "serving", "simulators")
)
_PYTHON = f"{sysconfig.get_path('stdlib')}{os.sep}"


class Blamed(ValueError):
    """What a person's own code raised, in a line with its method, its file and the line in it."""


@contextmanager
def in_one_line(program: str) -> Iterator[None]:
    """End the program in one line where what is done inside fails in a way that one can mend.

    Whatever else goes wrong is a fault of the program's, and shown whole; so is everything where
    `HYDRA_FULL_ERROR` is 1.
    """
    if os.environ.get(WHOLE) == "1":
        yield
        return
    try:
        yield
    except ValueError as error:
        raise SystemExit(f"{program}: {say(error)}") from None
    except OSError as error:
        again = "the same command goes on from what is written"
        raise SystemExit(f"{program}: {say(error)}; {again}") from None


@contextmanager
def blaming(what: str = "") -> Iterator[None]:
    """Put what a person's own code raises inside in words that name its method and its line.

    what: begins them, such as the policy's name

    Raises Blamed for it; an error that came through nobody's code but ours passes as it is.
    """
    try:
        yield
    except Blamed:
        raise
    except Exception as error:  # whatever a person's own code may raise
        own = list_own(error)
        if not own:
            raise
        method, place = own[0][0].f_code.co_qualname, find_place(own)
        if isinstance(error, ValueError) and method.endswith(".__init__"):  # it refuses an option
            said = f"{error} ({method}, {place})"
        else:
            said = f"{method} failed: {type(error).__name__}: {error} ({place}); "
            said += f"{WHOLE}=1 shows the whole traceback"
        raise Blamed(f"{what}: {said}" if what else said) from error


def list_own(error: BaseException) -> list[tuple[FrameType, int]]:
    """The frames of a person's own code that an error came through, with lines, the caller first.

    Where there are none, those of the error that it was raised for.
    """
    frames = traceback.walk_tb(error.__traceback__)
    own = [(frame, line) for frame, line in frames if _is_own(frame)]
    return own if own or error.__cause__ is None else list_own(error.__cause__)


def find_place(own: list[tuple[FrameType, int]]) -> str:
    """File and line of the last frame: `mine.py:31`."""
    frame, line = own[-1]
    return f"{Path(frame.f_code.co_filename).name}:{line}"


def _is_own(frame: FrameType) -> bool:
    """Whether a frame is neither ours, nor Python's, nor an installed library's."""
    file = frame.f_code.co_filename
    libraries = {"site-packages", "dist-packages"} & {*Path(file).parts}
    if os.path.isabs(file) and not file.startswith((*_OURS, _PYTHON)) and not libraries:
        return True  # compiled libraries have names such as "mtrand.pyx" or "<frozen runpy>"
    from bandit.policy import Policy  # a policy that was installed is a person's all the same
    from simulators.base import Simulator

    self = frame.f_locals.get("self")
    kind = type(self).__module__.partition(".")[0]
    return isinstance(self, Policy | Simulator) and kind not in {Path(each).name for each in _OURS}
