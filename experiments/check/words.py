"""Comparisons that must hold to the last bit, and say in words what differs where they do not.

Each function raises AssertionError with one sentence. It begins with `path`, which says how the two
came about ("state -> restore -> plan"), names the first member, slot, article or array entry that
differs, and counts the others.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from bandit.core.types import ROLES, Array, Bools, Context, Slates


def require(kept: bool | np.bool_, sentence: str) -> None:
    """What must hold, and the sentence to be read where it does not."""
    __tracebackhide__ = True
    if not kept:
        raise AssertionError(sentence)


def same_slates(path: str, context: Context, was: Slates, now: Slates) -> None:
    """Two draws for the same members agree in every table of `Slates`."""
    __tracebackhide__ = True
    for name, array in vars(was).items():
        _same_form(path, name, array, getattr(now, name))
    changed = _differ(was.choice, now.choice) | _differ(was.propensity, now.propensity)
    if changed.any():
        at = _first(changed)
        old, new = _apart(was.propensity[at], now.propensity[at])
        before, after = _shown(context, was, at), _shown(context, now, at)
        sentence = f"{before} at {old} became {after} at {new}"
        _fail(f"{path}: {_place(context, at)}: {sentence}", changed)
    for name in ("role", "relaxed", "supported"):
        one, two = getattr(was, name), getattr(now, name)
        changed = _differ(one, two)
        if changed.any():
            at = _first(changed)
            old, new = (ROLES[a[at]] if name == "role" else str(a[at]) for a in (one, two))
            _fail(f"{path}: {_place(context, at)}: {name} was {old} and is {new}", changed)


def same_table(path: str, context: Context, was: Slates, table: pd.DataFrame) -> None:
    """A draw, and the table of slates sent for it, which has a row for each member and slot."""
    __tracebackhide__ = True
    places = {article: j for j, article in enumerate(context.article_ids)} | {"": -1}
    columns = {
        "choice": table["article"].fillna("").map(places.__getitem__),
        "propensity": table["propensity"],
        "role": table["role"],
        "relaxed": table["relaxed"],
    }
    sent = {
        name: column.to_numpy(getattr(was, name).dtype).reshape(-1, context.rules.slots)
        for name, column in columns.items()
    }
    same_slates(path, context, was, replace(was, **sent))


def same_chances(path: str, context: Context, was: Array, now: Array, what: str = "chance") -> None:
    """Two tables of chances or scores for each member and article: [n, m] or [n, m, k]."""
    __tracebackhide__ = True
    _same_form(path, what, was, now)
    changed = _differ(was, now)
    if changed.any():
        row, article, *slots = at = _first(changed)
        old, new = _apart(was[at], now[at])
        where = f"member {context.member_ids[row]}" + "".join(f", slot {k + 1}" for k in slots)
        number = f"the {what} of {context.article_ids[article]} was {old} and is {new}"
        _fail(f"{path}: {where}: {number}", changed)


def same_arrays(path: str, was: Mapping[str, Array], now: Mapping[str, Array]) -> None:
    """Two states: the same names, and arrays of the same shape, type and bytes."""
    __tracebackhide__ = True
    for name in sorted(set(was) | set(now)):
        if name not in now or name not in was:
            raise AssertionError(f"{path}: array {name} {'is gone' if name in was else 'is new'}")
        one, two = np.asarray(was[name]), np.asarray(now[name])
        _same_form(path, f"array {name}", one, two)
        changed = _differ(one, two)
        if changed.any():
            at = _first(changed)
            old, new = _apart(one[at], two[at])
            place = f" {list(at)}" if at else ""
            _fail(f"{path}: array {name}{place} was {old} and is {new}", changed)


def _same_form(path: str, what: str, was: Array, now: Array) -> None:
    __tracebackhide__ = True
    for fact in ("shape", "dtype"):
        old, new = getattr(was, fact), getattr(now, fact)
        if old != new:
            raise AssertionError(f"{path}: {what} had {fact} {old} and has {new}")


def _fail(sentence: str, changed: Bools) -> None:
    __tracebackhide__ = True
    others = int(changed.sum()) - 1
    raise AssertionError(sentence + (f", and {others} more differ" if others else ""))


def _differ(one: Array, two: Array) -> Bools:
    """Where the bits differ: 0.0 and -0.0 do, one NaN and the same NaN do not."""
    size = one.dtype.itemsize
    bits = [
        np.frombuffer(array.tobytes(), dtype=np.uint8).reshape(*array.shape, size)
        for array in (one, two)
    ]
    return np.asarray((bits[0] != bits[1]).any(axis=-1))


def _first(changed: Bools) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(changed.argmax()), changed.shape))


def _place(context: Context, at: tuple[int, ...]) -> str:
    return f"member {context.member_ids[at[0]]}, slot {at[1] + 1}"


def _shown(context: Context, slates: Slates, at: tuple[int, ...]) -> str:
    article = slates.choice[at]
    return str(context.article_ids[article]) if article >= 0 else "nothing"


def _apart(was: object, now: object) -> tuple[str, str]:
    """Both numbers with three digits, or with as many more as tell them apart where they differ."""
    if not isinstance(was, np.floating | float) or not isinstance(now, np.floating | float):
        return str(was), str(now)
    pairs = [(f"{was:#.{digits}g}", f"{now:#.{digits}g}") for digits in range(3, 18)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
