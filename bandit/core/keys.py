"""Keyed, counter-based random numbers: a draw depends on what it is for, not on when it is made.

The generator is Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy
as 1, 2, 3"). The key comes from the purpose (seed, campaign, stream), the counter from the member,
so row order, chunks and processes cannot change a draw. Open this file when something random is
needed: `uniforms` for numbers that belong to members, `generator` for all others.
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

# of words 2 and 0, which go into words 0 and 2
_TWO, _ZERO = 0xCD9E8D57, 0xD2511F53
_MULTIPLIERS = np.array([[_TWO], [_ZERO]], dtype=np.uint64)
_STEPS = 0x9E3779B9, 0xBB67AE85
_WEYL = np.array(_STEPS, dtype=np.uint64)[:, None]
_ONES = 0xFFFFFFFF
_LOW = np.uint64(_ONES)
_32 = np.uint64(32)
_PIECE = 9000  # members whose words fit the processor's cache
_FEW = 500  # blocks until which it is the calls that cost, and all are made at once
_FEWEST = 12  # blocks until which Python's own whole numbers cost less than numpy's calls


def philox(counter: NDArray[np.integer], key: tuple[int, int]) -> NDArray[np.uint64]:
    """Ten rounds of Philox4x32 on `counter` [4, ...], four 32-bit words; four words, same shape."""
    words = np.array(counter, dtype=np.uint64).reshape(4, -1)
    words[::2], words[1::2] = _run_rounds(words[::2].copy(), words[1::2].copy(), key)
    return words.reshape(np.shape(counter))


def _run_rounds(
    even: NDArray[np.uint64], odd: NDArray[np.uint64], key: tuple[int, int]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Ten rounds on words 0 and 2, `even` [2, n], and words 1 and 3, `odd` [2, n].

    The two words of a pair go through a round side by side. Both arrays are overwritten.
    """
    keys = np.array(key, dtype=np.uint64)[:, None] + np.arange(10, dtype=np.uint64) * _WEYL & _LOW
    # two rounds at once: what is low now is in the next round's sum
    keys = keys[:, ::2] << _32 | keys[:, 1::2]
    swapped, product = even[::-1], np.empty_like(even)
    for i in range(10):
        np.multiply(swapped, _MULTIPLIERS, out=product)
        if i % 2 == 0:
            product ^= keys[:, i // 2 : i // 2 + 1]
        np.right_shift(product, _32, out=even)
        even ^= odd
        np.bitwise_and(product, _LOW, out=odd)
    return even, odd


def _draw_few(keys: list[int], blocks: int, purpose: int) -> NDArray[np.float64]:
    """The two doubles that each of some blocks gives each member key, [blocks, 2, n].

    These are the same ten rounds, in whole numbers of Python's that hold 64 bits for each block of
    each key: a product of two words fits, and no block meets another.
    """
    size = len(keys) * blocks
    rounds, ones, each, second = _list_rounds(purpose, len(keys), blocks)
    zeroth, first, third, low = 0, 0, 0, ones * _ONES
    for place, key in enumerate(keys):
        zeroth |= (key & _ONES) * each << 64 * blocks * place
        first |= (key >> 32) * each << 64 * blocks * place
    for one, two in rounds:
        left, right = second * _TWO, zeroth * _ZERO
        zeroth, first = (left >> 32 & low) ^ first ^ one, left & low
        second, third = (right >> 32 & low) ^ third ^ two, right & low
    top, rest = low ^ ones * 31, low >> 6 & ones * (_ONES >> 6)  # 27 bits of a word, and 26
    words = (zeroth & top) << 21 | first >> 6 & rest
    words |= ((second & top) << 21 | third >> 6 & rest) << 64 * size
    halves = np.frombuffer(words.to_bytes(16 * size, "little"), dtype=np.uint64)
    pairs = np.multiply(halves, 2.0**-53, dtype=np.float64)
    return pairs.reshape(2, len(keys), blocks).transpose(2, 0, 1)


@lru_cache(maxsize=64)
def _list_rounds(purpose: int, n: int, blocks: int) -> tuple[list[tuple[int, int]], int, int, int]:
    """What is the same for all keys.

    These are what ten rounds add to words 0 and 2; a 1 for each block of n keys, and of one key;
    and the blocks' numbers.
    """
    (one, two), ones, rounds = (purpose & _ONES, purpose >> 32), _line_up([1] * n * blocks), []
    for _ in range(10):
        rounds.append((one * ones, two * ones))
        one, two = one + _STEPS[0] & _ONES, two + _STEPS[1] & _ONES
    return rounds, ones, _line_up([1] * blocks), _line_up([*range(blocks)] * n)


def _line_up(words: list[int]) -> int:
    """Words in one whole number, 64 bits for each, the first one lowest."""
    return sum(word << 64 * place for place, word in enumerate(words))


def digest(*parts: object) -> int:
    """A 64-bit key for what a draw is for, by a hash of the parts' text.

    Each part is prefixed by its length, so ("ab", "c") and ("a", "bc") have different keys.
    """
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


# typed: 1 and True are written differently
_find_purpose = lru_cache(maxsize=64, typed=True)(digest)


def member_keys(ids: ArrayLike) -> NDArray[np.uint64]:
    """Member ids [n] as 64-bit counters: whole numbers as they are, text by a hash of it."""
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
    """Uniform numbers [n, k] in [0, 1) on a grid of 2^-53, one row for each member key [n].

    In memory they lie column after column.

    seed, campaign, stream: what the numbers are for; others for any other combination

    >>> members = member_keys([204, 117])
    >>> numbers = uniforms(1, "issue-007", "slate", members, 3)
    >>> numbers.round(3).tolist()
    [[0.76, 0.041, 0.99], [0.249, 0.564, 0.441]]
    >>> bool((uniforms(1, "issue-007", "slate", members[::-1], 3) == numbers[::-1]).all())
    True
    """
    n, blocks = len(keys), (k + 1) // 2  # one block of four words gives two doubles
    purpose = _find_purpose(seed, campaign, stream)
    if n * blocks <= _FEWEST:
        return _draw_few(keys.tolist(), blocks, purpose).reshape(2 * blocks, n)[:k].T
    pairs = np.empty((blocks, 2, n))
    if n * blocks <= _FEW:
        together = np.empty((2, blocks * n))
        which = np.arange(blocks, dtype=np.uint64).repeat(n)
        _fill_pairs(purpose, np.tile(keys, blocks), which, together)
        pairs[:] = together.reshape(2, blocks, n).swapaxes(0, 1)
    else:
        for block, pair in enumerate(pairs):
            _fill_pairs(purpose, keys, np.uint64(block), pair)
    return pairs.reshape(2 * blocks, n)[:k].T


def uniforms_at(
    seed: int, campaign: str, stream: str, keys: NDArray[np.uint64], index: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Some numbers of a longer `uniforms`: column index[i, j] >= 0 of member i's row, [n, k]."""
    column, pairs = index.T.ravel(), np.empty((2, index.size))
    _fill_pairs(digest(seed, campaign, stream), np.tile(keys, index.shape[1]), column >> 1, pairs)
    return np.asarray(np.where(column & 1, pairs[1], pairs[0]).reshape(index.shape[::-1]).T)


def _fill_pairs(
    purpose: int, keys: NDArray[np.uint64], block: ArrayLike, pairs: NDArray[np.float64]
) -> None:
    """Fill `pairs` [2, n] with the two doubles that a block of four words gives each member key.

    block: which block, a number for all members or one for each, [n]
    """
    n = len(keys)
    blocks = np.asarray(block) if np.ndim(block) else np.broadcast_to(block, n)
    size = max(-(-n // max(-(-n // _PIECE), 1)), 1)
    for at in range(0, n, size):
        piece = slice(at, min(at + size, n))
        even, odd = np.empty((2, 2, piece.stop - at), dtype=np.uint64)
        np.bitwise_and(keys[piece], _LOW, out=even[0])
        np.right_shift(keys[piece], _32, out=odd[0])
        even[1], odd[1] = blocks[piece], 0
        even, odd = _run_rounds(even, odd, (purpose & 0xFFFFFFFF, purpose >> 32))
        even >>= np.uint64(5)
        even <<= np.uint64(26)
        odd >>= np.uint64(6)
        even |= odd
        np.multiply(even, 2.0**-53, out=pairs[:, piece])


def generator(*parts: object) -> "np.random.Generator":
    """A numpy generator for draws that belong to no member, such as a pool's texts.

    parts: what the draws are for; equal parts give the same numbers
    """
    return np.random.Generator(np.random.Philox(digest(*parts)))
