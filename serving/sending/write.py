"""Writing slates to parquet such that the bytes follow from the slates alone.

Open this file for how slates.parquet comes about, and for what is counted on the way.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.types import ROLES
from bandit.slates.editorial import MAXIMUM, MINIMUM, REPEAT, STORY

ROW_GROUP = 1 << 20
RELAXED = {"minimum": MINIMUM, "maximum": MAXIMUM, "repeat": REPEAT, "story": STORY}


def write_slates(
    path: Path, tables: Iterable[pa.Table], advance: Callable[[int], None]
) -> tuple[dict[str, int], dict[str, int]]:
    """Write the tables.

    Returns how many slots have each role, and in how many slots each soft rule was given up.
    """
    role: Counter[int] = Counter()
    relaxed: Counter[int] = Counter()
    writer = None
    try:
        for table in _regroup(tables, ROW_GROUP, advance):
            if writer is None:
                writer = pq.ParquetWriter(
                    path, table.schema, compression="zstd", write_page_checksum=True
                )
            writer.write_table(table, row_group_size=ROW_GROUP)
            role.update(_count(table["role"]))
            relaxed.update(_count(table["relaxed"]))
    finally:
        if writer is not None:
            writer.close()
    given_up = {name: relaxed[rule] for name, rule in RELAXED.items()}
    return {name: role[number] for number, name in enumerate(ROLES)}, given_up


def _count(column: pa.ChunkedArray) -> dict[int, int]:
    """How often each whole number is in a column."""
    return {row["values"]: row["counts"] for row in column.value_counts().to_pylist()}


def _regroup(
    tables: Iterable[pa.Table], rows: int, advance: Callable[[int], None]
) -> Iterator[pa.Table]:
    """The same rows, `rows` at a time: the bytes of a file must not depend on the chunks."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        advance(len(table))
        while sum(map(len, held)) >= rows:
            together = pa.concat_tables(held)
            yield together.slice(0, rows).combine_chunks()
            held = [together.slice(rows)]
    rest = pa.concat_tables(held)
    if len(rest):
        yield rest.combine_chunks()
