"""Rows that cannot be used: each once with its count, however many there are and memory holds.

And what memory holds of rows that can be used, however many there are.
"""

import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.ingest.aside import KEPT, Aside
from serving.ingest.reading.schema import ASIDE
from tests.serving.ingest.test_ingest import ingest, write
from tests.support.ingest_cases import Happened, Post, write_rows

ROWS = st.lists(st.tuples(st.sampled_from(["late", "torn"]), st.text("abc", max_size=2)))


def collect(held: int, pieces: list[list[tuple[str, str]]]) -> pa.Table:
    """What is kept where memory holds `held` rows."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.ingest.aside.HELD", held)
        aside = Aside(Path(folder))
        for piece in pieces:
            columns = [[row[place] for row in piece] for place in (0, 1)]
            aside.add(pa.table(columns, ASIDE))
        assert aside.total == sum(map(len, pieces))
        return pa.concat_tables(aside.sort())


@settings(max_examples=40)
@given(st.lists(ROWS, max_size=6), st.integers(1, 5))
def test_what_lies_on_the_disk_is_what_memory_would_hold(
    pieces: list[list[tuple[str, str]]], held: int
) -> None:
    rows = [row for piece in pieces for row in piece]
    whole = collect(100_000, pieces)
    assert whole.equals(collect(held, pieces))
    assert whole.equals(collect(held, [rows[::-1]]))
    assert whole.schema == KEPT
    found = {(each["why"], each["row"]): each["count"] for each in whole.to_pylist()}
    assert found == {row: rows.count(row) for row in rows}
    assert len(whole) == len(found)


def measure_peak(work: Callable[[], object]) -> int:
    """The most bytes that some work holds at once, Python's and arrow's added up."""
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] + (pool.max_memory() or 0)
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_events(
    sent: Path, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times as many different events of the same mails, where some hundred may be held.

    What is left to grow is a list of the pieces that lie on the disk, here of 300 rows.
    """
    for name in ("spill.ROWS", "aside.HELD", "buckets.HELD", "buckets.RECORDS", "work.MOST"):
        monkeypatch.setattr(f"serving.ingest.{name}", 300)
    for name in ("spill.BYTES", "reading.rows.PIECE", "reading.rows.CHUNK"):
        monkeypatch.setattr(f"serving.ingest.{name}", 100)
    peaks = []
    for times in (1, 1, 4):  # what is made once and for all is made by the first
        days = [Happened(row, "delivered", 0) for row in range(len(post))]
        for row, each in product(range(len(post)), range(12 * times)):
            what = ("open", 0) if each % 2 else ("click", 1 + row % 3)
            days.append(Happened(row, what[0], 900 + 61 * each, what[1]))
        file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
        peaks.append(measure_peak(partial(ingest, sent, tmp_path / f"log-{len(peaks)}", file)))
    assert peaks[2] < 1.25 * peaks[1]
