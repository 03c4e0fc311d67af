"""An event's id is used once, by the first mail that has it, wherever its records lie.

Mails are looked at some thousand at a time, and the ids of all events would not fit memory. So a
hash of each lies on the disk, with its mail: 64 bits of which the last ones are the mail's number.
Hashes that occur in two mails are few, and only ids with such a hash are compared as texts. Open
this file to see which of two mails an id belongs to.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.types import Bools, Ints
from serving.ingest.ids import hash_texts

PARTS = 64  # files, by the first bits of the hash: memory holds the hashes of one


class Once:
    """Ids of events, of n mails.

    work: folder for the hashes
    """

    def __init__(self, work: Path, n: int) -> None:
        self._last = np.uint64(max(n - 1, 1).bit_length())  # bits that say the mail, not the hash
        self._files = [work / f"ids-{part}" for part in range(PARTS)]
        self._edges = np.arange(1, PARTS, dtype=np.uint64) * np.uint64((1 << 64) // PARTS)
        self._taken: set[str] = set()
        for file in self._files:
            file.write_bytes(b"")  # a process that was killed may have left some

    def note(self, table: pa.Table, at: Ints) -> None:
        """Note the ids of some records, and each one's mail [rows], from 0."""
        hashes = hash_texts(table["event"].combine_chunks()) >> self._last << self._last
        noted = np.sort(hashes | at.astype(np.uint64))
        parts = np.split(noted, np.searchsorted(noted, self._edges))
        for file, some in zip(self._files, parts, strict=True):
            with file.open("ab") as stream:
                stream.write(some.tobytes())

    def settle(self) -> None:
        """Note no more, and find the hashes that occur in two mails."""
        found = []
        for file in self._files:
            hashes = np.unique(np.fromfile(file, dtype=np.uint64)) >> self._last
            found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
        self._shared = np.concatenate(found)

    def find_taken(self, table: pa.Table) -> Bools:
        """Which records [rows] of the next mails have an id that mails of an earlier call had."""
        taken = np.zeros(len(table), dtype=bool)
        if len(self._shared):
            hashes = hash_texts(table["event"].combine_chunks()) >> self._last
            rows = np.flatnonzero(np.isin(hashes, self._shared))
            some = table.select(["provider", "event"]).take(pa.array(rows))
            ids = pc.binary_join_element_wise(some["provider"], some["event"], ":").to_pylist()
            taken[rows] = [each in self._taken for each in ids]
            self._taken.update(ids)
        return taken
