"""What stands at a path in each of many rows, as a column of text.

Open this file to see what becomes of a list, a number, or a text of which half a letter is missing.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Row = dict[str, Any]


def follow(path: str, rows: Sequence[Row]) -> list[Any]:
    """What stands at a path in each row."""
    first, *rest = path.split(".")
    found: list[Any] = [row.get(first) for row in rows]
    for key in rest:
        found = [
            v.get(key) if v.__class__ is dict else v if v is None else _step(v, key) for v in found
        ]
    return found


def take_one(value: Any) -> Any:
    """The value, or the first of a list; None for what is empty."""
    if value.__class__ is list:
        return value[0] if value else None
    return None if value == "" else value


def read_path(path: str, rows: Sequence[Row]) -> pa.Array:
    """What stands at a path in each row, as text; most columns are text already."""
    found = follow(path, rows)
    try:
        text = pa.array(found, pa.string())
    except (pa.ArrowException, UnicodeEncodeError, TypeError):
        text = to_array([to_text(take_one(v)) for v in found])
    return pc.if_else(pc.equal(text, ""), None, text)


def join(before: pa.Array, after: pa.Array) -> pa.Array:
    """Both texts with "/" between them, or the one that is there."""
    both = pc.binary_join_element_wise(before, after, "/")
    return pc.coalesce(both, before, after)


def to_array(texts: Sequence[str | None]) -> pa.Array:
    """Texts as arrow has them; half of a pair of surrogates becomes a question mark."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        clean = [text and text.encode("utf-8", "replace").decode() for text in texts]
        return pa.array(clean, pa.string())


def _step(value: Any, key: str) -> object:
    if value.__class__ is list:
        value = value[0] if value else None
    return value.get(key) if value.__class__ is dict else None


def to_text(value: object) -> str | None:
    """A value as text: `true`, `27`; None for what is no single value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else None
