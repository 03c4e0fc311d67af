"""Member and article ids: where they stand in a list, and how an array file holds them.

An id is text or a whole number. Open this file when ids of two tables have to be matched, or when a
state has to keep ids beside its arrays.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.check import shorten
from bandit.core.types import Ids, Ints

# a column may also mix them: it then is of no kind
_KINDS = {"string": "text", "integer": "numbers", "floating": "numbers"}


def locate(known: pd.Index, ids: Ids) -> Ints:
    """Where each of `ids` [n] stands in `known`, [n]; -1 where it does not.

    Raises ValueError where all ids are text and all known ones are numbers, or the other way round:
    otherwise every member would pass for new.
    """
    asked = pd.Index(ids)
    kinds = [_KINDS.get(pd.api.types.infer_dtype(some)) for some in (asked, known)]
    if len(known) and len(asked) and None not in kinds and kinds[0] != kinds[1]:
        raise ValueError(
            f"member ids are {kinds[0]}, e.g. {ids[0]}; "
            f"this was learned under {kinds[1]}, e.g. {known[0]}"
        )
    return np.asarray(known.get_indexer(asked), dtype=np.int64)


def pack(values: Sequence[object]) -> NDArray[np.uint8]:
    """Ids (numbers or text) as the bytes of a JSON list, which an array file can hold."""
    text = json.dumps(list(values), default=lambda value: value.item())
    return np.frombuffer(text.encode(), dtype=np.uint8)


def unpack(packed: NDArray[np.uint8]) -> list[Any]:
    """The ids that `pack` was given.

    Raises ValueError where the bytes are no JSON list of text and numbers, or hold an id twice.
    """
    try:
        values = json.loads(packed.tobytes().decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"ids are not valid JSON: {error}") from None
    if not isinstance(values, list):
        raise ValueError(f"ids are {type(values).__name__}; must be a list")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"id {shorten(value)} is no id; must be text or a number")
    if len(set(values)) < len(values):
        (value, count), *_ = Counter(values).most_common(1)
        raise ValueError(f"id {shorten(value)} is given {count} times")
    return values
