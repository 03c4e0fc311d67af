"""Promise 2: a draw depends on what it is for, never on when, where or beside whom it is made."""

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core import keys

ONES = 0xFFFFFFFF
RANDOM123 = [  # kat_vectors of the Random123 distribution, philox4x32-10: counter, key, output
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), RANDOM123)
def test_philox_known_answers(counter: tuple, key: tuple, expected: tuple) -> None:
    alone = keys.philox(np.array(counter, dtype=np.uint64), key)
    assert alone.tolist() == list(expected)
    many = keys.philox(np.tile(np.array(counter, dtype=np.uint64)[:, None, None], (1, 3, 2)), key)
    assert (many == np.array(expected, dtype=np.uint64)[:, None, None]).all()


def _draw_in_python(seed: int, campaign: str, stream: str, key: int, slot: int) -> float:
    """The same number in Python integers, from the published definitions."""
    text = "".join(f"{len(str(part))}:{part}" for part in (seed, campaign, stream))
    purpose = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
    c, k = [key & ONES, key >> 32, slot // 2, 0], [purpose & ONES, purpose >> 32]
    for _ in range(10):
        one, two = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(two >> 32) ^ c[1] ^ k[0], two & ONES, (one >> 32) ^ c[3] ^ k[1], one & ONES]
        k = [(k[0] + 0x9E3779B9) & ONES, (k[1] + 0xBB67AE85) & ONES]
    high, low = (c[0], c[1]) if slot % 2 == 0 else (c[2], c[3])
    return ((high >> 5) * 2**26 + (low >> 6)) / 2**53


@pytest.mark.parametrize("many", [1, 3, 5, 200])  # few are drawn for one by one
def test_uniforms_equal_the_definition_in_python_integers(many: int) -> None:
    members = np.resize(np.array([2**40 + 3, 2**64 - 1, 0, 5, 100_001], dtype=np.uint64), many)
    table = keys.uniforms(3, "issue-007", "slate", members, 7)
    assert table.shape == (many, 7)
    assert table.T.flags.c_contiguous
    expected = [
        [_draw_in_python(3, "issue-007", "slate", int(member), j) for j in range(7)]
        for member in members
    ]
    assert table.tolist() == expected


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30),
    st.integers(1, 9),
    st.integers(1, 7),
)
def test_row_order_chunks_and_layout_change_nothing(ids: list[int], k: int, chunk: int) -> None:
    members = np.array(ids, dtype=np.uint64)
    table = keys.uniforms(1, "c", "slate", members, k)
    parts = [
        keys.uniforms(1, "c", "slate", members[i : i + chunk], k)
        for i in range(0, len(members), chunk)
    ]
    assert np.vstack(parts).tobytes() == table.tobytes()
    assert (keys.uniforms(1, "c", "slate", members[::-1], k) == table[::-1]).all()
    assert (
        keys.uniforms(1, "c", "slate", members, k + 3)[:, :k] == table
    ).all()  # a longer layout keeps the slots above


@pytest.mark.parametrize(
    "changed", [(4, "c", "slate"), (3, "d", "slate"), (3, "c", "open"), (3, "cs", "late")]
)
def test_each_part_of_the_purpose_gives_other_numbers(changed: tuple[int, str, str]) -> None:
    members = np.arange(1000, dtype=np.uint64)
    a, b = keys.uniforms(3, "c", "slate", members, 3), keys.uniforms(*changed, members, 3)
    assert not np.intersect1d(a, b).size
    correlation = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert abs(correlation) * np.sqrt(a.size) < 4


def test_digest_parts_do_not_run_together() -> None:
    parts = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        ("", "abc"),
        ("1:a",),
        ("a", ""),
        ("a",),
        (12,),
        (1, 2),
    ]
    assert len({keys.digest(*part) for part in parts}) == len(parts)


def test_uniformity() -> None:
    u = keys.uniforms(3, "issue-001", "slate", np.arange(100_001, 140_001, dtype=np.uint64), 5)
    assert u.min() >= 0
    assert u.max() < 1
    assert (u * 2.0**53 == np.rint(u * 2.0**53)).all()
    for column in u.T:
        n = len(column)
        assert abs(column.mean() - 1 / 2) / np.sqrt(1 / 12 / n) < 4
        assert abs((column**2).mean() - 1 / 3) / np.sqrt(4 / 45 / n) < 4
        counts = np.bincount((column * 64).astype(int), minlength=64)
        chi2 = ((counts - n / 64) ** 2 / (n / 64)).sum()
        assert abs(chi2 - 63) / np.sqrt(2 * 63) < 4
    low_bits = (u * 2.0**53).astype(np.uint64) & np.uint64(63)
    counts = np.bincount(low_bits.ravel().astype(int), minlength=64)
    assert abs(((counts - u.size / 64) ** 2 / (u.size / 64)).sum() - 63) / np.sqrt(2 * 63) < 4


def test_independence_between_slots_neighbours_and_issues() -> None:
    members = np.arange(100_001, 140_001, dtype=np.uint64)
    u = keys.uniforms(3, "issue-001", "slate", members, 5)
    later = keys.uniforms(3, "issue-002", "slate", members, 5)
    pairs = [(u[:, i], u[:, j]) for i in range(5) for j in range(i)]
    pairs += [
        (u[1:, 0], u[:-1, 0]),
        (u[2:, 3], u[:-2, 3]),
        (u[:, 0], later[:, 0]),
        (u[:, 4], later[:, 1]),
    ]
    for a, b in pairs:
        assert abs(np.corrcoef(a, b)[0, 1]) * np.sqrt(len(a)) < 4
        joint = np.bincount((a * 8).astype(int) * 8 + (b * 8).astype(int), minlength=64)
        expected = len(a) / 64
        assert abs(((joint - expected) ** 2 / expected).sum() - 63) / np.sqrt(2 * 63) < 4


def test_member_keys_of_numbers_and_text() -> None:
    for dtype in (np.int32, np.int64, np.uint64):
        assert keys.member_keys(np.array([5, 7, 11], dtype=dtype)).tolist() == [5, 7, 11]
    assert len(set(keys.member_keys([-1, 1, 0]).tolist())) == 3
    text = ["M-001", "M-002", "zoë", "5", ""]
    hashed = keys.member_keys(text)
    assert hashed.dtype == np.uint64
    assert len(set(hashed.tolist())) == 5
    assert hashed.tolist() == keys.member_keys(np.array(text, dtype=object)).tolist()
    assert [
        keys.member_keys([value])[0] for value in text
    ] == hashed.tolist()  # whatever width numpy gives the column


def test_a_number_in_a_column_of_mixed_ids_keeps_its_key() -> None:
    """The same members have the same draws in a chunk of numbers and in a list of mixed ids.

    The chunk's column holds integers, the whole list's column objects.
    """
    whole = np.array([5, 7, "M-001"], dtype=object)
    assert keys.member_keys(whole)[:2].tolist() == keys.member_keys(np.array([5, 7])).tolist()


@pytest.mark.parametrize("dtype", [np.int64, np.str_])
def test_no_members_no_numbers(dtype: type) -> None:
    assert keys.uniforms(3, "c", "slate", keys.member_keys(np.array([], dtype=dtype)), 5).shape == (
        0,
        5,
    )


def test_generator_is_keyed() -> None:
    draws = [
        keys.generator(*parts).random(3).tolist()
        for parts in (("a", 1), ("a", 1), ("a", 2), ("b", 1))
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] != draws[3]


def test_few_members_have_the_numbers_of_many() -> None:
    members = keys.member_keys([f"m{i}" for i in range(700)])
    many = keys.uniforms(4, "may", "slate", members, 5)
    for few in (1, 7, 180):
        alone = keys.uniforms(4, "may", "slate", members[:few], 5)
        assert alone.tobytes() == many[:few].tobytes()
