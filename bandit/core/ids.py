"""Member and article ids: where they stand in a list, and how an array file holds them.

An id is text or a whole number. Members merge and get new ids; aliases say which id an old one is
now. Open this file when ids of two tables have to be matched, or when a state has to keep ids
beside its arrays.
"""

import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.check import shorten
from bandit.core.columns import Ids, Ints
from bandit.core.keys import member_keys
from bandit.core.state import State

if TYPE_CHECKING:
    import pyarrow as pa

Aliases = Mapping[Any, Any]  # the present id of each old one
Kinds = tuple[bool, bool]  # of ids: whether any is a number, and whether any is text
_KINDS = ("numbers", "text")


@dataclass(frozen=True)
class Roster:
    """Members that are known, each in a row of its own, in the order of their keys.

    A member is known by the 64-bit key that draws have too (`keys.member_keys`), so a roster of ten
    million members is 80 MB, which need not be read to be searched, and tells nobody's id. Two of
    so many have one key with a probability of 3 in a million.

    keys: [N], ascending
    met: whether any id was a number, and whether any was text
    """

    keys: NDArray[np.uint64]
    met: Kinds

    @classmethod
    def of(cls, ids: Ids) -> "Roster":
        """The roster of some ids, one or several times each."""
        empty = cls(np.zeros(0, dtype=np.uint64), (False, False))
        return empty.add(ids)[0]

    @classmethod
    def gather(cls, pieces: Iterable[Ids]) -> "Roster":
        """The roster of the ids in all pieces of a list."""
        roster = cls.of(np.zeros(0, dtype=object))
        for ids in pieces:
            roster, _ = roster.add(ids)
        return roster

    def __len__(self) -> int:
        """How many members are known."""
        return len(self.keys)

    def find(self, ids: Ids) -> Ints:
        """The row of each member [n]; -1 where one is not known.

        Raises ValueError where all ids are text and all known ones are numbers, or the other way
        round: otherwise every member would pass for new.
        """
        if kinds := _name_kinds(_find_kinds(ids), self.met):
            raise ValueError(
                f"member ids are {kinds[0]}, e.g. {ids[0]}; this was learned under {kinds[1]}"
            )
        keys = member_keys(ids)
        rows = self.keys.searchsorted(keys)
        if not len(self):
            return np.full(len(keys), -1)
        rows[self.keys[np.minimum(rows, len(self) - 1)] != keys] = -1
        return rows

    def add(self, ids: Ids) -> tuple["Roster", Ints]:
        """The roster with these members, and where the new ones' rows go in, for `numpy.insert`."""
        new = np.unique(member_keys(ids)[self.find(ids) < 0])
        at = np.searchsorted(self.keys, new)
        return Roster(np.insert(self.keys, at, new), _join(self.met, _find_kinds(ids))), at

    def follow(self, aliases: Aliases) -> tuple["Roster", Ints]:
        """The roster under present ids, and the row there of each row here [N].

        aliases: old id -> present one

        Raises ValueError where all ids are text and all old ones are numbers, or the reverse.
        """
        old, new = (np.array(list(ids), dtype=object) for ids in (aliases, aliases.values()))
        rows, keys = self.find(old), self.keys.copy()
        keys[rows[rows >= 0]] = member_keys(new)[rows >= 0]
        present, place = np.unique(keys, return_inverse=True)
        return Roster(present, _join(self.met, _find_kinds(new[rows >= 0]))), place

    def state(self) -> State:
        """Two arrays."""
        return {"keys": self.keys, "met": np.array(self.met, dtype=np.uint8)}

    @classmethod
    def restore(cls, state: State) -> "Roster":
        """The inverse of `state`. Raises ValueError for keys that do not ascend."""
        keys, met = state["keys"], state["met"]
        check.shape("met", met, (2,))
        if not ((keys[1:] > keys[:-1]).all() and (met <= 1).all() and met.any() == bool(len(keys))):
            raise ValueError(f"the keys of {len(keys)} members do not ascend, or met = {met}")
        return cls(keys, (bool(met[0]), bool(met[1])))


def locate(known: Ids, ids: Ids) -> Ints:
    """Where each of `ids` [n] stands in a list that has no id twice, [n]; -1 where it does not.

    Raises ValueError as `Roster.find` does.
    """
    rows = Roster.of(known).find(ids)
    place = np.append(np.argsort(member_keys(known)), -1)
    return np.asarray(place[rows])


def _find_kinds(ids: Ids) -> Kinds:
    """Whether any of the ids is a number, and whether any is text."""
    if ids.dtype.kind in "iu":
        return bool(len(ids)), False
    text = [isinstance(one, str) for one in ids.tolist()]
    return not all(text), any(text)


def _join(one: Kinds, other: Kinds) -> Kinds:
    """The kinds of both."""
    return one[0] or other[0], one[1] or other[1]


def _name_kinds(asked: Kinds, known: Kinds) -> tuple[str, str] | None:
    """The kinds of both where they are not the same, so that none could be found."""
    if (asked, known) not in (((True, False), (False, True)), ((False, True), (True, False))):
        return None
    return _KINDS[asked.index(True)], _KINDS[known.index(True)]


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
    if kinds := _name_kinds(_find_kinds(ids), _find_kinds(np.array(old, dtype=object))):
        raise ValueError(
            f"member ids are {kinds[0]}, e.g. {ids[0]}; the aliases' are {kinds[1]}, e.g. {old[0]}"
        )
    now = np.empty(len(ids), dtype=object)
    now[:] = [aliases.get(each, each) for each in ids.tolist()]
    return now if ids.dtype == object else now.astype(ids.dtype)


def squeeze(one: Hashable) -> str:
    """What is left of an id that a spreadsheet or another system has rewritten.

    >>> squeeze("00A-17"), squeeze('="0017"')
    ('a17', '17')
    """
    return re.sub(r"[\W_]", "", str(one).casefold()).lstrip("0")


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


def check_ids(path: str | Path, table: "pa.Table", name: str) -> None:
    """Raise ValueError unless a column holds ids, which are text or whole numbers."""
    import pyarrow as pa  # who only looks members up does without

    kind = table.schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_null)
    if not any(test(kind) for test in tests):
        raise ValueError(f"{path}: column {name!r} has type {kind}; ids are whole numbers or text")


def number_ids(ids: Ids) -> Ints:
    """Each id's place in the ascending list of different ones, [n].

    That is the inverse of numpy's `unique`, which sorts. Whole numbers that lie close together, as
    members' mostly do, are counted instead, which takes a tenth of the time.

    >>> number_ids(np.array([204, 117, 204])).tolist()
    [1, 0, 1]
    """
    if len(ids) and ids.dtype.kind in "iu":
        low, high = int(ids.min()), int(ids.max())
        if high - low < 4 * len(ids):
            wide = np.int64 if ids.dtype.kind == "i" else np.uint64
            at = (ids.astype(wide) - wide(low)).astype(np.int64)
            there = np.zeros(high - low + 1, dtype=bool)
            there[at] = True
            return np.asarray((np.cumsum(there) - 1)[at])
    return np.asarray(np.unique(ids, return_inverse=True)[1])
