"""What a send keeps of its members and its pool, so that what comes back can be understood later.

slates.parquet says who was sent what under which ids. With members.parquet (their attributes at
that time) and pool.parquet (the articles with their links) it is the book of mails that
`serving.ingest` opens; the rules are in send.json. Open this file to see what is kept of a member.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from bandit.core.columns import Columns
from serving.sending.write import write_slates

MEMBERS, POOL = "members.parquet", "pool.parquet"


def write_book(at: Mapping[str, Path], members: Iterable[pa.Table], articles: Columns) -> int:
    """Write the members who are mailed, in the order of the slates, and the pool.

    at: where each of the two files is written
    members: those who are mailed, in order, in pieces
    articles: the pool, with what the lottery decided

    Returns how many members are mailed. Raises ValueError where nobody is.
    """
    count = write_slates(at[MEMBERS], members)
    write_slates(at[POOL], [to_table(articles)])
    return count


def to_table(columns: Columns) -> pa.Table:
    """The columns as arrow has them; a missing number is null."""
    return pa.table({name: pa.array(own, from_pandas=True) for name, own in columns.items()})
