"""Writing slates to parquet such that the bytes follow from the slates alone.

Open this file for how slates.parquet comes about.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 1 << 20
CHUNK = 2_000  # members chosen for at a time; with a pool of 200 their scores fit the cache
_READ = 20_000  # members read back at a time


def write_slates(path: Path, tables: Iterable[pa.Table]) -> int:
    """Write the tables, and return how many rows they have.

    Raises ValueError where there is none: a send goes to somebody.
    """
    writer, rows = None, 0
    try:
        for table in regroup(tables, ROW_GROUP):
            if writer is None:
                writer = pq.ParquetWriter(
                    path, table.schema, compression="zstd", write_page_checksum=True
                )
            writer.write_table(table, row_group_size=ROW_GROUP)
            rows += len(table)
            del table  # before the next ones are gathered
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise ValueError("nobody is left to mail: every member is on a list of --suppress")
    return rows


def read_back(path: Path, slots: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """What was written, some thousand members at a time, each with all slots.

    columns: those that are read (default: all)
    """
    file = pq.ParquetFile(path, page_checksum_verification=True)
    batches = file.iter_batches(slots * _READ, columns=columns)
    return regroup((pa.Table.from_batches([batch]) for batch in batches), slots * _READ)


def regroup(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows, `rows` at a time: the bytes of a file must not depend on the chunks.

    What has been copied is let go before the copy is used: rows are many.
    """
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        while sum(map(len, held)) >= rows:
            together = pa.concat_tables(held)
            held = [together.slice(rows)]
            group = together.slice(0, rows).combine_chunks()
            del together
            yield group
            del group
    if sum(map(len, held)):
        yield pa.concat_tables(held).combine_chunks()
