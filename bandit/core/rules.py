"""The editor's rules for one issue, as data that is checked when it is made.

Open this file for what an editor may ask for. `bandit/slates/editorial.py` says which articles the
rules leave open.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from reprlib import repr as shorten
from typing import Annotated, Self

from bandit.core.columns import EACH, fold
from bandit.core.told import Limits, name_nearest, read, settle

Count = Annotated[int, Limits(least=0)]
Slot = Annotated[int, Limits(least=1)]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Layout and rules of one issue. Slots are numbered from 1, as an editor counts them.

    slots: how many articles each newsletter holds
    pins: slot -> id of the article that everyone who may see it gets there
    featured: article for the subject line: everyone who may see it gets it in slot 1, as by a pin
    at_most: column of the pool -> value -> how many articles of a slate may have it, for example
        {"kind": {"event": 2}}; given up where a slot would stay empty. The value "*" stands for
        each value that is not named, as in {"source": {"*": 2, "Wire": 1}}
    at_least: column -> value -> how many must have it; given up before at_most is
    only: slot -> column -> values allowed there (a section); never given up
    In at_most, at_least and only, spaces around a value and capital letters do not count.
    no_repeat: issues; within so many after an article was sent to a member, opened or not, the
        member gets it again only where a slot would stay empty. 0: only what was in an issue that
        the member opened counts as seen, however long ago, as it always does

    Raises ValueError for a setting that cannot be, and for rules that contradict each other.

    >>> rules = Rules(slots=3, pins={1: "a7"}, at_most={"kind": {"event": 2}})
    >>> rules.slots, rules.pins
    (3, {1: 'a7'})
    """

    slots: Slot = 6
    pins: dict[Slot, str | int] = field(default_factory=dict)
    featured: str | int | None = None
    at_most: dict[str, dict[str, Count]] = field(default_factory=dict)
    at_least: dict[str, dict[str, Count]] = field(default_factory=dict)
    only: dict[Slot, dict[str, list[str]]] = field(default_factory=dict)
    no_repeat: Count = 0

    def describe(self) -> dict[str, object]:
        """The rules as JSON can hold them: the number of slots, and what differs from defaults."""
        told = vars(Rules()).items()
        changed = {name: own for name, usual in told if (own := getattr(self, name)) != usual}
        for part in {"pins", "only"} & set(changed):
            changed[part] = {str(slot): value for slot, value in changed[part].items()}
        return deepcopy(changed) | {"slots": self.slots}

    @classmethod
    def parse(cls, told: Mapping[str, object]) -> Self:
        """The rules that `describe` gave. Raises ValueError for what it cannot have given."""
        given = dict(told)
        for part in ("pins", "only"):  # JSON has no whole numbers for keys
            slots = given.get(part, {})
            if not isinstance(slots, Mapping):
                raise ValueError(f"{part} = {shorten(slots)}; must have slots for keys")
            try:
                numbered = {int(slot): value for slot, value in slots.items()}
            except (ValueError, TypeError):  # no number, or one of thousands of digits
                numbered = {}
            if list(slots) != list(map(str, numbered)):
                raise ValueError(f"{part} = {shorten(slots)}; slots must be written like 1")
            given[part] = numbered
        return read(cls, given)

    def __post_init__(self) -> None:
        settle(self)
        self._check_consistency()

    def _check_consistency(self) -> None:
        if self.featured is not None:
            first = self.pins.get(1, self.featured)
            if first != self.featured:
                raise ValueError(
                    f"featured is {self.featured!r}, but slot 1 is pinned to {first!r}"
                )
            object.__setattr__(self, "pins", self.pins | {1: self.featured})
        for what, numbers in {"pins": list(self.pins), "only": list(self.only)}.items():
            for slot in numbers:
                if slot > self.slots:
                    raise ValueError(
                        f"{what}: slot {slot} is beyond the layout's {self.slots} slots"
                    )
        (article, times), *_ = [*Counter(self.pins.values()).most_common(1), (None, 0)]
        if times > 1:
            raise ValueError(f"pins: article {shorten(article)} is pinned to two slots")
        for slot, only in self.only.items():
            if not all(only.values()) or not only:
                raise ValueError(
                    f"only: slot {slot}: {shorten(only)} names no value: nothing may stand there"
                )
        for what, counted in (("at_most", self.at_most), ("at_least", self.at_least)):
            for column, counts in counted.items():
                _refuse_alike(f"{what} {column}", counts)
        for column, counts in self.at_least.items():
            if EACH in counts:
                raise ValueError(f"at_least {column} {EACH!r}: name the values that must be there")
            caps = {fold(value): most for value, most in self.at_most.get(column, {}).items()}
            for value, least in counts.items():
                most = caps.get(fold(value), caps.get(EACH, self.slots))
                if least > most:
                    what = f"at_least {column} {shorten(value)} = {least}"
                    raise ValueError(f"{what}, but at most {most} are allowed")
            if sum(counts.values()) > self.slots:
                raise ValueError(
                    f"at_least {column}: {sum(counts.values())} articles for {self.slots} slots"
                )

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
                    f"pins: slot {slot} pins article {shorten(article)}, which is not in the pool"
                    f"{name_nearest(article, ids)}"
                )
        named = [
            *self.at_most,
            *self.at_least,
            *(column for only in self.only.values() for column in only),
        ]
        for column in named:
            if column not in columns:
                found = shorten(list(columns))
                raise ValueError(
                    f"rules name column {shorten(column)}; the pool has {found}"
                    f"{name_nearest(column, columns)}"
                )


def _refuse_alike(what: str, values: Iterable[str]) -> None:
    """Raise ValueError for two values that are one but for spaces and capital letters."""
    met: dict[str, str] = {}
    for value in values:
        if met.setdefault(fold(value), value) != value:
            first = met[fold(value)]
            raise ValueError(f"{what}: {shorten(first)} and {shorten(value)} are one value")
