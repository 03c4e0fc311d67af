"""What a bundle says about its features, checked before anything is made of it.

Open this file to see what manifest.json may say about members' attributes and about texts. Order is
kept in lists: the order of attributes and of their values is the order of the features' columns.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Annotated

from bandit.core.check import shorten
from bandit.core.told import Limits
from bandit.features.attributes import MOST_COLUMNS

MOST_NUMBERS = 10_000  # attributes that are numbers
LARGEST = 1e15  # of any number in a bundle: beyond it nothing has been measured

Word = Annotated[str, Limits(shortest=1, longest=10_000)]
Number = Annotated[float, Limits(least=-LARGEST, most=LARGEST)]  # NaN is neither


@dataclass(frozen=True)
class Values:
    """An attribute of text, and its known values or tags in the order of their columns."""

    attribute: Word
    values: Annotated[list[str], Limits(longest=MOST_COLUMNS)]

    def __post_init__(self) -> None:
        _refuse_twice(f"attribute {shorten(self.attribute)}: value", self.values)


@dataclass(frozen=True)
class Scale:
    """An attribute that is a number, with what it is standardised by."""

    attribute: Word
    mean: Number
    sd: Annotated[float, Limits(above=0, most=LARGEST)]


@dataclass(frozen=True)
class Description:
    """How members and articles are read.

    levels, tags, numeric: the attributes, as `Attributes` has them
    encoder: name of what turns texts into vectors
    names: a few words for each topic
    boilerplate: sentences that are not read
    verbatim: texts are names of something, and are read as they come
    words: the vocabulary's
    reader: the version of all this and of the arrays, see `Features.version`

    Raises ValueError for an attribute, value or word that is given twice, and for more values than
    `Attributes.fit` would take.
    """

    levels: list[Values]
    tags: list[Values]
    numeric: Annotated[list[Scale], Limits(longest=MOST_NUMBERS)]
    encoder: Word
    names: list[str]
    boilerplate: list[str]
    verbatim: bool
    words: list[Word]
    reader: Word

    def __post_init__(self) -> None:
        parts: list[Values | Scale] = [*self.levels, *self.tags, *self.numeric]
        _refuse_twice("attribute", (part.attribute for part in parts))
        _refuse_twice("word", self.words)
        total = sum(len(part.values) for part in (*self.levels, *self.tags))
        if total > MOST_COLUMNS:
            raise ValueError(f"attributes have {total:,} values; must be at most {MOST_COLUMNS}")


def _refuse_twice(what: str, values: Iterable[Hashable]) -> None:
    """Raise ValueError at the first of `values` that comes twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise ValueError(f"{what} {shorten(value)} is given {count} times")
