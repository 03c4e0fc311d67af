"""Checks that raise a ValueError which names what is wrong, where it stands, and its value.

Open this file before you write a check of your own: `check.shape`, `check.at_least` and the others
are read as commands. A value in a message is cut by `shorten`, for it may come from a file.
"""

import reprlib
from collections.abc import Collection, Hashable, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

MOST_SLOTS = 1000  # of a layout

_shortener = reprlib.Repr()
_shortener.maxstring = _shortener.maxother = 60


def shorten(value: object) -> str:
    """The value as `repr` shows it, cut to a length that fits in a line."""
    return _shortener.repr(value)


def cut(text: str, most: int) -> str:
    """The text, or its beginning and its end where it has more than `most` letters."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def shape(what: str, array: NDArray[np.generic], expected: tuple[int, ...]) -> None:
    """Raise ValueError unless `array` has the expected shape."""
    if array.shape != expected:
        raise ValueError(f"{what} has shape {array.shape}; must be {expected}")


def like(what: str, array: NDArray[np.generic], own: NDArray[np.generic]) -> None:
    """Raise ValueError unless `array`, from a saved state, has the shape and type of `own`.

    own: the array whose place it takes
    """
    shape(what, array, own.shape)
    if array.dtype != own.dtype:
        raise ValueError(f"{what} has type {array.dtype}; must be {own.dtype}")


def gram(what: str, matrices: NDArray[np.floating], least: float = 0.0) -> None:
    """Raise ValueError unless `matrices` [b, d, d] may be sums of z z'.

    They must be finite, symmetric but for rounding, and have no diagonal entry below `least`.
    """
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    at_least(f"{what}'s diagonal", float(diagonal.min()), least)
    with np.errstate(invalid="ignore"):
        apart = np.abs(matrices - matrices.swapaxes(1, 2)).max(axis=(1, 2))
    if not (apart <= 1e-6 * diagonal.max(axis=1)).all():
        raise ValueError(
            f"{what} and its transpose are up to {apart.max()} apart; must be symmetric"
        )


def slots(count: int, most: int) -> None:
    """Raise ValueError where an issue has more slots than a policy was made for."""
    if count > most:
        raise ValueError(f"the issue has {count} slots; must be at most max_slots = {most}")


def finite(
    what: str, array: NDArray[np.floating], rows: Sequence[Hashable] | NDArray[np.generic]
) -> None:
    """Raise ValueError at the first value of `array` [n, d] that is NaN or infinite.

    rows: [n], names of the rows for the message, mostly member or article ids
    """
    if np.count_nonzero(np.isfinite(array)) == array.size:  # quicker than `all`
        return
    i, j = np.argwhere(~np.isfinite(array))[0]
    raise ValueError(f"{what}[{i}, {j}] = {array[i, j]} (row of {rows[i]}); must be finite")


def unique(what: str, ids: NDArray[Any]) -> None:
    """Raise ValueError at the first of the ids [n] that is missing or comes again."""
    if ids.dtype.kind in "iu" and (len(ids) == 1 or len(np.unique(ids)) == len(ids)):
        return
    met: set[object] = set()
    for row, one in enumerate(ids.tolist()):
        if one is None or one != one:
            raise ValueError(f"{what} row {row}: the id is missing")
        if one in met:
            raise ValueError(f"{what} row {row}: id {shorten(one)} appears twice")
        met.add(one)


def columns(what: str, table: Collection[Any], needed: Sequence[str]) -> None:
    """Raise ValueError if `table` lacks one of the needed columns."""
    missing = [name for name in needed if name not in table]
    if missing:
        found = shorten(list(table))
        raise ValueError(f"{what} lacks column {missing[0]!r}; it has {found}")


def at_least(what: str, value: float, least: float) -> None:
    """Raise ValueError unless value >= least (and is a finite number)."""
    _number(what, value)
    if value == np.inf:
        raise ValueError(f"{what} = inf; must be a finite number")
    if not value >= least:
        raise ValueError(f"{what} = {value}; must be at least {least}")


def is_whole(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(what: str, value: object, least: int, most: int | None = None) -> None:
    """Raise ValueError unless `value` is a whole number of at least `least`, at most `most`."""
    if not is_whole(value):
        raise ValueError(f"{what} = {shorten(value)}; must be a whole number")
    if value < least:
        raise ValueError(f"{what} = {shorten(value)}; must be at least {least}")
    if most is not None and value > most:
        raise ValueError(f"{what} = {shorten(value)}; must be at most {most}")


def listed(what: str, values: object, most: int) -> None:
    """Raise ValueError unless `values` is a list of at least one value, and at most `most`."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ValueError(f"{what} = {shorten(values)}; must be a list")
    if not values:
        raise ValueError(f"{what} is empty; give at least one value")
    whole(f"the length of {what}", len(values), 1, most)


def between(what: str, value: float, least: float, most: float) -> None:
    """Raise ValueError unless least <= value <= most."""
    _number(what, value)
    if not least <= value <= most:
        raise ValueError(f"{what} = {value}; must be in [{least:g}, {most:g}]")


def share(what: str, value: float) -> None:
    """Raise ValueError unless 0 <= value <= 1."""
    _number(what, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{what} = {value}; must be in [0, 1]")


def propensities(
    logged: NDArray[np.floating], rows: NDArray[np.integer], slots: NDArray[np.integer]
) -> None:
    """Raise ValueError at the first of `logged` [e] that is outside (0, 1], or NaN.

    rows, slots: [e], where each of them stands, for the message
    """
    bad = ~((logged > 0) & (logged <= 1))
    if bad.any():
        e = int(bad.argmax())
        raise ValueError(f"propensity[{rows[e]}, {slots[e]}] = {logged[e]}; must be in (0, 1]")


def flag(what: str, value: object) -> None:
    """Raise ValueError unless the value is true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} = {shorten(value)}; must be true or false")


def _number(what: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"{what} = {shorten(value)}; must be a number")
