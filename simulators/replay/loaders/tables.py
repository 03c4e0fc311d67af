"""What the loaders share: the table a log becomes, the account of its rows, and checks that name file, row and value."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from bandit.core import check
from bandit.core.files import read_table
from bandit.core.types import Bools, Floats, Ints

UNLIKELY = 1e-6  # p-value below which choices are not taken for uniform: one good log in a million is refused


@dataclass(frozen=True)
class Account:
    """Where the rows of a file went. dropped: reason -> rows. Raises ValueError unless kept + dropped = rows."""

    source: str
    rows: int
    kept: int
    dropped: Mapping[str, int]

    def __post_init__(self) -> None:
        lost = self.rows - self.kept - sum(self.dropped.values())
        if lost:
            raise ValueError(
                f"{self.source}: {lost} of {self.rows} rows are neither kept nor reported as dropped"
            )
        if not self.kept:
            raise ValueError(
                f"{self.source}: none of {self.rows} rows is left; dropped: {dict(self.dropped)}"
            )

    def __str__(self) -> str:
        dropped = "".join(
            f"; dropped {count:,}: {reason}" for reason, count in self.dropped.items() if count
        )
        return f"{self.source}: {self.rows:,} rows, {self.kept:,} kept{dropped}"


@dataclass(frozen=True)
class Logged:
    """A log of n rounds, in each of which one of m articles was shown to one member.

    members: n rows, `member` (the round's number) and the attributes as they were in that round. articles: m rows as in
    `Context`. rounds: n rows, what else the log says. choice [n]: index of the article shown; propensity [n]: the chance
    it had; clicked [n]. Raises ValueError for arrays that do not fit or cannot be.
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
        for what in ("choice", "propensity", "clicked"):
            check.shape(f"{source}: {what}", getattr(self, what), (n,))
        check.shape(f"{source}: rounds", self.rounds.index.to_numpy(), (n,))
        for what, wrong in (
            ("choice", (self.choice < 0) | (self.choice >= m)),
            ("propensity", ~((self.propensity > 0) & (self.propensity <= 1))),
        ):
            if wrong.any():
                row = int(wrong.argmax())
                rule = f"must be an index below {m}" if what == "choice" else "must be in (0, 1]"
                raise ValueError(
                    f"{source} round {row + 1}: {what} = {getattr(self, what)[row]}; {rule}"
                )


def numbered(articles: Sequence[str], titles: Sequence[str]) -> pd.DataFrame:
    """A pool of plain articles [m] with these ids and titles."""
    return pd.DataFrame({"article": list(articles), "title": list(titles)}).assign(
        summary="", kind="article", source=""
    )


def read(
    path: Path, needed: Sequence[str], renamed: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A csv or parquet file with at least the columns `needed`, as text (csv) or as it is (parquet).

    renamed: another name a column is published under -> ours. Raises ValueError for a missing column, a row with too few
    or too many fields, an open quotation, or a last line without an end: such a file was cut short.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    table = read_table(path).to_pandas() if path.suffix == ".parquet" else _read_csv(path)
    table = table.rename(
        columns={theirs: ours for theirs, ours in (renamed or {}).items() if ours not in table}
    )
    check.columns(str(path), table, needed)
    return table


def lines(path: Path) -> list[str]:
    """The lines of a text file. Raises ValueError where it is missing, empty, not UTF-8 or ends within a line."""
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
    reader = csv.reader((line + "\n" for line in lines(path)), strict=True)
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
    if len(set(header)) != len(header):
        raise ValueError(
            f"{path}: column {next(name for name in header if header.count(name) > 1)!r} appears twice"
        )
    return pd.DataFrame(rows, columns=header, dtype=object)


def numbers(
    path: Path, table: pd.DataFrame, column: str, least: float, most: float, whole: bool = False
) -> Any:
    """A column as numbers [n]. Raises ValueError naming the first row (from 1) that is none or outside [least, most]."""
    value = pd.to_numeric(table[column], errors="coerce").to_numpy(
        dtype=np.float64, na_value=np.nan
    )
    wrong = ~((value >= least) & (value <= most) & np.isfinite(value))
    if whole:
        wrong |= value != np.round(value)
    refuse(
        path, table, column, wrong, f"must be a {'whole ' * whole}number in [{least:g}, {most:g}]"
    )
    return value.astype(np.int64) if whole else value


def words(
    path: Path, table: pd.DataFrame, column: str, valid: Sequence[str] | None = None
) -> pd.Series:
    """A column as text that is not empty. Raises ValueError naming the first row that is, or is none of `valid`."""
    text = table[column]
    wrong = text.isna().to_numpy() | (text.astype(str).str.strip() == "").to_numpy()
    refuse(path, table, column, wrong, "must be text")
    text = text.astype(str)
    if valid is not None:
        refuse(
            path,
            table,
            column,
            ~text.isin(list(valid)).to_numpy(),
            f"must be one of {', '.join(valid)}",
        )
    return text


def refuse(path: Path, table: pd.DataFrame, column: str, wrong: Any, rule: str) -> None:
    """Raise ValueError at the first row that is wrong [n]. Rows are counted from 1, the header not."""
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{path} row {row + 1}: {column} = {table[column].iloc[row]!r}; {rule}")


def check_uniform(source: str, choice: Ints, m: int) -> None:
    """Raise ValueError where Pearson's chi-square says that m articles were not shown with equal probability."""
    counts = np.bincount(choice, minlength=m)
    expected = len(choice) / m
    statistic = float(((counts - expected) ** 2 / expected).sum())
    if expected >= 5 and chdtrc(m - 1, statistic) < UNLIKELY:
        raise ValueError(
            f"{source}: the {m} articles were not shown equally often (chi-square {statistic:.0f}, {counts})"
        )
