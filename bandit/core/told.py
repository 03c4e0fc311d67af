"""What a file or a caller tells, checked against the fields of a frozen dataclass.

A field says by its type what it may be: `str`, `int`, `float`, `bool`, `object` (anything), lists
and dicts of these, one type `|` another, a dataclass of the same kind, or any of them `Annotated`
with `Limits`. Nothing is converted: "3" is no whole number. Open this file to see what is said of
settings that cannot be.
"""

import re
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from bandit.core.check import cut, shorten
from bandit.core.columns import fold

MOST_FINDINGS = 5  # in a message
Made = TypeVar("Made")
_KINDS: dict[Any, tuple[str, Any]] = {  # how each is called, and what passes for one
    str: ("string", str),
    int: ("integer", int),
    float: ("number", int | float),
    bool: ("boolean", bool),
    list: ("list", list),
    dict: ("list of names with values", dict),
}


@dataclass(frozen=True)
class Limits:
    """What a number or a text must be, or how long a text or a list; None: anything.

    least, most: of a number
    above, below: a number must be more, or less
    shortest, longest: letters of a text, or items of a list
    pattern: a regular expression for all of a text
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    shortest: int | None = None
    longest: int | None = None
    pattern: str | None = None

    def find_fault(self, value: Any) -> str | None:
        """What the value must be and is not; None where it is all that."""
        if self.least is not None and not value >= self.least:
            return f"must be greater than or equal to {self.least:g}"
        if self.most is not None and not value <= self.most:
            return f"must be less than or equal to {self.most:g}"
        if self.above is not None and not value > self.above:
            return f"must be greater than {self.above:g}"
        if self.below is not None and not value < self.below:
            return f"must be less than {self.below:g}"
        what = "characters" if isinstance(value, str) else "items"
        if self.shortest is not None and len(value) < self.shortest:
            return f"must have at least {self.shortest} {what}"
        if self.longest is not None and len(value) > self.longest:
            return f"must have at most {self.longest} {what}"
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return f"must match {self.pattern}"
        return None


class Finding(NamedTuple):
    """A setting at fault: its place, such as pins.3, its value as shown, and what is wrong."""

    place: str
    value: str
    wrong: str


def read(kind: type[Made], told: object) -> Made:
    """The dataclass `kind` with what a mapping tells of its fields.

    Raises ValueError that names each setting at fault, is unknown or missing, and for what the
    class itself finds wrong.
    """
    found: list[Finding] = []
    made = _read("", kind, told, found)
    if found:
        raise ValueError(join(found))
    return made  # type: ignore[no-any-return]  # nothing was found: it is one


def settle(instance: Any) -> None:
    """Check the fields of a dataclass that is being made, and keep copies of lists and dicts.

    To be called first in `__post_init__`. Raises ValueError as `read` does.
    """
    found: list[Finding] = []
    kind: type = type(instance)
    for name, hint in _get_hints(kind).items():
        object.__setattr__(instance, name, _read(name, hint, getattr(instance, name), found))
    if found:
        raise ValueError(join(found))


def join(found: Iterable[Finding]) -> str:
    """What was found, such as `slots = -1: must be greater than or equal to 1`, by semicolons."""
    places: dict[str, list[str]] = {}
    for place, value, wrong in found:
        where = f"{cut(place, 200)}{value}: " if place else ""
        places.setdefault(where, []).append(wrong)
    said = [
        where + " or ".join([first, *(wrong.removeprefix("must be ") for wrong in rest)])
        for where, (first, *rest) in places.items()
    ]
    more = len(said) - MOST_FINDINGS
    return "; ".join(said[:MOST_FINDINGS]) + (f"; and {more} more" if more > 0 else "")


def name_nearest(value: object, known: Iterable[object]) -> str:
    """Words to end a message with: the nearest of the known values, or some of them.

    >>> name_nearest("Event", ["article", "event"])
    "; the nearest is 'event'"
    >>> name_nearest("x", [4, 7])
    '; there are 4, 7'
    """
    folded: dict[str, object] = {}
    for one in known:
        folded.setdefault(fold(str(one)), one)
    near = get_close_matches(fold(str(value))[:99], folded, n=1, cutoff=0.6)
    if near:
        return f"; the nearest is {folded[near[0]]!r}"
    some = [repr(one) for one in list(folded.values())[:5]]
    more = ", ..." if len(folded) > 5 else ""
    return f"; there are {', '.join(some)}{more}" if some else "; there are none"


def _read(place: str, kind: Any, told: Any, found: list[Finding]) -> Any:
    """What is told, as `kind` has it; what is wrong with it is added to `found`."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin is Annotated:
        before, value = len(found), _read(place, inner[0], told, found)
        if len(found) == before and (wrong := inner[1].find_fault(value)):
            found.append(_find(place, told, wrong))
        return value
    if origin is UnionType:
        return _read_one(place, inner, told, found)
    if is_dataclass(kind):
        return told if isinstance(told, origin) else _make(place, origin, told, found)
    if kind is object:
        return told
    name, fits = _KINDS[origin]
    if not (isinstance(told, fits) and (origin is bool or not isinstance(told, bool))):
        example = f", such as {_show(kind)}; a space follows each colon" if origin is dict else ""
        found.append(_find(place, told, f"must be a valid {name}{example}"))
        return told
    if origin is list:
        return [_read(f"{place}.{row}", inner[0], one, found) for row, one in enumerate(told)]
    if origin is dict:
        return {
            _read(f"{place}.{key}", inner[0], key, found): _read(
                f"{place}.{key}", inner[1], value, found
            )
            for key, value in told.items()
        }
    return _copy(place, origin, told, found)


def _copy(place: str, kind: type, told: Any, found: list[Finding]) -> Any:
    """What is told, as a plain text or number; of some, no file and no machine makes one."""
    try:
        if kind is str:
            told.encode()  # half of a pair of surrogates is no letter
        return kind(told)
    except UnicodeEncodeError:
        found.append(_find(place, told, "must be a valid string, and holds half a letter"))
    except OverflowError:
        found.append(_find(place, told, "must be a number that is not so large"))
    return told


def _read_one(place: str, kinds: Iterable[Any], told: Any, found: list[Finding]) -> Any:
    """What is told, as the first of some kinds that it can be."""
    wrong: list[Finding] = []
    for kind in kinds:
        if kind is NoneType:
            if told is None:
                return None
            continue
        missed: list[Finding] = []
        value = _read(place, kind, told, missed)
        if not missed:
            return value
        wrong += missed
    found += wrong
    return told


def _make(place: str, kind: Any, told: Any, found: list[Finding]) -> Any:
    """The dataclass `kind` with what a dict tells of its fields."""
    if not isinstance(told, dict):
        found.append(_find(place, told, "must be settings by name"))
        return told
    before, within = len(found), f"{place}." if place else ""
    hints = _get_hints(kind)
    values = {}
    for field in fields(kind):
        if field.name in told:
            at = f"{within}{field.name}"
            values[field.name] = _read(at, hints[field.name], told[field.name], found)
        elif field.default is MISSING and field.default_factory is MISSING:
            found.append(Finding(f"{within}{field.name}", "", "it is missing"))
    for name in told:
        if name not in hints:
            near = name_nearest(name, hints)
            found.append(_find(f"{within}{name}", told[name], f"there is no such setting{near}"))
    if len(found) > before:
        return told
    try:
        return kind(**values)
    except ValueError as error:  # its own checks
        found.append(_find(place, told, str(error)))
        return told


def _show(kind: Any) -> str:
    """What a value of a kind may look like, as YAML has it."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Annotated, UnionType):
        return _show(inner[0])
    if origin is dict:
        return f"{{{_show(inner[0])}: {_show(inner[1])}}}"
    if origin is list:
        return f"[{_show(inner[0])}]"
    return {int: "1", float: "0.5", bool: "true"}.get(origin, "name")


def _find(place: str, told: object, wrong: str) -> Finding:
    return Finding(place, f" = {shorten(told)}", wrong)


@cache
def _get_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
