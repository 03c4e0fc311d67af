"""The editor's rules for one issue, as data that is checked when it is made.

Open this file for what an editor may ask for. `bandit/slates/editorial.py` says which articles the
rules leave open.
"""

from collections.abc import Collection
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=0)]
Slot = Annotated[int, Field(ge=1)]


class Rules(BaseModel):
    """Layout and rules of one issue. Slots are numbered from 1, as an editor counts them.

    slots: how many articles each newsletter holds
    pins: slot -> id of the article that everyone who may see it gets there
    at_most: column of the pool -> value -> how many articles of a slate may have it, for example
        {"kind": {"event": 2}}; given up where a slot would stay empty
    at_least: column -> value -> how many must have it; given up before at_most is
    only: slot -> column -> values allowed there (a section); never given up

    Raises ValueError for rules that contradict each other, and for any other option.

    >>> rules = Rules(slots=3, pins={1: "a7"}, at_most={"kind": {"event": 2}})
    >>> rules.slots, rules.pins
    (3, {1: 'a7'})
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    slots: Slot = 6
    pins: dict[Slot, str | int] = {}
    at_most: dict[str, dict[str, Count]] = {}
    at_least: dict[str, dict[str, Count]] = {}
    only: dict[Slot, dict[str, list[str]]] = {}

    @model_validator(mode="after")
    def _check_consistency(self) -> "Rules":
        for what, numbers in {"pins": list(self.pins), "only": list(self.only)}.items():
            for slot in numbers:
                if slot > self.slots:
                    raise ValueError(
                        f"{what}: slot {slot} is beyond the layout's {self.slots} slots"
                    )
        articles = list(self.pins.values())
        for article in articles:
            if articles.count(article) > 1:
                raise ValueError(f"pins: article {article!r} is pinned to two slots")
        for column, counts in self.at_least.items():
            for value, least in counts.items():
                most = self.at_most.get(column, {}).get(value, self.slots)
                if least > most:
                    raise ValueError(
                        f"at_least {column} {value!r} = {least}, but at most {most} are allowed"
                    )
            if sum(counts.values()) > self.slots:
                raise ValueError(
                    f"at_least {column}: {sum(counts.values())} articles for {self.slots} slots"
                )
        return self

    def check_pool(self, ids: Collection[object], columns: Collection[str]) -> None:
        """Raise ValueError where the pool cannot serve these rules at all.

        ids: of its m articles
        columns: names of its columns
        """
        if len(ids) < self.slots:
            raise ValueError(f"the pool has {len(ids)} articles; the layout has {self.slots} slots")
        there = set(ids)
        for slot, article in self.pins.items():
            if article not in there:
                raise ValueError(
                    f"pins: slot {slot} pins article {article!r}, which is not in the pool"
                )
        named = [
            *self.at_most,
            *self.at_least,
            *(column for only in self.only.values() for column in only),
        ]
        for column in named:
            if column not in columns:
                raise ValueError(f"rules name column {column!r}; the pool has {list(columns)}")
