"""What went wrong, in one line that says where and which value."""

import reprlib
import sys
from collections.abc import Callable

from pydantic import ValidationError


def short(value: object) -> str:
    """`repr`, but of a length that fits in a line."""
    return reprlib.repr(value)


def problems(error: ValidationError) -> str:
    """pydantic's findings, such as `slots = -1: must be greater than or equal to 1`, joined by semicolons."""
    found: dict[str, list[str]] = {}
    for one in error.errors(include_url=False):
        path = [str(part) for part in one["loc"]]
        if path and path[-1] in (
            "str",
            "int",
            "[key]",
        ):  # the branch of a union, or the mark of a key
            path.pop()
        if one["type"] == "extra_forbidden":
            message = "there is no such setting"
        else:
            message = one["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        where = f"{'.'.join(path)} = {short(one['input'])}: " if path else ""
        found.setdefault(where, []).append(message)
    return "; ".join(
        where + " or ".join([first, *(message.removeprefix("must be ") for message in rest)])
        for where, (first, *rest) in found.items()
    )


def exit_status(program: str, work: Callable[[], None]) -> int:
    """Run `work`: 0 if it ends well, else one line on stderr and 2. Only an interrupt passes through."""
    try:
        work()
    except Exception as error:  # whatever it is, the person on duty gets one line and the status
        # a message made for people stands by itself; any other needs its type to be understood
        kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
        print(f"{program}: {kind}{' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0
