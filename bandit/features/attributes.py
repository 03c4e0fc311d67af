"""Which attributes members have, and how they become numbers.

An attribute is read in one of three ways, which its values decide: a number has one column, a text
has one column for each of its values (levels), and a text whose values are lists such as
`oncology; vaccines` (or `oncology|vaccines`) has one column for each tag, of which a member may
have several. Spaces around a value and capital letters do not tell values apart: "student " and
"Student" are one. What stands for nothing (`MISSING`) is missing. Whoever fits, sends or learns
reads cells through this file. Open it for what a policy can see of a member, and for which columns
of a member list are refused.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.columns import Columns, Finder, Tabular, fill_numbers, is_number, read_text
from bandit.core.columns import fold as fold

if TYPE_CHECKING:
    import pandas as pd  # `fit` alone reads pandas tables

SEPARATOR = re.compile("[;|]")  # of tags
# What systems write where they know nothing, compared without spaces and capital letters. "None",
# "NA" and "unknown" are values like others: they may be an answer, or North America.
MISSING = frozenset({"", "-", "null", "n/a", "#n/a", "nan"})
FEW = 20  # different values that any list may have, however short it is
MOST = 200  # different values of one attribute: as many as there are countries
MOST_COLUMNS = 500  # of all texts together: what is learned of them takes up their square

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    r"\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T\s].*)?"  # 2012-03-15, with or without a time
    r"|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})(\s.*)?"  # 03/15/2012, 31.12.99
    rf"|\d{{1,2}}[-/.\s]*{_MONTH}[-/,\s]*(\d{{4}}|\d{{2}})"  # 15 March 2012
    rf"|{_MONTH}\s*\d{{1,2}}(st|nd|rd|th)?,?\s+\d{{4}})\s*",  # March 15, 2012
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\s*[^@\s]+@[^@\s]+\s*")
PERSONAL = {"dates": _DATE, "e-mail addresses": _ADDRESS}  # what members do not share


@dataclass(frozen=True)
class Attributes:
    """Reads members' attributes one-hot, several-hot or standardised.

    A value that was never seen before, or is missing, switches on no column of its attribute: the
    member counts as unknown there. So does a number that is missing: it counts as the mean, which
    is 0. Most callers use `Attributes.fit` or `Attributes.restore`.

    levels: attribute -> its known values, each of which gets a column
    numeric: attribute -> (mean, standard deviation); standardised by them and clipped at 3
    tags: attribute -> its known tags, each of which gets a column; a member may have several
    """

    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numeric: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def fit(cls, members: "pd.DataFrame") -> "Attributes":
        """Take levels, tags and scales from a member list.

        A text is read as tags where a value holds `;` or `|` (a tag given twice is one). Of values
        that differ in capital letters alone, the commonest spelling is kept. A text that tells
        members apart instead of saying what some of them share is refused, because nothing could be
        learned of its values, and what is kept of them would not fit in memory. Numbers take one
        column and are never refused.

        members: n rows, column `member` and the attributes

        Raises ValueError, with the column and how many different values it has, for

        - dates and e-mail addresses: a column of dates, or a text of which at least half of the
          values are dates, or addresses;
        - ids: a text with more than 20 different values which are more than half as many as the
          members (or mentions of tags) that have one;
        - a text with more than 200 different values;
        - texts with more than 500 different values together.
        """
        levels, numeric, tags = {}, {}, {}
        for name in members.columns.drop("member"):
            column = members[name]
            if column.dtype.kind in "biuf":
                numeric[name] = _measure(column)
                continue
            text = _strip(column)
            _refuse_personal(name, text, len(members))
            if text.str.contains(SEPARATOR).any():
                mentions = _merge(text.map(split_tags).explode().dropna())
                _refuse_ids(name, "tags", mentions, len(members))
                tags[name] = sorted(mentions.unique())
            else:
                text = _merge(text)
                _refuse_ids(name, "values", text, len(members))
                levels[name] = sorted(text.unique())
        _refuse_many({**levels, **tags})
        return cls(levels, numeric, tags)

    @property
    def columns(self) -> list[str]:
        """The attributes that are read, each a column of a member list."""
        return [*self.levels, *self.tags, *self.numeric]

    @property
    def names(self) -> list[str]:
        """What each of the p columns of `encode` stands for."""
        return [
            "constant",
            *(f"{name}={value}" for name, values in self._worded.items() for value in values),
            *self.numeric,
        ]

    @cached_property
    def _worded(self) -> dict[str, Sequence[str]]:
        return {**self.levels, **self.tags}

    @cached_property
    def _find(self) -> dict[str, Finder]:
        return {name: Finder(values) for name, values in self._worded.items()}

    def encode(self, members: Tabular) -> NDArray[np.float64]:
        """Member features [n, p].

        members: n rows, column `member` and the attributes

        Raises ValueError for a missing column, and for a number that is infinite.
        """
        members = Columns.read(members)
        check.columns("members", members, ["member", *self.columns])
        rows, width = np.arange(len(members)), 1 + sum(map(len, self._worded.values()))
        numbers = np.zeros((len(members), width + len(self.numeric) + 1))  # the last: not known
        numbers[:, 0], first = 1.0, 1
        for name, values in self._worded.items():
            cells = read_text(members[name])
            if len(cells) == 1:  # one by one, in a tenth of the time of so many calls; below, too
                for place in self._place(name, cells[0], first):
                    numbers[0, place] = 1.0
            else:
                found = {cell: self._place(name, cell, first) for cell in set(cells)}
                places = [found[cell] for cell in cells]
                many = rows if name in self.levels else rows.repeat(list(map(len, places)))
                numbers[many, list(chain.from_iterable(places))] = 1.0
            first += len(values)
        for column, (name, (mean, sd)) in enumerate(self.numeric.items(), width):
            given = fill_numbers(members[name])
            if not is_number(given):
                raise ValueError(f"members column {name!r} has type {given.dtype}; must be numbers")
            if len(given) == 1 and abs(number := given.item()) != np.inf:
                number = (number - mean) / sd if number == number else 0.0
                numbers[0, column] = min(max(number, -3.0), 3.0)
                continue
            given = np.where(np.isnan(given), mean, given.astype(np.float64))
            check.finite(f"members column {name!r}", given[:, None], members["member"])
            numbers[:, column] = np.minimum(np.maximum((given - mean) / sd, -3), 3)
        return np.ascontiguousarray(numbers[:, :-1])

    def _place(self, name: str, cell: str | None, first: int) -> list[int]:
        """The columns that a cell switches on, counted from its attribute's first; -1 for none."""
        given = [] if cell is None else self._split(name, cell)
        known = [first + place for place in map(self._find[name], given) if place is not None]
        return known or [-1]

    def _split(self, name: str, cell: str) -> list[str]:
        """The values that a cell holds, as they come; none where it is missing."""
        if name in self.tags:
            return split_tags(cell)
        return [] if fold(cell) in MISSING and cell not in self.levels[name] else [cell]

    def count_values(self, members: Tabular, name: str) -> dict[tuple[str, str | None], int]:
        """A value as it is written, and the known one it counts as -> how many members have it.

        The second is None where the value was never seen before.
        """
        values, found = self._worded[name], Counter[tuple[str, str | None]]()
        for cell, n in Counter(read_text(Columns.read(members)[name])).items():
            for given in self._split(name, cell) if cell is not None else ():
                place = self._find[name](given)
                found[given, None if place is None else values[place]] += n
        return dict(sorted(found.items(), key=lambda pair: pair[0][0]))

    def count_unknown(self, members: Tabular) -> dict[str, dict[str, int]]:
        """Attribute -> a value or tag that was never seen before -> how many members have it."""
        found: dict[str, dict[str, int]] = {}
        for name in self._worded:
            for (given, known), count in self.count_values(members, name).items():
                if known is None:
                    new = found.setdefault(name, {})
                    new[given.strip()] = new.get(given.strip(), 0) + count
        return found

    def list_values(self, name: str, cell: str) -> list[str]:
        """The values that one cell of an attribute's column holds: several where it has tags.

        A known one is spelt as it is known; a missing one is none.
        """
        return [self.spell(name, given) for given in self._split(name, cell)]

    def spell(self, name: str, value: str) -> str:
        """A value of an attribute as it is known, where it is."""
        place = self._find[name](value)
        return value.strip() if place is None else self._worded[name][place]

    def state(self) -> dict[str, Any]:
        """What a bundle keeps, ready for JSON. Lists say in which order the columns are."""
        worded = {
            kind: [{"attribute": name, "values": list(known)} for name, known in values.items()]
            for kind, values in (("levels", self.levels), ("tags", self.tags))
        }
        scales = self.numeric.items()
        return worded | {"numeric": [{"attribute": a, "mean": m, "sd": s} for a, (m, s) in scales]}

    @classmethod
    def restore(cls, described: Mapping[str, Any]) -> "Attributes":
        """The inverse of `state`."""
        worded = [described["levels"], described["tags"]]
        known = [{part["attribute"]: part["values"] for part in parts} for parts in worded]
        numeric = {part["attribute"]: (part["mean"], part["sd"]) for part in described["numeric"]}
        return cls(known[0], numeric, known[1])


def split_tags(cell: str) -> list[str]:
    """The tags in one value, in their order, each once and without the spaces around it.

    >>> split_tags("oncology; vaccines;;oncology ")
    ['oncology', 'vaccines']
    """
    given = [part.strip() for part in SEPARATOR.split(cell)]
    return list(dict.fromkeys(tag for tag in given if fold(tag) not in MISSING))


def _strip(column: "pd.Series") -> "pd.Series":
    """The values that are there, as text without the spaces around them."""
    text = column.dropna().astype(str).str.strip()
    return text[~text.str.casefold().isin(MISSING)]


def _merge(text: "pd.Series") -> "pd.Series":
    """The values, each in the spelling that most members have of those that fold the same."""
    counts = text.value_counts()
    spelt: dict[str, str] = {}
    for value in sorted(counts.index, key=lambda value: (-counts[value], value)):
        spelt.setdefault(fold(value), value)
    return text.map({value: spelt[fold(value)] for value in counts.index})


def _measure(column: "pd.Series") -> tuple[float, float]:
    """Mean and standard deviation of the numbers that are there; 0 and 1 where none are."""
    there = column.dropna()
    sd = float(there.std(ddof=min(1, len(there) - 1))) if len(there) else 0.0
    return float(there.mean()) if len(there) else 0.0, sd or 1.0


def _refuse_personal(name: str, text: "pd.Series", n: int) -> None:
    """Raise ValueError where at least half of the values present are dates, or addresses."""
    for what, shape in PERSONAL.items():
        found = text.str.fullmatch(shape)
        if len(text) and found.mean() >= 0.5:
            raise ValueError(
                f"{_count(name, 'values', text, n)}; they are {what}, such as "
                f"{text[found].iloc[0]!r}, which say nothing that members share: "
                "leave the column out, or give what they stand for, such as the year as a number"
            )


def _refuse_ids(name: str, what: str, text: "pd.Series", n: int) -> None:
    """Raise ValueError where there are too many different values to learn what each means."""
    count, advice = text.nunique(), "group them, or leave the column out"
    if count > MOST:
        raise ValueError(f"{_count(name, what, text, n)}; must be at most {MOST}: {advice}")
    if count > FEW and count > len(text) / 2:
        why = "they are like ids, of which nothing can be learned"
        raise ValueError(f"{_count(name, what, text, n)}; {why}: {advice}")


def _refuse_many(values: Mapping[str, Sequence[str]]) -> None:
    """Raise ValueError where the texts together have too many different values."""
    total = sum(map(len, values.values()))
    if total > MOST_COLUMNS:
        longest = sorted(values, key=lambda name: -len(values[name]))[:3]
        most = ", ".join(f"{name!r} {len(values[name])}" for name in longest)
        raise ValueError(
            f"members columns have {total:,} different values together ({most}, ...); "
            f"must be at most {MOST_COLUMNS}: group them, or leave columns out"
        )


def _count(name: str, what: str, text: "pd.Series", n: int) -> str:
    return f"members column {name!r} has {text.nunique():,} different {what} for {n:,} members"
