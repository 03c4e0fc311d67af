"""Providers' files on their way through: each is read once, and lies on the disk in pieces.

Memory holds a piece of a file, or the records of some mails, and never a whole list. A file that
was read before the process was killed is not read again. Open this file for what lies where while
an ingest works.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Words
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bandit.core.files import replacing
from bandit.core.types import Floats
from serving.errors import shorten
from serving.ingest.matching import Matcher
from serving.ingest.personal import cut_addresses
from serving.ingest.reading.mapping import Mapping, find_mapping
from serving.ingest.reading.records import ASIDE, SCHEMA, read_records
from serving.ingest.reading.rows import Bad, read_pieces

MAILS = 40_000  # that are looked at together: how many events there are must not matter
HELD = 100_000  # rows in memory, before those that say the same become one


@dataclass(frozen=True)
class Spill:
    """A provider's file that has been read.

    file: what it was read from
    path: of its records
    facts: whose it is (provider), how many rows it has (rows), and how many times in them were in
        milliseconds (milliseconds)
    """

    file: Path
    path: Path
    facts: Words[str, str]

    def read(self) -> Iterator[pa.Table]:
        """The records, piece by piece."""
        yield from _read_groups(self.path)

    def read_aside(self) -> Iterator[pa.Table]:
        """What of the file is no record, piece by piece."""
        yield from _read_groups(_name_aside(self.path))


def _read_groups(path: Path) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path, page_checksum_verification=True)
    for group in range(file.num_row_groups):
        yield file.read_row_group(group)


def spill_file(file: Path, own: Sequence[Mapping], work: Path, encoding: str) -> Spill:
    """Read a provider's file, or find what was read of it before.

    own: mappings that are not known here
    work: folder where it is kept
    encoding: of a file that is not UTF-8

    Raises ValueError where the file is no provider's.
    """
    path = work / f"{_digest(file, own, encoding)}.parquet"
    if not path.exists():
        try:
            _write(file, own, path, encoding)
        except (EOFError, OSError, zlib.error) as error:
            if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
                raise
            raise ValueError(f"{file} is packed, and damaged: {error}") from None
        except ValueError as error:
            where = "" if str(file) in str(error) else f"{file}: "
            raise ValueError(f"{where}{error}") from None
    told = pq.read_metadata(path).metadata or {}
    return Spill(file, path, {key.decode(): value.decode() for key, value in told.items()})


def _name_aside(path: Path) -> Path:
    return path.with_name(f"{path.stem}-aside.parquet")


def _digest(file: Path, own: Sequence[Mapping], encoding: str) -> str:
    """Names what is read of a file: its bytes, and by what it is read."""
    digest = sha256(repr([encoding, *(each.model_dump_json() for each in own)]).encode())
    for source in sorted(Path(__file__).parent.rglob("*")):
        if source.suffix in (".py", ".yaml"):
            digest.update(source.read_bytes())
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        raise ValueError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{file} is a folder; must be a file") from None
    return digest.hexdigest()[:32]


def _write(file: Path, own: Sequence[Mapping], path: Path, encoding: str) -> None:
    pieces = read_pieces(file, encoding)
    first = next(pieces, [])
    mapping = find_mapping((row for row in first if not isinstance(row, Bad)), own)
    if first and isinstance(first[0], Bad) and all(isinstance(row, Bad) for row in first):
        text, why = first[0]
        raise ValueError(f"it holds no row that can be read: {shorten(text)} is {why}")
    if mapping is None and first:
        raise ValueError(
            "it is no provider's that is known here; say what it calls things by --mapping"
        )
    count = Counter(rows=0, milliseconds=0)
    with replacing(path) as part, replacing(_name_aside(path)) as rest, ExitStack() as stack:
        writer = stack.enter_context(open_writer(part, SCHEMA))
        aside = stack.enter_context(open_writer(rest, ASIDE))
        for piece in chain([first], pieces):
            if mapping is None:
                break  # an empty file
            records = read_records(mapping, piece)
            writer.write_table(records.table)
            aside.write_table(records.aside)
            count["rows"] += len(records.table) + len(records.aside)
            count["milliseconds"] += records.milliseconds
        facts = {"provider": mapping.provider if mapping else "none"}
        writer.add_key_value_metadata(facts | {name: str(value) for name, value in count.items()})


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Begin a parquet file that is written piece by piece, with a checksum for each page."""
    return pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)


@dataclass
class Buckets:
    """The records of the book's mails, in buckets of neighbouring mails, and those of none.

    sent: [n], when each mail went out first, in seconds since 1970; NaN where nothing says so
    files: of each bucket of mails
    rows: of the book, in each bucket
    """

    sent: Floats
    files: list[Path] = field(default_factory=list)
    rows: list[slice] = field(default_factory=list)

    def read(self) -> Iterator[tuple[slice, pa.Table]]:
        """The rows of the book in each bucket, and the records of their mails.

        Of records that say the same there is one, with their `count`.
        """
        for rows, file in zip(self.rows, self.files, strict=True):
            with pa.OSFile(str(file)) as source:  # mapped, all of it would count as memory
                reader = pa.ipc.open_stream(source)
                held, count = [_count_once(reader.schema.empty_table())], 0
                for batch in reader:
                    held.append(_count_once(pa.Table.from_batches([batch])))
                    count += len(batch)
                    if count > HELD:
                        held, count = [_merge(held)], 0
                yield rows, _merge(held)


def _count_once(table: pa.Table) -> pa.Table:
    """The table with a column `count`: each row came once."""
    return table.append_column("count", pa.array(np.ones(len(table), dtype=np.int64)))


def _merge(tables: Sequence[pa.Table]) -> pa.Table:
    """The different rows of some tables, each with its `count`."""
    table = pa.concat_tables(tables)
    names = [name for name in table.column_names if name != "count"]
    merged = table.group_by(names).aggregate([("count", "sum")])
    return merged.rename_columns([*names, "count"])


def sort_records(spills: Sequence[Spill], matcher: Matcher, work: Path, aside: "Aside") -> Buckets:
    """Find the mail of each record, and lay it into its bucket.

    Raises ValueError where records of several mailings could be meant.
    """
    for spill in spills:
        for table in spill.read():
            matcher.learn(table)
    matcher.settle()
    n = len(matcher.book)
    count = max(-(-n // MAILS), 1)
    edges = np.linspace(0, n, count + 1).astype(np.int64)
    buckets = Buckets(np.full(n, np.inf))
    with ExitStack() as stack:
        writers: list[pa.ipc.RecordBatchStreamWriter] = []
        for number in range(count):
            buckets.files.append(work / f"bucket-{number}.arrow")
            buckets.rows.append(slice(int(edges[number]), int(edges[number + 1])))
        for spill in spills:
            for table in spill.read_aside():
                aside.add(table)
            for table in spill.read():
                found = matcher.find(table)
                table, found = matcher.find_links(table, found)
                table = table.set_column(
                    table.schema.get_field_index("slot"), "slot", pa.array(found.slot)
                ).append_column("at", pa.array(found.at))
                lost = pa.array(found.at < 0)
                aside.add_records(table.filter(lost), found.why.filter(lost))
                table, at = table.filter(pc.invert(lost)), found.at[found.at >= 0]
                _note_sent(buckets.sent, table, at)
                if not writers:
                    for file in buckets.files:
                        sink = stack.enter_context(pa.OSFile(str(file), "wb"))
                        writers.append(stack.enter_context(pa.ipc.new_stream(sink, table.schema)))
                which = np.searchsorted(edges, at, side="right") - 1
                for number in np.unique(which):
                    writers[number].write_table(table.filter(pa.array(which == number)))
        if not writers:
            return Buckets(np.full(n, np.nan))
    buckets.sent[np.isinf(buckets.sent)] = np.nan
    return buckets


def _note_sent(sent: Floats, table: pa.Table, at: np.ndarray) -> None:
    """Note the earliest time at which records say that their mails went out."""
    delivered = pc.equal(table["kind"], "delivered")
    went = pc.if_else(delivered, table["time"], table["sent"])
    seconds = pc.fill_null(went, np.nan).to_numpy()
    good = ~np.isnan(seconds)
    np.minimum.at(sent, at[good], seconds[good])


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
        self._tables.append(_count_once(table))
        self._held += len(table)
        if self._held > HELD and len(self._tables) > 1:
            self._tables, self._held = [_merge(self._tables)], 0

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
        return _merge(self._tables).sort_by([("why", "ascending"), ("row", "ascending")])


def _describe(table: pa.Table) -> pa.Array:
    """What records say, one text each: name: value, for what is there."""
    parts = []
    for name in SCHEMA.names:
        words = table[name].cast(pa.string())
        parts.append(pc.binary_join_element_wise(f"{name}: ", words, ""))
    options = pc.JoinOptions(null_handling="skip")
    return pc.binary_join_element_wise(*parts, "; ", options=options).combine_chunks()
