"""Rows that cannot be used, kept with the reason and how often each came.

Open this file for what is kept of a row that is of no use, and how rows that say the same become
one.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.ingest.personal import cut_addresses
from serving.ingest.reading.schema import ASIDE, SCHEMA

HELD = 100_000  # rows in memory, before those that say the same become one


class Aside:
    """Rows that cannot be used, each with why, and how often it came.

    counts: how many rows of each reason
    """

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._held = 0
        self.counts = Counter[str]()

    @property
    def total(self) -> int:
        """How many rows there are."""
        return sum(self.counts.values())

    def list_commonest(self) -> Sequence[tuple[str, int]]:
        """The five commonest reasons, and how many rows have each."""
        return sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5]

    def add(self, table: pa.Table) -> None:
        """Add rows, with the columns `why` and `row`; whose they are is cut off."""
        if not len(table):
            return
        table = table.set_column(1, "row", cut_addresses(table["row"]))
        self.counts.update(table["why"].to_pylist())
        self._tables.append(count_once(table))
        self._held += len(table)
        if self._held > HELD and len(self._tables) > 1:
            self._tables, self._held = [merge(self._tables)], 0

    def add_records(self, table: pa.Table, why: pa.Array) -> None:
        """Add records; what they say becomes text."""
        if len(table):
            self.add(pa.table({"why": why, "row": _describe(table)}))

    def sort(self) -> pa.Table:
        """Each different row once, by reason and text."""
        if not self._tables:
            return pa.table({"why": [], "row": [], "count": []}).cast(
                pa.schema([*ASIDE, ("count", pa.int64())])
            )
        return merge(self._tables).sort_by([("why", "ascending"), ("row", "ascending")])


def _describe(table: pa.Table) -> pa.Array:
    """What records say, one text each: name: value, for what is there."""
    parts = []
    for name in SCHEMA.names:
        words = table[name].cast(pa.string())
        parts.append(pc.binary_join_element_wise(f"{name}: ", words, ""))
    options = pc.JoinOptions(null_handling="skip")
    return pc.binary_join_element_wise(*parts, "; ", options=options).combine_chunks()


def count_once(table: pa.Table) -> pa.Table:
    """The table with a column `count`: each row came once."""
    return table.append_column("count", pa.array(np.ones(len(table), dtype=np.int64)))


def merge(tables: Sequence[pa.Table], key: str = "") -> pa.Table:
    """The different rows of some tables, each with its `count`, in any order.

    key: a column of texts; only rows that have the same one may be the same (default: any may)
    """
    table = pa.concat_tables(tables)
    single = table.slice(0, 0)
    if key:
        times = pc.value_counts(table[key])
        often = times.field("values").filter(pc.greater(times.field("counts"), 1))
        again = pc.is_in(table[key], often)
        single, table = table.filter(pc.invert(again)), table.filter(again)
    if not len(table):
        return single
    names = [name for name in table.column_names if name != "count"]
    merged = table.group_by(names).aggregate([("count", "sum")])
    return pa.concat_tables([single, merged.rename_columns([*names, "count"])])
