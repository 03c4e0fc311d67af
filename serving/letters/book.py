"""What a send keeps of its members and its pool, so that what comes back can be understood later.

slates.parquet says who was sent what under which ids. With members.parquet (their attributes at
that time) and pool.parquet (the articles with their links) it is the book of mails that
`serving.ingest` opens; the rules are in send.json. Open this file to see what is kept of a member.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bandit.core.columns import Columns
from serving.sending.write import ROW_GROUP, write_slates

MEMBERS, POOL = "members.parquet", "pool.parquet"


def write_book(at: Mapping[str, Path], slates: Path, members: Columns, articles: Columns) -> None:
    """Write the members who are mailed, in the order of the slates, and the pool.

    at: where each of the two files is written
    slates: the file of the slates
    members: all whom slates were chosen for, in order; those who are on none are left out
    articles: the pool, with what the lottery decided
    """
    mailed = pa.chunked_array(_read_members(slates))
    table = to_table(members)
    kept = table.filter(pc.is_in(table["member"], value_set=mailed.cast(table["member"].type)))
    pieces = (kept.slice(row, ROW_GROUP) for row in range(0, max(len(kept), 1), ROW_GROUP))
    write_slates(at[MEMBERS], pieces)
    write_slates(at[POOL], [to_table(articles)])


def _read_members(slates: Path) -> list[pa.Array]:
    """The members of the slates, piece by piece."""
    file = pq.ParquetFile(slates, page_checksum_verification=True)
    return [batch.column(0).unique() for batch in file.iter_batches(columns=["member"])]


def to_table(columns: Columns) -> pa.Table:
    """The columns as arrow has them; a missing number is null."""
    return pa.table({name: pa.array(own, from_pandas=True) for name, own in columns.items()})
