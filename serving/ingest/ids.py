"""Texts that are looked for again and again: ids of mails, of slots, of members, of messages.

Arrow's own `index_in` hashes all that is known at each call. Here they are sorted once, by 64 bits
of a hash, and what is found is compared with what was looked for. Open this file to see how an id
is found among millions.
"""

from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bandit.core.types import Ints

AT_A_TIME = 1 << 17  # texts that are objects of Python at the same time


def hash_texts(texts: pa.Array) -> NDArray[np.uint64]:
    """64 bits of a hash (SipHash 2-4, Aumasson & Bernstein 2012) of each text [rows]."""
    hashed = np.empty(len(texts), dtype=np.uint64)
    for begin in range(0, len(texts), AT_A_TIME):
        some = texts.slice(begin, AT_A_TIME).to_numpy(zero_copy_only=False)
        hashed[begin : begin + len(some)] = pd.util.hash_array(some, categorize=False)
    return hashed


class Ids:
    """Texts, and where each stands among them.

    texts: a null is found by nothing
    """

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.uint64], Ints]:
        """The hashes in order, and the place of each one's text."""
        hashed = hash_texts(self._texts)
        place = np.argsort(hashed, kind="stable").astype(np.int32)
        return hashed[place], place

    def find(self, texts: pa.Array) -> Ints:
        """The first place of each text [rows] among those known; -1 for none, and for null."""
        found = np.full(len(texts), -1)
        if texts.null_count == len(texts):
            return found
        hashes, places = self._sorted
        rows = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
        hashed = hash_texts(texts.take(pa.array(rows)))
        order = np.argsort(hashed)  # neighbours are looked for one after the other
        rows, hashed = rows[order], hashed[order]
        at = np.searchsorted(hashes, hashed)
        while len(rows):  # once, but for texts of one hash
            same = at < len(hashes)
            same[same] = hashes[at[same]] == hashed[same]
            rows, hashed, at = rows[same], hashed[same], at[same]
            place = places[at]
            equal = pc.equal(self._texts.take(pa.array(place)), texts.take(pa.array(rows)))
            good = equal.fill_null(False).to_numpy(zero_copy_only=False)
            found[rows[good]] = place[good]
            rows, hashed, at = rows[~good], hashed[~good], at[~good] + 1
        return found


class Owners:
    """Whose each text is; one that is two mails' is nobody's.

    texts: each as often as one likes; null is nobody's
    at: [rows], the mail's row in the book; -1 for one that is not there
    """

    def __init__(self, texts: pa.Array, at: Ints) -> None:
        at, texts = at[texts.is_valid().to_numpy(zero_copy_only=False)], texts.drop_null()
        self._ids, self._at = Ids(texts), np.append(at, -1)
        for begin in range(0, len(texts), AT_A_TIME):
            first = self._ids.find(texts.slice(begin, AT_A_TIME))
            two = at[first] != at[begin : begin + len(first)]
            self._at[first[two]] = -1

    def find(self, texts: pa.Array) -> Ints:
        """Each owner's row in the book [rows]; -1 where nobody is known."""
        return np.asarray(self._at[self._ids.find(texts)])
