"""Member and article ids: where they stand in a list, and how an array file holds them.

An id is text or a whole number. Members merge and get new ids; aliases say which id an old one is
now. Open this file when ids of two tables have to be matched, or when a state has to keep ids
beside its arrays.
"""

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.check import shorten
from bandit.core.types import Ids, Ints

Aliases = Mapping[Any, Any]  # the present id of each old one
# a column may also mix them: it then is of no kind
_KINDS = {"string": "text", "integer": "numbers", "floating": "numbers"}


def locate(known: pd.Index, ids: Ids) -> Ints:
    """Where each of `ids` [n] stands in `known`, [n]; -1 where it does not.

    Raises ValueError where all ids are text and all known ones are numbers, or the other way round:
    otherwise every member would pass for new.
    """
    asked = pd.Index(ids)
    kinds = _name_kinds(asked, known)
    if kinds:
        raise ValueError(
            f"member ids are {kinds[0]}, e.g. {ids[0]}; "
            f"this was learned under {kinds[1]}, e.g. {known[0]}"
        )
    return np.asarray(known.get_indexer(asked), dtype=np.int64)


def _name_kinds(asked: pd.Index, known: pd.Index) -> tuple[str, str] | None:
    """The kinds of both where they are not the same, so that none could be found."""
    first, second = (_KINDS.get(pd.api.types.infer_dtype(some)) for some in (asked, known))
    differ = len(asked) and len(known) and first and second and first != second
    return (str(first), str(second)) if differ else None


def resolve_aliases(steps: Iterable[tuple[Hashable, Hashable]]) -> dict[Hashable, Hashable]:
    """The present id of each old one.

    steps: pairs of an old id and the one that took its place, which may be old as well: chains are
        followed to their end

    Raises ValueError where an old id has two others in its place, and where a chain is a circle.

    >>> resolve_aliases([("a", "b"), ("b", "c")])
    {'a': 'c', 'b': 'c'}
    """
    found: dict[Hashable, Hashable] = {}
    for old, new in steps:
        if found.setdefault(old, new) != new:
            raise ValueError(f"member {old!r} became both {found[old]!r} and {new!r}")
    for old in found:
        chain = [old]
        while chain[-1] in found:
            chain.append(found[chain[-1]])
            if chain[-1] in chain[:-1]:
                ring = " -> ".join(repr(each) for each in chain[chain.index(chain[-1]) :])
                raise ValueError(f"members became one another in a circle: {ring}")
        for each in chain[:-1]:
            found[each] = chain[-1]
    return found


def follow(ids: Ids, aliases: Aliases) -> Ids:
    """The present ids of these members [n].

    Raises ValueError where all ids are text and all old ones are numbers, or the other way round.
    """
    if not aliases:
        return ids
    old = list(aliases)
    kinds = _name_kinds(pd.Index(ids), pd.Index(old))
    if kinds:
        raise ValueError(
            f"member ids are {kinds[0]}, e.g. {ids[0]}; the aliases' are {kinds[1]}, e.g. {old[0]}"
        )
    now = np.empty(len(ids), dtype=object)
    now[:] = [aliases.get(each, each) for each in ids.tolist()]
    return now if ids.dtype == object else now.astype(ids.dtype)


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
