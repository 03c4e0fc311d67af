"""The records of all files, sorted into buckets of neighbouring mails that lie on the disk.

Memory holds the records of some mails, and never a whole list, however much was recorded of each.
Open this file to see how many mails are looked at together.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.types import Floats, Ints
from serving.ingest.aside import HELD, Aside, count_once, merge
from serving.ingest.matching import NAMES, Matcher
from serving.ingest.once import Once

if TYPE_CHECKING:
    from serving.ingest.spill import Spill

MAILS = 40_000  # that are looked at together, unless more than RECORDS are of them
RECORDS = 150_000  # different ones that are looked at together, unless one mail has more
LEAST = 1_000  # mails in a bucket, unless more than RECORDS are of them
FILES = 512  # that may be open, if mails are not too many
PARTS = 8  # into which a bucket that has more is divided


@dataclass
class Buckets:
    """The records of the book's mails, in buckets of neighbouring mails, and those of none.

    sent: [n], when each mail went out first, in seconds since 1970; NaN where nothing says so
    once: the ids of all records' events
    files: of each bucket of mails
    rows: of the book, in each bucket
    ends: whether mails behind this bucket are looked at apart from it, however few records there
        are
    together: how many groups of buckets were looked at, as far as they have been read
    """

    sent: Floats
    once: Once
    files: list[Path] = field(default_factory=list)
    rows: list[slice] = field(default_factory=list)
    ends: list[bool] = field(default_factory=list)
    together: int = 0

    def read(self) -> Iterator[tuple[slice, pa.Table]]:
        """Rows of the book that are looked at together, and the records of their mails.

        Of records that say the same there is one, with their `count`; and those are `taken` whose
        event's id a mail before these has.
        """
        held: list[pa.Table] = []
        start = 0
        for whole, file, ends in zip(self.rows, self.files, self.ends, strict=True):
            for rows, table in _read_parts(whole, file):
                if held and sum(map(len, held)) + len(table) > RECORDS:
                    yield slice(start, rows.start), self._join(held)
                    held, start = [], rows.start
                held.append(table)
                del table
                if ends and rows.stop == whole.stop:
                    yield slice(start, rows.stop), self._join(held)
                    held, start = [], rows.stop

    def _join(self, held: list[pa.Table]) -> pa.Table:
        self.together += 1
        table = pa.concat_tables(held)
        held.clear()
        return table.append_column("taken", pa.array(self.once.find_taken(table)))


def _read_parts(rows: slice, file: Path) -> Iterator[tuple[slice, pa.Table]]:
    """The rows of the book in a bucket, and the records; part by part where they are too many.

    What is divided depends on how many of them differ, and not on how often they came.
    """
    alone = rows.stop - rows.start == 1
    table = _read_once(file, None if alone else RECORDS)
    if table is not None:
        yield rows, table
        return
    parts = min(PARTS, rows.stop - rows.start)
    edges = np.linspace(rows.start, rows.stop, parts + 1).astype(np.int64)
    files = [file.with_name(f"{file.stem}-{part}.arrow") for part in range(parts)]
    with pa.OSFile(str(file)) as source, ExitStack() as stack:
        reader = pa.ipc.open_stream(source)
        lay = _Laying(stack, files, reader.schema, edges)
        for batch in reader:
            lay.add(pa.Table.from_batches([batch]), batch["at"].to_numpy())
    file.unlink()
    for (low, high), part in zip(pairwise(edges.tolist()), files, strict=True):
        yield from _read_parts(slice(low, high), part)


def _read_once(file: Path, most: int | None) -> pa.Table | None:
    """The records of a bucket; of those that say the same one, with their `count`.

    most: different ones; None where there are more. Default: no limit
    """
    with pa.OSFile(str(file)) as source:  # mapped, all of it would count as memory
        reader = pa.ipc.open_stream(source)
        held, count = [count_once(reader.schema.empty_table())], 0
        for batch in reader:
            held.append(count_once(pa.Table.from_batches([batch])))
            count += len(batch)
            if count > HELD:
                held, count = [merge(held, "event")], 0
                if most is not None and len(held[0]) > most:
                    return None
        table = merge(held, "event")
        return None if most is not None and len(table) > most else table


class _Laying:
    """Lays records into the files of their mails.

    edges: where in the book the mails of each file begin, and the last one's end
    """

    def __init__(
        self, stack: ExitStack, files: Sequence[Path], schema: pa.Schema, edges: Ints
    ) -> None:
        self._edges = edges
        self._writers = [
            stack.enter_context(
                pa.ipc.new_stream(stack.enter_context(pa.OSFile(str(file), "wb")), schema)
            )
            for file in files
        ]

    def add(self, table: pa.Table, at: Ints) -> None:
        """Lay down some records, with the mail [rows] of each."""
        which = np.searchsorted(self._edges, at, side="right") - 1
        table = table.take(pa.array(np.argsort(which, kind="stable")))
        place = np.searchsorted(np.sort(which), np.arange(len(self._writers) + 1))
        for number in np.unique(which):
            low, high = place[number : number + 2]
            self._writers[number].write_table(table.slice(low, high - low))


def _divide(n: int) -> tuple[Ints, set[int]]:
    """Where buckets of n mails begin, and the last one ends; and where MAILS of them end."""
    count = max(-(-n // MAILS), 1)
    ends = np.linspace(0, n, count + 1).astype(np.int64)
    most = max(FILES // count, 1)
    edges = [ends[:1]]
    for low, high in pairwise(ends.tolist()):
        parts = min(max(-(-(high - low) // LEAST), 1), most)
        edges.append(np.linspace(low, high, parts + 1).astype(np.int64)[1:])
    return np.concatenate(edges), set(ends.tolist())


def sort_records(spills: Sequence["Spill"], matcher: Matcher, work: Path, aside: Aside) -> Buckets:
    """Find the mail of each record, and lay it into its bucket.

    Raises ValueError where records of several mailings could be meant.
    """
    for spill in spills:
        for table in spill.read(NAMES):
            matcher.learn(table)
    matcher.settle()
    n = len(matcher.book)
    edges, ends = _divide(n)
    buckets = Buckets(np.full(n, np.inf), Once(work, n))
    lay: _Laying | None = None
    with ExitStack() as stack:
        for spill in spills:
            for table in spill.read_aside():
                aside.add(table)
            for table in spill.read():
                table, at = _find(table, matcher, aside)
                _note_sent(buckets.sent, table, at)
                if lay is None:
                    for low, high in pairwise(edges.tolist()):
                        buckets.files.append(work / f"bucket-{len(buckets.files)}.arrow")
                        buckets.rows.append(slice(low, high))
                        buckets.ends.append(high in ends)
                    lay = _Laying(stack, buckets.files, table.schema, edges)
                buckets.once.note(table, at)
                lay.add(table, at)
    pa.default_memory_pool().release_unused()
    buckets.once.settle()
    buckets.sent[np.isinf(buckets.sent)] = np.nan
    return buckets


def _find(table: pa.Table, matcher: Matcher, aside: Aside) -> tuple[pa.Table, Ints]:
    """The records that can be used, with their mail and slot, and the mails [rows] of them."""
    found = matcher.find(table)
    table, found = matcher.find_links(table, found)
    slot = table.schema.get_field_index("slot")
    table = table.set_column(slot, "slot", pa.array(found.slot))
    table = table.append_column("at", pa.array(found.at))
    lost = pa.array(found.at < 0)
    aside.add_records(table.filter(lost), found.why.filter(lost))
    return table.filter(pc.invert(lost)), found.at[found.at >= 0]


def _note_sent(sent: Floats, table: pa.Table, at: Ints) -> None:
    """Note the earliest time at which records say that their mails went out."""
    delivered = pc.equal(table["kind"], "delivered")
    went = pc.if_else(delivered, table["time"], table["sent"])
    seconds = pc.fill_null(went, np.nan).to_numpy()
    good = ~np.isnan(seconds)
    np.minimum.at(sent, at[good], seconds[good])
