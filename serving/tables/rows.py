"""Rows that were read of a file and checked, kept on the disk: a list may be longer than memory.

They lie in one file of arrow's, whose pieces are read back one after another. Open this file to see
how a list of members is gone through again and again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.check import shorten
from bandit.core.columns import Columns
from bandit.core.files import passing
from serving.tables.kinds import is_text

if TYPE_CHECKING:
    from serving.tables.table import Table


@contextmanager
def keep_lists(folder: str | Path) -> Iterator[tuple[Path, Path]]:
    """Two files in a folder, for a `with` block: one for members, one for what they have seen.

    They vanish with the block; those of a process that was killed are removed by the next one.
    """
    with passing(Path(folder) / "members") as members, passing(Path(folder) / "seen") as seen:
        yield members, seen


class Rows:
    """The checked rows of a file, in pieces of some thousands.

    at: the file that they are kept in, which is written now
    pieces: the rows, all of the same columns

    path, digest, names: as of a `Table`
    schema: the columns' types. Texts have one, whatever they had in the file, and whole numbers are
        floats where any of them is missing, so that a piece has the types of the whole list. NaN
        is missing too

    Raises ValueError as the pieces do, and OSError where the disk is full.
    """

    def __init__(self, at: Path, pieces: "Iterable[Table]") -> None:
        self._at, self._count = at, 0
        pieces = iter(pieces)
        begin = next(pieces)
        self.path, self.digest, self.names = begin.path, begin.digest, begin.names
        fields = {field.name: _unify(field) for field in begin.columns.schema}
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        schema = pa.schema(list(fields.values()))
        with pa.OSFile(str(at), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as to:
            piece: Table | None = begin
            while piece:
                table = _fill(piece.columns.cast(schema)).combine_chunks()
                to.write_table(table)
                self._count += len(table)
                for name, field in fields.items():
                    if pa.types.is_integer(field.type) and table[name].null_count:
                        fields[name] = pa.field(name, pa.float64())
                piece = next(pieces, None)
        self.schema = pa.schema(list(fields.values()))

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count

    def __iter__(self) -> Iterator[pa.Table]:
        """All columns, piece by piece."""
        return self.read(*self.schema.names)

    def read(self, *names: str, only: int | None = None) -> Iterator[pa.Table]:
        """Some of the columns, piece by piece; the others are not read.

        only: the number of the one piece that is read
        """
        schema = pa.schema([self.schema.field(name) for name in names])
        places = sorted(map(self.schema.get_field_index, names))
        options = pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)
        with pa.OSFile(str(self._at)) as file, pa.ipc.open_file(file, options=options) as kept:
            for number in range(kept.num_record_batches) if only is None else (only,):
                table = pa.Table.from_batches([kept.get_batch(number)])
                yield table.select(list(names)).cast(schema, safe=False)

    def read_columns(self, *names: str) -> Iterator[Columns]:
        """The same as the tables that policies read; of all columns, where none is named."""
        return map(Columns.from_arrow, self.read(*(names or self.schema.names)))

    def find(self, name: str, value: object) -> Columns:
        """The first row that has this value in a column. Raises ValueError where none has."""
        for number, piece in enumerate(self.read(name)):
            row = pc.index(piece[name], pa.scalar(value, piece[name].type)).as_py()
            if row >= 0:
                (found,) = self.read(*self.schema.names, only=number)
                return Columns.from_arrow(found.slice(row, 1))
        raise ValueError(f"{self.path}: no row has {name} {shorten(value)}")

    def gather(self) -> Columns:
        """All rows at once, where one person's newsletter is looked at."""
        return Columns.from_arrow(pa.concat_tables([self.schema.empty_table(), *self]))


def _unify(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.string()) if is_text(field.type) else field


def _fill(table: pa.Table) -> pa.Table:
    """The table with null for NaN."""
    for place, column in enumerate(table.columns):
        if pa.types.is_floating(column.type):
            number = pc.if_else(pc.is_nan(column), None, column)
            table = table.set_column(place, table.field(place), number)
    return table
