"""A policy's state: named arrays, and the parts that it is made of.

What a policy has learned is one flat dictionary, because that is what an array file holds. Where a
policy is made of parts that keep arrays of their own, each array is named `part.array`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

State = dict[str, NDArray[Any]]


def nest(**parts: State) -> State:
    """One state of several parts: array `a` of part `p` is named `p.a`."""
    return {
        f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()
    }


def part(state: State, name: str) -> State:
    """The arrays of one part, under the names that the part itself gave them."""
    start = f"{name}."
    return {key.removeprefix(start): array for key, array in state.items() if key.startswith(start)}


def require(state: Mapping[str, object], names: Iterable[str], before: str = "") -> None:
    """Raise ValueError at the first of `names` that `state` lacks.

    names: a state of one's own will do, such as that of a policy that has just been started
    before: how the names begin in the whole state, for the message
    """
    for name in names:
        if name not in state:
            found = ", ".join(sorted(state)) or "none"
            raise ValueError(f"the state lacks array {before + name!r}; it has {found}")
