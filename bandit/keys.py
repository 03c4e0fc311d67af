"""Keyed, counter-based randomness: a draw depends on what it is for, never on when or where it is made.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key comes from the
purpose (seed, campaign, stream), the counter from the member, so row order, chunks and processes cannot change a draw.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIERS = np.array([[0xCD9E8D57], [0xD2511F53]], dtype=np.uint64)  # of words 2 and 0, which go into words 0 and 2
_WEYL = np.array([[0x9E3779B9], [0xBB67AE85]], dtype=np.uint64)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_PIECE = 16384


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
    swapped, product = even[::-1], np.empty_like(even)
    for i in range(10):
        np.multiply(swapped, _MULTIPLIERS, out=product)
        np.right_shift(product, _32, out=even)
        even ^= odd
        even ^= keys[:, i : i + 1]
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
    keys = [int(value) % 2**64 if isinstance(value, whole) else digest("member", value) for value in ids]
    return np.array(keys, dtype=np.uint64)


def uniforms(seed: int, campaign: str, stream: str, keys: NDArray[np.uint64], k: int) -> NDArray[np.float64]:
    """Uniform numbers [n, k] in [0, 1) on a grid of 2^-53, one row for each member key."""
    blocks = np.arange((k + 1) // 2)  # one block of four words gives two doubles
    pairs = _pairs(digest(seed, campaign, stream), keys, np.broadcast_to(blocks, (len(keys), len(blocks))))
    return np.ascontiguousarray(pairs.reshape(len(keys), 2 * len(blocks))[:, :k])


def uniforms_at(
    seed: int, campaign: str, stream: str, keys: NDArray[np.uint64], index: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Some of those numbers: column index[i, j] >= 0 of member i's row, [n, k]."""
    pairs = _pairs(digest(seed, campaign, stream), keys, index >> 1)
    return pairs.reshape(-1).take(2 * np.arange(index.size).reshape(index.shape) + (index & 1))


def _pairs(purpose: int, keys: NDArray[np.uint64], blocks: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """The two doubles of each block [n, b] of each member key [n], [n, b, 2]: in pieces that fit the processor's cache."""
    n, b = blocks.shape
    pairs = np.empty((n, b, 2))
    size = max(_PIECE // max(b, 1), 1)
    for at in range(0, n, size):
        key, some = keys[at : at + size, None], blocks[at : at + size]
        even, odd = np.empty((2, *some.shape), dtype=np.uint64), np.zeros((2, *some.shape), dtype=np.uint64)
        even[0], odd[0], even[1] = key & _LOW, key >> _32, some
        even, odd = _rounds(even.reshape(2, -1), odd.reshape(2, -1), (purpose & 0xFFFFFFFF, purpose >> 32))
        even >>= np.uint64(5)
        even <<= np.uint64(26)
        odd >>= np.uint64(6)
        even |= odd
        np.multiply(even.T, 2.0**-53, out=pairs[at : at + size].reshape(-1, 2))
    return pairs


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator for draws that belong to no member (a pool's texts, a posterior draw), keyed by what it is for."""
    return np.random.Generator(np.random.Philox(digest(*parts)))
