"""Keyed, counter-based randomness: a draw depends on what it is for, never on when or where it is made.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key comes from the
purpose (seed, campaign, stream), the counter from the member, so row order, chunks and processes cannot change a draw.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIERS = np.array(
    [[0xCD9E8D57], [0xD2511F53]], dtype=np.uint64
)  # of words 2 and 0, which go into words 0 and 2
_WEYL = np.array([[0x9E3779B9], [0xBB67AE85]], dtype=np.uint64)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_PIECE = 9000


def philox(counter: NDArray[np.integer[Any]], key: tuple[int, int]) -> NDArray[np.uint64]:
    """Ten rounds of Philox4x32 on `counter` [4, ...] (four 32-bit words); returns four words, same shape."""
    words = np.array(counter, dtype=np.uint64).reshape(4, -1)
    words[::2], words[1::2] = _rounds(words[::2].copy(), words[1::2].copy(), key)
    return words.reshape(np.shape(counter))


def _rounds(
    even: NDArray[np.uint64], odd: NDArray[np.uint64], key: tuple[int, int]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Words 0 and 2 go through a round side by side [2, n], and so do words 1 and 3; both are overwritten."""
    keys = np.array(key, dtype=np.uint64)[:, None] + np.arange(10, dtype=np.uint64) * _WEYL & _LOW
    keys = (
        keys[:, ::2] << _32 | keys[:, 1::2]
    )  # two rounds at once: what is low now is in the next round's sum
    swapped, product = even[::-1], np.empty_like(even)
    for i in range(10):
        np.multiply(swapped, _MULTIPLIERS, out=product)
        if i % 2 == 0:
            product ^= keys[:, i // 2 : i // 2 + 1]
        np.right_shift(product, _32, out=even)
        even ^= odd
        np.bitwise_and(product, _LOW, out=odd)
    return even, odd


def digest(*parts: object) -> int:
    """A 64-bit key for what a draw is for. Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ."""
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def member_keys(ids: ArrayLike) -> NDArray[np.uint64]:
    """Member ids [n] as 64-bit counters: whole numbers as they are, anything else by a hash of its text."""
    ids = np.asarray(ids)
    if ids.dtype.kind in "iu":
        return ids.astype(np.uint64)
    whole = (int, np.integer)  # a number keeps its key in a column of mixed ids
    keys = [
        int(value) % 2**64 if isinstance(value, whole) else digest("member", value) for value in ids
    ]
    return np.array(keys, dtype=np.uint64)


def uniforms(
    seed: int, campaign: str, stream: str, keys: NDArray[np.uint64], k: int
) -> NDArray[np.float64]:
    """Uniform numbers [n, k] in [0, 1) on a grid of 2^-53, one row for each member key; column after column in memory."""
    pairs = np.empty(((k + 1) // 2, 2, len(keys)))  # one block of four words gives two doubles
    for block, pair in enumerate(pairs):
        _pairs(digest(seed, campaign, stream), keys, np.uint64(block), pair)
    return pairs.reshape(2 * len(pairs), len(keys))[:k].T


def uniforms_at(
    seed: int, campaign: str, stream: str, keys: NDArray[np.uint64], index: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Some of those numbers: column index[i, j] >= 0 of member i's row, [n, k]."""
    column, pairs = index.T.ravel(), np.empty((2, index.size))
    _pairs(digest(seed, campaign, stream), np.tile(keys, index.shape[1]), column >> 1, pairs)
    return np.asarray(np.where(column & 1, pairs[1], pairs[0]).reshape(index.shape[::-1]).T)


def _pairs(purpose: int, keys: NDArray[np.uint64], blocks: Any, pairs: NDArray[np.float64]) -> None:
    """The two doubles [2, n] of a block [n] of each member key [n], in pieces that fit the processor's cache."""
    n, blocks = len(keys), np.broadcast_to(blocks, len(keys))
    size = max(-(-n // max(-(-n // _PIECE), 1)), 1)
    for at in range(0, n, size):
        piece = slice(at, min(at + size, n))
        even, odd = np.empty((2, 2, piece.stop - at), dtype=np.uint64)
        np.bitwise_and(keys[piece], _LOW, out=even[0])
        np.right_shift(keys[piece], _32, out=odd[0])
        even[1], odd[1] = blocks[piece], 0
        even, odd = _rounds(even, odd, (purpose & 0xFFFFFFFF, purpose >> 32))
        even >>= np.uint64(5)
        even <<= np.uint64(26)
        odd >>= np.uint64(6)
        even |= odd
        np.multiply(even, 2.0**-53, out=pairs[:, piece])


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator for draws that belong to no member (a pool's texts, a posterior draw), keyed by what it is for."""
    return np.random.Generator(np.random.Philox(digest(*parts)))
