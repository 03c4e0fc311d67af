"""Rows that cannot be used, kept with the reason and how often each came.

A provider's file of a whole month may hold many more of them than memory does. So they lie on the
disk, where those that say the same are in the same of some parts. Open this file for what is kept
of a row that is of no use, and how rows that say the same become one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.ingest.ids import hash_texts
from serving.ingest.personal import cut_addresses
from serving.ingest.reading.schema import ASIDE, SCHEMA

HELD = 100_000  # rows in memory, before those that say the same become one
BITS = 7  # of a row's hash that name its part
KEPT = pa.schema([*ASIDE, ("count", pa.int64())])


class Aside:
    """Rows that cannot be used, each with why, and how often it came.

    work: folder for what memory should not hold
    counts: how many rows of each reason
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._files: list[Path] = []
        self._tables = [KEPT.empty_table()]
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
        if self._held > HELD:
            self._tables, self._held = [merge(self._tables)], 0
            if len(self._tables[0]) > HELD:
                self._lay_down()

    def add_records(self, table: pa.Table, why: pa.Array) -> None:
        """Add records; what they say becomes text."""
        if len(table):
            self.add(pa.table({"why": why, "row": _describe(table)}))

    def _lay_down(self) -> None:
        """Move what memory holds to a file on the disk, part by part."""
        file = self._work / f"aside-{len(self._files)}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, KEPT, options=options) as to:
            for part in self._divide():
                columns = [column.combine_chunks() for column in part.columns]
                to.write_batch(pa.record_batch(columns, KEPT))
        self._files.append(file)
        self._tables = [KEPT.empty_table()]

    def _divide(self) -> Iterator[pa.Table]:
        """What memory holds, in parts by a hash of the row."""
        table = merge(self._tables).select(KEPT.names).cast(KEPT)
        hashed = hash_texts(table["row"].combine_chunks())
        part = (hashed >> np.uint64(64 - BITS)).astype(np.int64)
        order = np.argsort(part, kind="stable")
        edges = np.searchsorted(part[order], np.arange(2**BITS + 1))
        for low, high in pairwise(edges):
            yield table.take(pa.array(order[low:high]))

    def sort(self) -> Iterator[pa.Table]:
        """Each different row once, in parts; in each by reason and text."""
        for number, own in enumerate(self._divide()):
            tables = [own]
            for file in self._files:
                with pa.OSFile(str(file)) as source:
                    batch = pa.ipc.open_file(source).get_batch(number)
                    tables.append(pa.Table.from_batches([batch]))
            table = merge(tables).select(KEPT.names)
            yield table.sort_by([("why", "ascending"), ("row", "ascending")])


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
