"""The MIND format: news articles with their text, and lists of them shown to readers.

Open this to read such logs (Wu, Qiao, Chen et al. 2020, "MIND: a large-scale dataset for news
recommendation"). behaviors.tsv holds impression id, reader, time, articles clicked before, and
articles shown with -1 (clicked) or -0; news.tsv holds id, category, subcategory, title, abstract.
What chose the articles is not published: their propensities are unknown, and in which order they
stood is not told either.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Ints
from simulators.replay.loaders.tables import (
    Account,
    find_empty,
    list_articles,
    read_lines,
    refuse,
)

TIME = "%m/%d/%Y %I:%M:%S %p"
_SHOWN = re.compile(r"(\S+)-([01])")


@dataclass(frozen=True)
class Impressions:
    """n lists of articles, shown to one member each.

    articles: m rows as in `Context`, and category, subcategory
    rounds: n rows, impression (id), member, time
    shown: round i showed `shown[start[i]:start[i + 1]]`, indices of articles in no known order
    clicked: whether each of `shown` was clicked
    start: [n + 1], where each round begins in `shown`
    history: before round i the member had clicked `history[history_start[i]:history_start[i + 1]]`,
        indices of articles, oldest first
    history_start: [n + 1], where each round begins in `history`
    account: where the rows of the file went
    propensity: None. The log may not be used where a propensity is needed (off-policy estimates,
        replay)
    """

    articles: pd.DataFrame
    rounds: pd.DataFrame
    shown: Ints
    clicked: Bools
    start: Ints
    history: Ints
    history_start: Ints
    account: Account
    propensity: None = None


@dataclass(frozen=True)
class Mind:
    """The loader of such a log.

    folder: holds behaviors.tsv and news.tsv of the same split
    """

    folder: str

    def read(self) -> Impressions:
        """The log. Dropped are impressions of which nothing or everything was clicked.

        Those rank no article above another.

        Raises ValueError naming file and row for a wrong number of fields, an entry without -0 or
        -1, an article that news.tsv lacks, an id that appears twice, a title that is empty, or a
        file that ends within a line.
        """
        path = Path(self.folder) / "behaviors.tsv"
        articles = _read_articles(path.with_name("news.tsv"))
        place = {article: j for j, article in enumerate(articles["article"])}
        rows = _split_fields(path, 5, 5)
        rounds = _read_rounds(path, rows)
        shown: list[list[int]] = []
        clicked: list[list[bool]] = []
        history: list[list[int]] = []
        for row, (_, _, _, before, now) in enumerate(rows, start=1):
            entries = [_parse_entry(path, row, entry) for entry in now.split()]
            history.append([_find(path, row, article, place) for article in before.split()])
            shown.append([_find(path, row, article, place) for article, _ in entries])
            clicked.append([click for _, click in entries])
        tells = np.array([len(set(clicks)) == 2 for clicks in clicked], dtype=bool)
        clicks = np.array([any(each) for each in clicked], dtype=bool)
        dropped = {
            "nothing was clicked": int((~clicks).sum()),
            "everything was clicked": int((clicks & ~tells).sum()),
        }
        kept = np.flatnonzero(tells)
        flat, start = _join([shown[i] for i in kept])
        before_flat, before_start = _join([history[i] for i in kept])
        return Impressions(
            articles=articles,
            rounds=rounds.iloc[kept].reset_index(drop=True),
            shown=flat,
            clicked=np.array([click for i in kept for click in clicked[i]], dtype=bool),
            start=start,
            history=before_flat,
            history_start=before_start,
            account=Account(str(path), len(rows), len(kept), dropped),
        )


def _split_fields(path: Path, least: int, most: int) -> list[list[str]]:
    """The tab-separated fields of every line."""
    rows = [line.split("\t") for line in read_lines(path)]
    rule = least if least == most else (least, most)
    for row, fields in enumerate(rows, start=1):
        if not least <= len(fields) <= most:
            raise ValueError(f"{path} row {row}: {len(fields)} fields; must be {rule}")
    return rows


def _read_rounds(path: Path, rows: list[list[str]]) -> pd.DataFrame:
    """Impression, member and time of each row of behaviors.tsv."""
    columns = ["impression", "member", "time", "history", "shown"]
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    _refuse_empty(path, table, ["impression", "member"])
    _refuse_repeated(path, table, "impression")
    time = pd.to_datetime(table["time"], format=TIME, errors="coerce")
    wrong = time.isna().to_numpy()
    refuse(path, table, "time", wrong, "must be a time like 11/15/2019 9:05:58 AM")
    return table[["impression", "member"]].assign(time=time)


def _read_articles(path: Path) -> pd.DataFrame:
    # the file goes on with url and entities, which some copies leave out
    rows = [fields[:5] for fields in _split_fields(path, 5, 8)]
    columns = ["article", "category", "subcategory", "title", "summary"]
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    _refuse_empty(path, table, ["article", "category", "title"])
    _refuse_repeated(path, table, "article")
    pool = list_articles(table["article"].tolist(), table["title"].tolist())
    return pool.assign(**{name: table[name] for name in ("summary", "category", "subcategory")})


def _refuse_empty(path: Path, table: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        refuse(path, table, column, find_empty(table[column]), "must not be empty")


def _refuse_repeated(path: Path, table: pd.DataFrame, column: str) -> None:
    refuse(path, table, column, table[column].duplicated().to_numpy(), "appears twice")


def _parse_entry(path: Path, row: int, entry: str) -> tuple[str, bool]:
    """The article and whether it was clicked."""
    found = _SHOWN.fullmatch(entry)
    if not found:
        raise ValueError(f"{path} row {row}: impression {entry!r} has no -0/-1")
    return found[1], found[2] == "1"


def _find(path: Path, row: int, article: str, place: dict[str, int]) -> int:
    if article not in place:
        raise ValueError(
            f"{path} row {row}: article {article!r} is not in news.tsv; "
            "both must be of the same split"
        )
    return place[article]


def _join(lists: list[list[int]]) -> tuple[Ints, Ints]:
    """Lists as one array and where each begins [n + 1]."""
    start = np.concatenate([[0], np.cumsum([len(each) for each in lists], dtype=np.int64)])
    return np.array([value for each in lists for value in each], dtype=np.int64), start
