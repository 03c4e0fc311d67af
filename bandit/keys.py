"""Keyed, counter-based randomness: a draw depends on what it is for, never on when or where it is made.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key comes from the
purpose (seed, campaign, stream), the counter from the member, so row order, chunks and processes cannot change a draw.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_PIECE = 8192


def philox(counter: NDArray[np.integer[Any]], key: tuple[int, int]) -> NDArray[np.uint32]:
    """Ten rounds of Philox4x32 on `counter` [4, ...] (four 32-bit words); returns four words, same shape.

    In pieces that stay in the processor's cache, each product split into its halves by looking at its memory.
    """
    words = np.array(counter, dtype=np.uint32).reshape(4, -1)
    for at in range(0, words.shape[1], _PIECE):
        c0, c1, c2, c3 = piece = words[:, at : at + _PIECE].copy()
        product0, product1 = np.empty(len(c0), dtype=np.uint64), np.empty(len(c0), dtype=np.uint64)
        (low0, high0), (low1, high1) = (half.view("<u4").reshape(-1, 2).T for half in (product0, product1))
        k0, k1 = key
        for _ in range(10):
            np.multiply(c0, _MULTIPLIERS[0], out=product0, dtype=np.uint64)
            np.multiply(c2, _MULTIPLIERS[1], out=product1, dtype=np.uint64)
            np.bitwise_xor(high1, c1, out=c0)
            np.bitwise_xor(high0, c3, out=c2)
            c0 ^= np.uint32(k0)
            c2 ^= np.uint32(k1)
            c1[:], c3[:] = low1, low0
            k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
        words[:, at : at + _PIECE] = piece
    return words.reshape(np.shape(counter))


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
    both = _blocks(digest(seed, campaign, stream), keys, np.broadcast_to(blocks, (len(keys), len(blocks))))
    return np.ascontiguousarray(np.stack(both, axis=-1).reshape(len(keys), 2 * len(blocks))[:, :k])


def uniforms_at(
    seed: int, campaign: str, stream: str, keys: NDArray[np.uint64], index: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Some of those numbers: column index[i, j] >= 0 of member i's row, [n, k]."""
    even, odd = _blocks(digest(seed, campaign, stream), keys, index // 2)
    return np.where(index % 2 == 0, even, odd)


def _blocks(
    purpose: int, keys: NDArray[np.uint64], blocks: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two doubles of each block [n, b] of each member key [n]."""
    counter = np.zeros((4, *blocks.shape), dtype=np.uint32)
    counter[0] = (keys & _LOW)[:, None]
    counter[1] = (keys >> _32)[:, None]
    counter[2] = blocks
    words = philox(counter, (purpose & 0xFFFFFFFF, purpose >> 32))
    high, low = words[[0, 2]] >> np.uint32(5), words[[1, 3]] >> np.uint32(6)
    even, odd = (high * 2.0**26 + low) * 2.0**-53
    return even, odd


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator for draws that belong to no member (a pool's texts, a posterior draw), keyed by what it is for."""
    return np.random.Generator(np.random.Philox(digest(*parts)))
