"""Keyed, counter-based randomness: a draw depends on what it is for, never on when or where it is made.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key comes from the
purpose (seed, campaign, stream), the counter from the member, so row order, chunks and processes cannot change a draw.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox(counter: NDArray[np.uint64], key: tuple[int, int]) -> NDArray[np.uint64]:
    """Ten rounds of Philox4x32 on `counter` [4, ...] (32-bit words held in uint64); returns four words, same shape."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0 = (product1 >> _32) ^ c1 ^ np.uint64(k0)
        c2 = (product0 >> _32) ^ c3 ^ np.uint64(k1)
        c1, c3 = product1 & _LOW, product0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3])


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
    purpose = digest(seed, campaign, stream)
    blocks = np.arange((k + 1) // 2, dtype=np.uint64)  # one block of four words gives two doubles
    shape = (len(keys), len(blocks))
    counter = np.zeros((4, *shape), dtype=np.uint64)
    counter[0] = (keys & _LOW)[:, None]
    counter[1] = (keys >> _32)[:, None]
    counter[2] = blocks
    words = philox(counter, (purpose & 0xFFFFFFFF, purpose >> 32))
    high, low = words[[0, 2]] >> np.uint64(5), words[[1, 3]] >> np.uint64(6)
    doubles = (high.astype(np.float64) * 2.0**26 + low.astype(np.float64)) * 2.0**-53
    return np.ascontiguousarray(np.moveaxis(doubles, 0, -1).reshape(len(keys), 2 * len(blocks))[:, :k])


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator for draws that belong to no member (a pool's texts, a posterior draw), keyed by what it is for."""
    return np.random.Generator(np.random.Philox(digest(*parts)))
