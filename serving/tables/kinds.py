"""Kinds of columns, whatever a file calls their types.

Open this file to see which types count as text or as numbers, and which are refused.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa

from bandit.core.check import shorten

TEXT, WHOLE, NUMBER = "text", "whole numbers", "numbers"
AMOUNT = "numbers, not true or false"


def is_text(kind: pa.DataType) -> bool:
    """Whether a column's type is text, of whatever length."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


PLAIN = (pa.types.is_null, pa.types.is_temporal, pa.types.is_string_view, pa.types.is_decimal)
TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    TEXT: is_text,
    WHOLE: pa.types.is_integer,
    NUMBER: is_number,
    AMOUNT: lambda kind: is_number(kind) and not pa.types.is_boolean(kind),
}


def refuse_nested(path: Path, schema: pa.Schema, wanted: Iterable[str]) -> None:
    """Raise ValueError for a column that holds several values in a cell, or none that is known."""
    for name in wanted:
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (is_text(kind) or is_number(kind) or any(test(kind) for test in PLAIN)):
            raise ValueError(
                f"{path}: column {name!r} has type {shorten(str(kind))}; must be text, numbers, "
                "dates or true and false"
            )


def decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without the encodings that writers choose: dictionaries, and text in views."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column
