"""JSON lines with a say in what is wrong: the file, the line, the name and the value.

Open this file to read another format of one object a line.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bandit.core.check import shorten
from bandit.core.files import parse_json, read_bytes
from bandit.ope.exchange.decisions import Decision

T = TypeVar("T")
WORDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
MISSING = object()
HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a pair that stands for one letter


class Line:
    """One object, whose values are taken by name and must be of a kind."""

    def __init__(self, told: object) -> None:
        self.told = self.check("the line", told, dict)

    def take(self, name: str, kind: type[T], default: object = MISSING) -> T:
        """The value of that name. Raises ValueError where it is missing or of another kind."""
        if name not in self.told:
            if default is MISSING:
                raise ValueError(f"{name} is missing")
            return default  # type: ignore[return-value]  # not MISSING: the caller's own
        return self.check(name, self.told[name], kind)

    @staticmethod
    def check(what: str, value: Any, kind: type[T]) -> T:
        """The value itself; a whole number will do for a number. Raises ValueError for others."""
        fits = isinstance(value, int | float if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind in (int, float)):
            raise ValueError(f"{what} = {shorten(value)}; must be {WORDS[kind]}")
        return value if kind is not float else kind(value)  # type: ignore[call-arg]  # a float


def _parse(data: bytes) -> object:
    """What a line says. Raises ValueError for half a letter, which no other file could hold."""
    told = parse_json(data)
    if HALF.search(data):
        try:
            json.dumps(told, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = error.object[error.start]
            raise ValueError(f"{half!a} is half a letter, in no text") from None
    return told


def read_lines(path: str | Path, read: Callable[[Line], Decision]) -> list[Decision]:
    """One decision for each line that is not empty.

    Raises ValueError naming file, line and value, for an event that comes twice as well, and for a
    file without any.
    """
    found: list[Decision] = []
    met: dict[str, int] = {}
    for number, data in enumerate(read_bytes(Path(path)).split(b"\n"), 1):
        if not data.strip():
            continue
        try:
            each = read(Line(_parse(data)))
        except ValueError as error:
            raise ValueError(f"{path} line {number}: {error}") from None
        if each.event in met:
            where = f"is in line {met[each.event]} too"
            raise ValueError(f"{path} line {number}: event {shorten(each.event)} {where}")
        met[each.event] = number
        found.append(each)
    if not found:
        raise ValueError(f"{path}: there is no decision in it")
    return found
