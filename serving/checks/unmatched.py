"""Rules that match nothing: a misspelt value must not be void in silence.

Open this file to see which values of rules and pool are looked for, and where.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from bandit.core.check import shorten
from bandit.core.columns import EACH, Columns
from bandit.core.rules import Rules
from bandit.core.told import name_nearest
from bandit.features.attributes import MISSING, fold, split_tags
from bandit.slates.layout import read_values

_SHOWN = 3
_NEAR = 0.8  # of 1, how much two values must have in common to be thought one misspelt


def refuse_unmatched(
    rules: Rules,
    articles: Columns,
    members: Callable[[str], Iterable[str]],
    where: tuple[Path, Path, Path],
    known: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> None:
    """Raise ValueError naming the first values that no article and no member has.

    members: the values of an attribute that members of the list have
    where: the files of rules, pool and members, for the message
    known: attribute -> values that members had when the bundle was made
    """
    found = list(find_unmatched(rules, articles, members, where, known))
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ValueError(
            f"{'; '.join(found[:_SHOWN])}{more} (--allow-unmatched sends all the same)"
        )


def find_unmatched(
    rules: Rules,
    articles: Columns,
    members: Callable[[str], Iterable[str]],
    where: tuple[Path, Path, Path],
    known: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Iterator[str]:
    """A sentence for each value of rules or pool that no article, or no member, has.

    articles: the pool, with the columns that the rules name
    members, where, known: as for `refuse_unmatched`
    """
    rules_path, pool_path, members_path = where
    sections = [
        (f"only: slot {slot}: {column}", column, values)
        for slot, only in rules.only.items()
        for column, values in only.items()
    ]
    counts = [
        (f"{name} {column}", column, list(counted))
        for name, counted_by in (("at_most", rules.at_most), ("at_least", rules.at_least))
        for column, counted in counted_by.items()
    ]
    for what, column, values in (*counts, *sections):
        there = read_values(articles, column)
        folded = set(map(fold, there))
        for value in values:
            if fold(value) not in folded and (value != EACH or not what.startswith("at_most")):
                said = f"{rules_path}: {what} {shorten(value)}"
                near = name_nearest(value, there)
                yield f"{said}: no article of {pool_path} has it{near}"
    for name in map(str, articles):
        if name.startswith("only_"):
            attribute = name.removeprefix("only_")
            given = [*members(attribute), *known.get(attribute, ())]
            folded = {fold(value) for value in given}
            for wanted in list_tags(articles, name):
                if fold(wanted) not in folded:
                    what = f"{pool_path}: {name} {shorten(wanted)}"
                    near = name_nearest(wanted, given)
                    yield f"{what}: no member of {members_path} has it{near}"


def find_near(rules: Rules, articles: Columns) -> Iterator[str]:
    """A sentence for each value of the pool that is nearly one of the rules', or of the pool.

    It is counted apart. Kinds are left out, of which there are few that count.
    """
    for column in dict.fromkeys((*rules.at_most, *rules.at_least)):
        counts = rules.at_most.get(column, {}) | rules.at_least.get(column, {})
        there = [] if column == "kind" else read_values(articles, column)
        known = {fold(value): value for value in counts if value != EACH}
        for value in there:
            likely = find_likely(value, known.values(), _NEAR)
            if likely and fold(value) not in known:
                named = shorten(likely)
                yield f"{column} {shorten(value)} is not {named} of the rules, and counts apart"
        squeezed: dict[str, str] = {}
        for value in there if EACH in counts else ():
            letters = re.sub(r"[\W_]", "", fold(value))
            if squeezed.setdefault(letters, value) != value:
                yield f"{column} {shorten(squeezed[letters])} and {shorten(value)} count apart"


def find_likely(value: str, others: Iterable[str], cutoff: float) -> str:
    """The other value that this one is most likely a misspelling of; "" where there is none.

    cutoff: how much both must have in common, of 1. Their digits must be the same ones, for
        `Level 1` and `Level 2` are two values.
    """
    digits = re.findall(r"\d", value)
    spelt = {fold(other): other for other in others if re.findall(r"\d", other) == digits}
    near = get_close_matches(fold(value), spelt, n=1, cutoff=cutoff)
    return spelt[near[0]] if near else ""


def list_tags(table: Columns, column: str) -> list[str]:
    """The different values in a column, with each of a list such as `a; b` by itself."""
    cells = read_values(table, column)
    tags = (tag for cell in cells for tag in split_tags(cell) if fold(tag) not in MISSING)
    return list(dict.fromkeys(tags))
