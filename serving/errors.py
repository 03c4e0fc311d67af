"""Saying what went wrong in one line, with the place and the value.

Open this file to see what a person who sends a newsletter reads when something is refused.
"""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bandit.core.check import shorten as shorten
from serving.checks.marks import escape_odd

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST_LETTERS = 1000  # of a message
MOST_FINDINGS = 5  # in a message


def describe(error: "ValidationError") -> str:
    """What pydantic found, joined by semicolons.

    Each finding is such as `slots = -1: must be greater than or equal to 1`.
    """
    found: dict[str, list[str]] = {}
    for one in error.errors(include_url=False):
        path = [str(part) for part in one["loc"]]
        if path and path[-1] in ("str", "int", "[key]"):  # a union's branch, or the mark of a key
            path.pop()
        if one["type"] == "extra_forbidden":
            message = "there is no such setting"
        elif one["type"] == "missing":
            message = "it is missing"
        else:
            message = one["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        place = cut(".".join(path), 200)
        # of what is missing, pydantic's input is all that stands around it
        value = "" if one["type"] == "missing" else f" = {shorten(one['input'])}"
        where = f"{place}{value}: " if path else ""
        found.setdefault(where, []).append(message)
    said = [
        where + " or ".join([first, *(message.removeprefix("must be ") for message in rest)])
        for where, (first, *rest) in found.items()
    ]
    more = len(said) - MOST_FINDINGS
    return "; ".join(said[:MOST_FINDINGS]) + (f"; and {more} more" if more > 0 else "")


def cut(text: str, most: int) -> str:
    """The text, or its beginning and its end where it has more than `most` letters."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def say(error: BaseException) -> str:
    """What an error says, in one line that is not too long, and shows what nobody would see."""
    return escape_odd(cut(" ".join(str(error).split()), MOST_LETTERS))


def require(extra: str, *libraries: str) -> None:
    """Raise ValueError naming the first library that is missing, and the extra that brings it."""
    missing = [name for name in libraries if not find_spec(name)]
    if missing:
        raise ValueError(f"{missing[0]} is not installed: pip install letterbandit[{extra}]")


def run_program(program: str, work: Callable[[], None]) -> int:
    """Run `work` and return the exit status: 0 if it ends well, else 2 and one line on stderr.

    Only an interrupt passes through.
    """
    try:
        work()
    except Exception as error:  # whatever it is, the person on duty gets one line and the status
        # a message made for people stands by itself; any other needs its type to be understood
        kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
        print(f"{program}: {kind}{say(error)}", file=sys.stderr)
        return 2
    return 0
