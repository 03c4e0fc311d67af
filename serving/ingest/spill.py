"""Providers' files on their way through: each is read once, and lies on the disk in pieces.

Memory holds a piece of a file and never a whole list. A file that was read before the process was
killed is not read again. Open this file for what lies where while an ingest works.
"""

import gc
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Words
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.files import replacing
from serving.errors import shorten
from serving.ingest.reading.mapping import Mapping, find_mapping
from serving.ingest.reading.records import read_records
from serving.ingest.reading.rows import Bad, read_pieces
from serving.ingest.reading.schema import ASIDE, SCHEMA
from serving.sending.write import regroup

ROWS = 100_000  # of records that are written, read again and looked up together
BYTES = 1 << 20  # of a file that are digested together


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

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The records, or some columns of them, piece by piece."""
        yield from _read_groups(self.path, columns)

    def read_aside(self) -> Iterator[pa.Table]:
        """What of the file is no record, piece by piece."""
        yield from _read_groups(_name_aside(self.path))


def _read_groups(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    file = pq.ParquetFile(path, page_checksum_verification=True)
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, columns=columns)


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
    digest = sha256(repr([encoding, *map(repr, own)]).encode())
    for source in sorted(Path(__file__).parent.rglob("*")):
        if source.suffix in (".py", ".yaml"):
            digest.update(source.read_bytes())
    try:
        with file.open("rb") as stream:
            while block := stream.read(BYTES):
                digest.update(block)
    except FileNotFoundError:
        raise ValueError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{file} is a folder; must be a file") from None
    return digest.hexdigest()[:32]


@contextmanager
def _without_collector() -> Iterator[None]:
    """No search for circles of objects: rows are none, and a fifth of the time went into it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collector()
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
        writer = stack.enter_context(open_writer(part, SCHEMA, dictionary=False))
        aside = stack.enter_context(open_writer(rest, ASIDE))

        def read() -> Iterator[pa.Table]:
            for piece in chain([first], pieces):
                if mapping is None:
                    break  # an empty file
                records = read_records(mapping, piece)
                aside.write_table(records.aside)
                count["rows"] += len(records.table) + len(records.aside)
                count["milliseconds"] += records.milliseconds
                yield records.table

        for table in regroup(read(), ROWS):
            writer.write_table(table)
        facts = {"provider": mapping.provider if mapping else "none"}
        writer.add_key_value_metadata(facts | {name: str(value) for name, value in count.items()})


def open_writer(path: Path, schema: pa.Schema, dictionary: bool = True) -> pq.ParquetWriter:
    """Begin a parquet file that is written piece by piece, with a checksum for each page.

    dictionary: whether texts that are alike are stored once, which takes longer where few are
    """
    return pq.ParquetWriter(
        path, schema, compression="zstd", write_page_checksum=True, use_dictionary=dictionary
    )
