"""Rows that cannot be used: each once with its count, however many there are and memory holds."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.ingest.aside import KEPT, Aside
from serving.ingest.reading.schema import ASIDE

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
