"""Tables of columns: what arrow's become."""

import pyarrow as pa
import pytest

from bandit.core.columns import Columns


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_text_that_many_rows_have_is_kept_once(kind: pa.DataType) -> None:
    """A million members have five types: a text for each of them would take half the memory."""
    pieces = [pa.array(["student", None], kind), pa.array(["", "student", "Zürich"], kind)]
    read = Columns.from_arrow(pa.table({"type": pa.chunked_array(pieces)}))["type"]
    assert read.tolist() == ["student", None, "", "student", "Zürich"]
    assert read[0] is read[3]


def test_arrow_columns_of_no_rows_and_of_none_but_missing_ones() -> None:
    assert Columns.from_arrow(pa.table({"a": pa.array([], pa.string())}))["a"].tolist() == []
    missing = pa.array([None, None], pa.string())
    assert Columns.from_arrow(pa.table({"a": missing}))["a"].tolist() == [None, None]
    coded = pa.array(["a", "b", "a"]).dictionary_encode()
    assert Columns.from_arrow(pa.table({"a": coded}))["a"].tolist() == ["a", "b", "a"]
