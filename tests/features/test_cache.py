"""The cache of vectors is checked row by row: what is damaged is encoded again, or refused."""

import pickle
import resource
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.features.text import Cached

TEXTS = [f"Text number {i}" for i in range(40)]


class Counts:
    """An encoder that notes what it was asked."""

    name, dim = "counts", 16

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Any) -> np.ndarray:
        self.asked += texts
        rows = [[len(text), sum(map(ord, text)), *range(14)] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 16)


WANTED = Counts().encode(TEXTS).tobytes()


def test_it_travels_to_another_process_which_opens_the_file_itself(tmp_path: Path) -> None:
    cached = Cached(Counts(), tmp_path / "cache.sqlite")
    cached.encode(TEXTS)
    arrived = pickle.loads(pickle.dumps(cached))  # noqa: S301  # its own, as a worker gets it
    assert arrived.encode(TEXTS).tobytes() == WANTED
    assert arrived._encoder.asked == TEXTS  # those that were asked before it left


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("cache") / "cache.sqlite"
    Cached(Counts(), path).encode(TEXTS)
    return path.read_bytes()


def ask(path: Path) -> str:
    """How the cache answered: "same" vectors, or refused."""
    try:
        assert Cached(Counts(), path).encode(TEXTS).tobytes() == WANTED
        assert Cached(Counts(), path).encode(TEXTS[::-1])[::-1].tobytes() == WANTED
    except (ValueError, OSError) as error:
        said = str(error)
        assert (str(path) in said, len(said.splitlines())) == (True, 1)
        return "refused"
    return "same"


@pytest.mark.parametrize("tries", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_flip_and_no_cut_changes_a_vector(tries: int, whole: bytes, tmp_path: Path) -> None:
    rng, told = np.random.default_rng(tries), []
    for number in range(tries):
        path = tmp_path / f"{number}.sqlite"
        data = bytearray(whole)
        if number % 5:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        else:
            del data[int(rng.integers(len(data))) :]
        path.write_bytes(data)
        told.append(ask(path))
    assert told.count("same") > 0.9 * tries


def test_a_row_that_is_another_is_encoded_again(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(whole)
    with sqlite3.connect(path) as db:
        for value in (bytes(64), np.full(16, np.nan, np.float32).tobytes(), b"short", "text"):
            db.execute(
                "UPDATE checked SET vector = ? WHERE rowid = (SELECT min(rowid) + ? FROM checked)",
                (value, len(value)),
            )
    db.close()
    inner = Counts()
    assert Cached(inner, path).encode(TEXTS).tobytes() == WANTED
    assert 1 <= len(inner.asked) <= 4
    again = Counts()
    Cached(again, path).encode(TEXTS)
    assert again.asked == []


def test_a_damaged_cache_is_put_aside_and_begun_anew(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(whole[:100] + bytes(len(whole) - 100))
    assert ask(path) == "same"
    assert path.with_name("cache.sqlite.damaged").exists()
    kept = Counts()
    assert Cached(kept, path).encode(TEXTS).tobytes() == WANTED
    assert kept.asked == []


def test_a_file_that_is_no_cache_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("years of work")
    with pytest.raises(ValueError, match=r"thesis\.txt is no embedding cache"):
        Cached(Counts(), path)
    assert path.read_text() == "years of work"


def test_a_number_that_is_not_finite_is_never_kept(tmp_path: Path) -> None:
    inner = Counts()
    inner.encode = lambda texts: np.full((len(texts), 16), np.inf)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=r"encoder counts: vectors\[0, 0\] = inf \(row of Text n"):
        Cached(inner, tmp_path / "cache.sqlite").encode(TEXTS)
    good = Counts()
    Cached(good, tmp_path / "cache.sqlite").encode(TEXTS)
    assert good.asked == TEXTS


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
    try:
        with pytest.raises(OSError, match=r"cache\.sqlite: the embedding cache fails: ") as told:
            Cached(Counts(), tmp_path / "cache.sqlite").encode(TEXTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(str(told.value).splitlines()) == 1
