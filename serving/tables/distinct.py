"""Ids that are in a list twice, looked for in a list of any length.

Ids are compared by Python's 64-bit hashes, of which some millions lie in memory at a time; those
whose hash comes twice are then compared themselves. Open this file to see what that takes.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bandit.core.check import shorten

MOST = 8_000_000  # hashes in memory at a time, 64 MB


def refuse_twice(path: Path, name: str, read: Callable[[], Iterable[pa.Table]]) -> None:
    """Raise ValueError naming both rows of the first id that was in the list before.

    path: of the list, for the message
    name: of the column of ids
    read: gives the list's rows in pieces, each time that it is called
    """
    rows = sum(map(len, read()))
    parts = max(-(-rows // MOST), 1)
    twice: set[int] = set()
    for part in range(parts):
        own = (_hash(piece[name]) for piece in read())
        hashes = np.sort(np.concatenate([each[each % parts == part] for each in own]))
        twice.update(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    first: dict[object, int] = {}
    row = 0
    for piece in read() if twice else ():
        for value in piece[name].to_pylist():
            if hash(value) in twice and first.setdefault(value, row) < row:
                here = f"{path} row {row}: {name} {shorten(value)}"
                raise ValueError(f"{here} is in row {first[value]} already")
            row += 1


def _hash(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """Python's hash of each id, [n]."""
    return np.fromiter(map(hash, ids.to_pylist()), dtype=np.int64, count=len(ids))
