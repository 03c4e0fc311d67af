"""A small table: columns by name, each an array with one entry a row; and the types of arrays.

Members and articles travel in it, so that whoever sends a newsletter needs no table library. It is
never changed: `take` and `assign` give new ones. A missing text is None, a missing number NaN. Open
this file when a table of another kind (pandas, arrow) has to become one that a policy may read.
"""

from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Ids = NDArray[Any]  # text, whole numbers, or both
Array = NDArray[Any]  # of any type that a file of arrays can hold
EACH = "*"  # in counts of values: each value of a column that is not named
_NUMBERS = {"float", "double"} | {  # as arrow calls them
    f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
}


class Tabular(Protocol):
    """Whatever has columns by name: `Columns`, a mapping of arrays, a pandas frame."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Names and columns."""


class Columns:
    """A table of n rows.

    table: columns by name, all of one length

    Raises ValueError for columns of different lengths.

    >>> pool = Columns({"article": ["a", "b"], "year": [2024, 2026]})
    >>> len(pool), pool.names, pool["year"].tolist()
    (2, ['article', 'year'], [2024, 2026])
    >>> pool.take([1])["article"].tolist()
    ['b']
    """

    def __init__(self, table: Tabular) -> None:
        self._columns = {str(name): _to_array(column) for name, column in table.items()}
        lengths = {name: len(column) for name, column in self._columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns have different lengths: {lengths}")
        self._length = next(iter(lengths.values()), 0)

    @classmethod
    def read(cls, table: Tabular) -> "Columns":
        """The table itself, or what is made of one of another kind."""
        return table if isinstance(table, Columns) else cls(table)

    @classmethod
    def from_arrow(cls, table: "pa.Table") -> Self:
        """The columns of an arrow table."""
        columns = zip(table.column_names, table.columns, strict=True)
        return cls({name: _read_arrow(column) for name, column in columns})

    @classmethod
    def stack(cls, tables: Sequence[Tabular]) -> Self:
        """The rows of several tables, one below the other; missing where one lacks a column."""
        parts = [Columns.read(table) for table in tables]
        names = dict.fromkeys(name for part in parts for name in part.names)
        return cls({name: np.concatenate([part._fill(name) for part in parts]) for name in names})

    def _fill(self, name: str) -> Array:
        """The column of this name, or one in which all is missing."""
        return self._columns.get(name, _make_objects([None] * len(self)))

    def to_pandas(self) -> "pd.DataFrame":
        """The same as a pandas frame, which is imported for it."""
        import pandas as pd

        return pd.DataFrame(dict(self._columns))

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return list(self._columns)

    def __repr__(self) -> str:
        """How many rows there are, and the columns' names."""
        return f"Columns({self._length} rows: {', '.join(self._columns)})"

    def __len__(self) -> int:
        """How many rows there are."""
        return self._length

    def __iter__(self) -> Iterator[str]:
        """The columns' names, in order."""
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a column."""
        return name in self._columns

    def __getitem__(self, name: str) -> Array:
        """The column of this name [n]. Raises KeyError where there is none."""
        return self._columns[name]

    def items(self) -> ItemsView[str, Array]:
        """Names and columns, in order."""
        return self._columns.items()

    def take(self, rows: Ints | Bools | slice | list[int]) -> "Columns":
        """The table of some of the rows."""
        return Columns({name: column[rows] for name, column in self._columns.items()})

    def sort_by(self, name: str) -> "Columns":
        """The table in the order of a column."""
        return self.take(np.argsort(self._columns[name], kind="stable"))

    def assign(self, **columns: Any) -> "Columns":
        """The same with these columns, in the place of those of the same name or behind all.

        One value stands for a column that has it in all rows.
        """
        return Columns(self._columns | {name: self._spread(own) for name, own in columns.items()})

    def _spread(self, column: Any) -> Any:
        return [column] * len(self) if np.ndim(column) == 0 else column


def to_frame(table: "pa.Table") -> "pd.DataFrame":
    """A table as pandas has it. Raises ValueError where pandas' own notes in it are damaged."""
    try:
        frame: pd.DataFrame = table.to_pandas()
    except Exception as error:  # the notes may say anything
        raise ValueError(f"pandas cannot read it: {type(error).__name__}: {error}") from None
    return frame


def _read_arrow(column: "pa.ChunkedArray") -> Array:
    """An arrow column as an array; a text that many rows have is one object, kept once.

    Where pandas is there, arrow's `to_numpy` imports it, which takes longer than most sends.
    """
    if str(column.type) in ("string", "large_string"):
        coded = column.dictionary_encode("encode").combine_chunks()
        texts = _make_objects(coded.dictionary.to_pylist())
        return np.asarray(texts[np.from_dlpack(coded.indices)])
    if str(column.type) in _NUMBERS and not column.null_count:
        return np.from_dlpack(column.combine_chunks())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _to_array(column: Any) -> Array:
    """A column as an array that cannot be written to: numbers, or objects with None for missing."""
    kind = getattr(getattr(column, "dtype", None), "kind", "")
    if hasattr(column, "to_numpy"):  # a pandas series
        if kind in "biuf":  # its own types of numbers know a missing one, numpy's have NaN for it
            column = column.to_numpy(**({"na_value": np.nan} if column.hasnans else {}))
            column = column if column.dtype.kind in "biuf" else column.astype(np.float64)
        elif kind != "M":
            column = column.astype(object).where(column.notna(), None).to_numpy()
        else:
            column = column.to_numpy()
    elif not isinstance(column, np.ndarray):
        plain = np.asarray(column) if len(column) else np.zeros(0, dtype=object)
        column = plain if plain.dtype.kind in "biufM" else _make_objects(column)
    if column.dtype.kind in "UT":
        column = column.astype(object)
    array: Array = column.view()
    array.flags.writeable = False
    return array


def _make_objects(values: Iterable[object]) -> NDArray[np.object_]:
    values = list(values)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def is_number(column: Array) -> bool:
    """Whether a column holds numbers (or true and false)."""
    return column.dtype.kind in "biuf"


def fill_numbers(column: Array) -> Array:
    """A column in which some numbers are None, with NaN for them; any other column as it is.

    >>> fill_numbers(Columns({"year": [2024, None]})["year"]).tolist()
    [2024.0, nan]
    """
    values = column.tolist() if column.dtype == object else []
    if not values or any(type(value) not in (int, float, type(None)) for value in values):
        return column
    return np.array(values, dtype=np.float64)  # None becomes NaN


def read_text(column: Array) -> list[str | None]:
    """The values of a column as people write them, [n]; None where one is missing.

    A whole number is written as one even if a gap in its column made floats of all.
    """
    # a send asks for every cell: plain texts must not cost a call each
    return [value if type(value) is str else _write(value) for value in column.tolist()]


def fill_text(column: Array) -> list[str]:
    """The same with "" where a value is missing."""
    return [value or "" for value in read_text(column)]


def _write(value: object) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def fold(value: str) -> str:
    """What is compared of a value: not the spaces around it, nor its capital letters.

    >>> fold("Great Lakes ") == fold("great lakes")
    True
    """
    return value.strip().casefold()


class Finder:
    """Finds a value's place among the known `values`: as it is written, or else as it folds.

    >>> Finder(["GP", "nurse"])("Nurse "), Finder(["GP"])("vet")
    (1, None)
    """

    def __init__(self, values: Sequence[str]) -> None:
        self._exact = {value: i for i, value in enumerate(values)}
        self._folded = {fold(value): i for i, value in reversed(list(enumerate(values)))}

    def __call__(self, value: str) -> int | None:
        """Where the value stands; None where it is not known."""
        found = self._exact.get(value)
        return self._folded.get(fold(value)) if found is None else found


def name_each(counts: Mapping[str, int], values: list[str]) -> dict[str, int]:
    """The counts with "*" written out: each of the values that is not named has its count."""
    named = {value: count for value, count in counts.items() if value != EACH}
    known = set(map(fold, named))
    others = [value for value in values if fold(value) not in known] if EACH in counts else []
    return named | dict.fromkeys(others, counts.get(EACH, 0))


def number_values(values: Iterable[str | None]) -> tuple[Ints, list[str]]:
    """The place of each value [n] in the list of different ones, which comes second; -1 for None.

    >>> codes, values = number_values(["b", None, "a", "b"])
    >>> codes.tolist(), values
    ([0, -1, 1, 0], ['b', 'a'])
    """
    place: dict[str, int] = {}
    codes = [-1 if value is None else place.setdefault(value, len(place)) for value in values]
    return np.array(codes, dtype=np.int64), list(place)
