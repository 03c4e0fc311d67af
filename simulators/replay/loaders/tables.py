"""What the loaders share: the table a log becomes, the account of its rows, and checks.

Open this to write a loader. Every check names the file, the row and the value at fault.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from bandit.core import check
from bandit.core.files import read_table
from bandit.core.types import Array, Bools, Floats, Ints

UNLIKELY = 1e-6  # p-value below which choices are not uniform: one good log in a million is refused


@dataclass(frozen=True)
class Account:
    """Where the rows of a file went.

    source: the file, or the name of the log
    rows: how many rows it has
    kept: how many of them the loader kept
    dropped: reason -> rows

    Raises ValueError unless kept + dropped = rows, and where nothing was kept.
    """

    source: str
    rows: int
    kept: int
    dropped: Mapping[str, int]

    def __post_init__(self) -> None:
        source, rows = self.source, self.rows
        lost = rows - self.kept - sum(self.dropped.values())
        if lost:
            raise ValueError(
                f"{source}: {lost} of {rows} rows are neither kept nor reported as dropped"
            )
        if not self.kept:
            raise ValueError(
                f"{source}: none of {rows} rows is left; dropped: {dict(self.dropped)}"
            )

    def __str__(self) -> str:
        dropped = "".join(
            f"; dropped {count:,}: {reason}" for reason, count in self.dropped.items() if count
        )
        return f"{self.source}: {self.rows:,} rows, {self.kept:,} kept{dropped}"


class Accounted(Protocol):
    """What every loader makes of its files, whatever their format."""

    @property
    def account(self) -> Account:
        """Where the rows of the files went."""


class Loader(Protocol):
    """Reads a log."""

    def read(self) -> Accounted:
        """The log. Raises ValueError naming file, row and value where a file is damaged."""


@dataclass(frozen=True)
class ChoiceLog:
    """A log of n rounds, in each of which one of m articles was shown to one member.

    members: n rows, `member` (the round's number) and the attributes as they were in that round
    articles: m rows as in `Context`
    rounds: n rows, what else the log says
    choice: [n], index of the article shown
    propensity: [n], the chance that this article was shown
    clicked: [n], whether it was clicked
    account: where the rows of the file went

    Raises ValueError for arrays that do not fit or cannot be.
    """

    members: pd.DataFrame
    articles: pd.DataFrame
    rounds: pd.DataFrame
    choice: Ints
    propensity: Floats
    clicked: Bools
    account: Account

    def __post_init__(self) -> None:
        n, m, source = len(self.members), len(self.articles), self.account.source
        for what, array in (
            ("choice", self.choice),
            ("propensity", self.propensity),
            ("clicked", self.clicked),
            ("rounds", self.rounds.index.to_numpy()),
        ):
            check.shape(f"{source}: {what}", array, (n,))
        unknown = (self.choice < 0) | (self.choice >= m)
        impossible = ~((self.propensity > 0) & (self.propensity <= 1))
        self._refuse("choice", self.choice, unknown, f"must be an index below {m}")
        self._refuse("propensity", self.propensity, impossible, "must be in (0, 1]")

    def _refuse(self, what: str, array: Array, wrong: Bools, rule: str) -> None:
        """Raise ValueError at the first round that is wrong [n], counted from 1."""
        if wrong.any():
            i = int(wrong.argmax())
            raise ValueError(f"{self.account.source} round {i + 1}: {what} = {array[i]}; {rule}")


def list_articles(ids: Sequence[str], titles: Sequence[str]) -> pd.DataFrame:
    """A pool of plain articles with these ids [m] and titles [m]."""
    pool = pd.DataFrame({"article": list(ids), "title": list(titles)})
    return pool.assign(summary="", kind="article", source="")


def read(
    path: Path, needed: Sequence[str], renamed: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A csv or parquet file with at least the columns `needed`.

    The values of a csv file are text; those of a parquet file are as they are.

    renamed: another name a column is published under -> the name in `needed`

    Raises ValueError for a missing column, a row with too few or too many fields, an open
    quotation, or a last line without an end: such a file was cut short.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    table = read_table(path).to_pandas() if path.suffix == ".parquet" else _read_csv(path)
    table = table.rename(
        columns={theirs: ours for theirs, ours in (renamed or {}).items() if ours not in table}
    )
    check.columns(str(path), table, needed)
    return table


def read_lines(path: Path) -> list[str]:
    """The lines of a text file.

    Raises ValueError where it is missing, empty, not UTF-8 or ends within a line.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#x}"
        ) from None
    if not text.endswith("\n"):
        raise ValueError(
            f"{path} ends within a line, in {text[-30:]!r}: it is empty or was cut short"
        )
    return text[:-1].replace("\r\n", "\n").removesuffix("\r").split("\n")


def _read_csv(path: Path) -> pd.DataFrame:
    reader = csv.reader((line + "\n" for line in read_lines(path)), strict=True)
    rows: list[list[str]] = []
    try:
        header = next(reader)
        for row in reader:
            if len(row) != len(header):
                raise ValueError(
                    f"{path} row {len(rows) + 1}: {len(row)} fields; the header has {len(header)}"
                )
            rows.append(row)
    except csv.Error as error:
        raise ValueError(f"{path} row {len(rows) + 1}: {error}") from None
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise ValueError(f"{path}: column {twice[0]!r} appears twice")
    return pd.DataFrame(rows, columns=header, dtype=object)


def parse_numbers(
    path: Path, table: pd.DataFrame, column: str, least: float, most: float
) -> Floats:
    """A column as numbers, [n].

    Raises ValueError naming the first row (from 1) that is no number or outside [least, most].
    """
    return _parse(path, table, column, least, most, whole=False)


def parse_integers(path: Path, table: pd.DataFrame, column: str, least: float, most: float) -> Ints:
    """A column as whole numbers, [n].

    Raises ValueError naming the first row (from 1) that is no whole number or outside
    [least, most].
    """
    return _parse(path, table, column, least, most, whole=True).astype(np.int64)


def parse_flags(path: Path, table: pd.DataFrame, column: str) -> Bools:
    """A column of zeros and ones as flags, [n]. Raises ValueError naming the first other row."""
    return parse_integers(path, table, column, 0, 1).astype(bool)


def _parse(
    path: Path, table: pd.DataFrame, column: str, least: float, most: float, whole: bool
) -> Floats:
    value = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = ~((value >= least) & (value <= most) & np.isfinite(value))
    if whole:
        wrong |= value != np.round(value)
    kind = "whole number" if whole else "number"
    refuse(path, table, column, wrong, f"must be a {kind} in [{least:g}, {most:g}]")
    return value


def parse_words(
    path: Path, table: pd.DataFrame, column: str, valid: Sequence[str] | None = None
) -> pd.Series:
    """A column as text that is not empty, [n].

    valid: the words that may stand there; default: any

    Raises ValueError naming the first row (from 1) that is empty or is none of `valid`.
    """
    refuse(path, table, column, find_empty(table[column]), "must be text")
    text = table[column].astype(str)
    if valid is not None:
        wrong = ~text.isin(list(valid)).to_numpy()
        refuse(path, table, column, wrong, f"must be one of {', '.join(valid)}")
    return text


def find_empty(column: pd.Series) -> Bools:
    """Which values of a column are missing or blank, [n]."""
    return np.asarray(column.isna() | (column.astype(str).str.strip() == ""))


def refuse(path: Path, table: pd.DataFrame, column: str, wrong: Bools, rule: str) -> None:
    """Raise ValueError at the first row that is wrong [n].

    Rows are counted from 1, the header not.
    """
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{path} row {row + 1}: {column} = {table[column].iloc[row]!r}; {rule}")


def check_uniform(source: str, choice: Ints, m: int) -> None:
    """Raise ValueError where m articles were not shown with equal probability.

    The test is Pearson's chi-square. Logs with fewer than five rounds an article are not tested.

    choice: [n], index of the article shown
    """
    counts = np.bincount(choice, minlength=m)
    expected = len(choice) / m
    statistic = float(((counts - expected) ** 2 / expected).sum())
    if expected >= 5 and chdtrc(m - 1, statistic) < UNLIKELY:
        raise ValueError(
            f"{source}: the {m} articles were not shown equally often "
            f"(chi-square {statistic:.0f}, {counts})"
        )
