"""Ending a command in one line that says what went wrong.

Open this file to see what a person reads who asked for something that cannot be, or whose disk is
full.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from serving.errors import say


@contextmanager
def in_one_line(program: str) -> Iterator[None]:
    """End the program in one line where what is done inside fails in a way that one can mend.

    Whatever else goes wrong is a fault of the program's, and shown whole.
    """
    try:
        yield
    except ValueError as error:
        raise SystemExit(f"{program}: {say(error)}") from None
    except OSError as error:
        again = "the same command goes on from what is written"
        raise SystemExit(f"{program}: {say(error)}; {again}") from None
