"""What a bundle says about its features, checked before anything is made of it.

Open this file to see what manifest.json may say about members' attributes and about texts. Order is
kept in lists: the order of attributes and of their values is the order of the features' columns.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bandit.core.check import shorten
from bandit.features.attributes import MOST_COLUMNS

MOST_NUMBERS = 10_000  # attributes that are numbers
LARGEST = 1e15  # of any number in a bundle: beyond it nothing has been measured

Word = Annotated[str, Field(min_length=1, max_length=10_000)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Values(_Part):
    """An attribute of text, and its known values or tags in the order of their columns."""

    attribute: Word
    values: Annotated[list[str], Field(max_length=MOST_COLUMNS)]

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        _refuse_twice(f"attribute {shorten(self.attribute)}: value", self.values)
        return self


class Scale(_Part):
    """An attribute that is a number, with what it is standardised by."""

    attribute: Word
    mean: Number
    sd: Annotated[Number, Field(gt=0)]


class Description(_Part):
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
    numeric: Annotated[list[Scale], Field(max_length=MOST_NUMBERS)]
    encoder: Word
    names: list[str]
    boilerplate: list[str]
    verbatim: bool
    words: list[Word]
    reader: Word

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        parts: list[Values | Scale] = [*self.levels, *self.tags, *self.numeric]
        _refuse_twice("attribute", (part.attribute for part in parts))
        _refuse_twice("word", self.words)
        total = sum(len(part.values) for part in (*self.levels, *self.tags))
        if total > MOST_COLUMNS:
            raise ValueError(f"attributes have {total:,} values; must be at most {MOST_COLUMNS}")
        return self


def _refuse_twice(what: str, values: Iterable[Hashable]) -> None:
    """Raise ValueError at the first of `values` that comes twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise ValueError(f"{what} {shorten(value)} is given {count} times")
