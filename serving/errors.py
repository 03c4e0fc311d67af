"""Saying what went wrong in one line, with the place and the value.

Open this file to see what a person who sends a newsletter reads when something is refused.
"""

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from bandit.core.check import cut as cut
from bandit.core.check import shorten as shorten
from serving.checks.marks import escape_odd

MOST_LETTERS = 1000  # of a message


def say(error: BaseException) -> str:
    """What an error says, in one line that is not too long, and shows what nobody would see."""
    return escape_odd(cut(" ".join(str(error).split()), MOST_LETTERS))


def require(extra: str, *libraries: str) -> None:
    """Raise ValueError naming the first library that is missing, and the extra that brings it."""
    missing = [name for name in libraries if not find_spec(name)]
    if missing:
        raise ValueError(f"{missing[0]} is not installed: pip install letterbandit[{extra}]")


class Parser(argparse.ArgumentParser):
    """Reads a command line, and refuses an option that is given twice: only the last would count.

    Options that add to a list (`action="extend"`) may be repeated.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name in (None, "store"):  # also where an option says no action
            self.register("action", name, _Once)


class _Once(argparse._StoreAction):
    """Keeps the value of an option, once for each command line that is read."""

    _met: tuple[argparse.Namespace, object] | None = None

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Raises ArgumentError, which ends the program, for a second value."""
        if self._met and self._met[0] is namespace:
            both = f"{shorten(self._met[1])} and {shorten(values)}"
            raise argparse.ArgumentError(self, f"is given twice, as {both}; give it once")
        self._met = (namespace, values)
        super().__call__(parser, namespace, values, option_string)


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
