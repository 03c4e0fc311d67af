"""A file of arrays that is checked in pieces, each before anything is read from it.

Ten million profiles take 3 GB, of which one newsletter needs three rows. So policy.pieces holds the
SHA-256 of each 64 KiB of a large policy.safetensors, in their order, and is itself checked by the
manifest. The file is mapped into memory; before a number of a piece is used for the first time, the
whole piece is compared with its digest. Open this file to see what is checked when.
"""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bandit.core.check import shorten
from bandit.core.columns import Array, Ints
from bandit.core.files import parse_json

PIECE = 1 << 16  # bytes
LARGE = 1 << 26  # bytes of a file from which on it is checked in pieces
_DIGEST = 32  # bytes
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U64": "<u8", "U8": "u1"}


class _Told(TypedDict):
    """What a safetensors header says of an array, if it is sound; `Mapped._find` sees to that."""

    dtype: str
    shape: list[int]
    data_offsets: list[int]


Check = Callable[[str, Array], None]  # raises ValueError for numbers that cannot be


def digest_pieces(path: Path) -> bytes:
    """The SHA-256 of each piece of a file, one after the other."""
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(PIECE), b"")
        return b"".join(hashlib.sha256(piece).digest() for piece in pieces)


class Mapped:
    """A safetensors file, mapped into memory.

    path: of the file
    digests: what `digest_pieces` gave
    check: is told the name and the numbers of each piece of an array

    Raises ValueError for digests of another file, and for a header that cannot be.
    """

    def __init__(self, path: Path, digests: bytes, check: Check) -> None:
        self.path, self.check, self._digests = path, check, digests
        self.bytes: NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, "r"))
        count = -(-len(self.bytes) // PIECE)
        if len(digests) != count * _DIGEST:
            told = f"{len(digests) / _DIGEST:g} digests for {count} pieces of {PIECE:,} bytes"
            raise ValueError(f"{path}: there are {told}")
        self.compare(0)
        size = int.from_bytes(self.bytes[:8].tobytes(), "little")
        for piece in range(min(count, (8 + size) // PIECE + 1)):
            self.compare(piece)
        header = parse_json(self.bytes[8 : 8 + size].tobytes())
        if not isinstance(header, dict):
            raise ValueError(f"{path} is not a safetensors file: its header is no object")
        self.facts: dict[str, object] = header.pop("__metadata__", None) or {}
        self.tables = {name: self._find(name, told, 8 + size) for name, told in header.items()}

    def compare(self, piece: int) -> None:
        """Raise ValueError where a piece is not what its digest says."""
        start, at = piece * PIECE, piece * _DIGEST
        found = hashlib.sha256(self.bytes[start : start + PIECE].data).digest()
        if found != self._digests[at : at + _DIGEST]:
            where = f"bytes {start:,} to {min(start + PIECE, len(self.bytes)):,}"
            raise ValueError(f"{self.path}: {where} are not those that were written")

    def _find(self, name: str, told: _Told, base: int) -> "Rows":
        """An array, of which nothing is read yet. Raises ValueError for one that cannot be."""
        try:
            dtype, shape = np.dtype(_TYPES[told["dtype"]]), tuple(map(int, told["shape"]))
            start, end = (base + int(place) for place in told["data_offsets"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{self.path}: array {shorten(name)}: {error!r}") from None
        inside = base <= start <= end <= len(self.bytes) and min(shape, default=1) >= 0
        if not inside or end - start != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{self.path}: array {shorten(name)} cannot be {shape} of {dtype}")
        return Rows(self, name, start, self.bytes[start:end].view(dtype).reshape(shape))


class Rows:
    """An array of a file, read row by row: `rows[numbers]`; or as a whole by `numpy.asarray`.

    file: holds it
    name, start: what it is called there, and at which byte it begins
    table: the array, not yet checked
    """

    def __init__(self, file: Mapped, name: str, start: int, table: Array) -> None:
        self._file, self._name, self._start, self._table = file, name, start, table
        self.dtype, self.shape, self.ndim = table.dtype, table.shape, table.ndim
        self._width = table.nbytes // max(len(table), 1) if table.ndim else table.nbytes
        self._first = start // PIECE
        self._good = np.zeros((start + table.nbytes - 1) // PIECE + 1 - self._first, dtype=bool)

    def __getitem__(self, rows: Ints) -> Array:
        """The rows of these numbers [n], counted from 0.

        Raises ValueError where a piece in which one lies was changed.
        """
        # a byte of a row in each piece that it touches: steps of a piece's size, and its last one
        steps = np.append(np.arange(0, self._width, PIECE), self._width - 1)
        places = np.add.outer(self._start + rows * self._width, steps).ravel()
        pieces = places // PIECE - self._first
        if not self._good[pieces].all():
            self._check(np.unique(pieces))
        return np.asarray(self._table[rows])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        """All of it, as an array of its own. Raises ValueError where a piece was changed."""
        self._check(np.arange(len(self._good)))
        whole: Array = np.array(self._table, dtype=dtype)
        return whole

    def _check(self, pieces: Ints) -> None:
        flat, size = self._table.reshape(-1), self._table.dtype.itemsize
        for piece in pieces[~self._good[pieces]].tolist():
            self._file.compare(self._first + piece)
            start = (self._first + piece) * PIECE - self._start
            self._file.check(self._name, flat[max(start, 0) // size : (start + PIECE) // size])
            self._good[piece] = True
