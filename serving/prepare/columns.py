"""What each column of a member list is understood as, and why some are left out.

Open this file to see what becomes of a column: a number, a text, tags, or nothing that members
share. A column is left out where its name says that it names or reaches a person, where it holds
dates, addresses or ids (`Attributes.fit` says which), where it is empty, and where its name is no
word.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bandit.features.attributes import PERSONAL, Attributes, fold
from serving.checks.names import find_consent, name_plainly
from serving.checks.unmatched import find_likely
from serving.tables.formats import find_missing, has_codes, parse_numbers
from serving.tables.kinds import is_text
from serving.tables.opening import is_worded
from serving.tables.table import Table

SHOWN = 4  # values of a column that are named as examples
LARGEST = 1e15  # of numbers that are amounts; larger ones are ids, cards or codes
NEAR = 0.85  # of 1, how much two values must have in common to be thought one misspelt
# compared with plain names: what tells who a member is, or how to reach one
_PERSON = re.compile(
    r"((first|last|middle|full|given|family|maiden|nick|user|display)_?)?name"
    r"|surname|forename|salutation|prefix|suffix|title|gender_?pronouns?"
    r"|((home|work|office|mobile|cell|primary)_)?(phone|fax|mobile|cell)(_(no|number))?"
    r"|((home|work|mailing|primary)_)?(e_?mail|street|address|zip|postcode|postal_code|zip_code)"
    r"(_(line_)?\d|_address)?"
)


@dataclass(frozen=True)
class Column:
    """One column of a member list, as it was understood.

    name: as it stands in the file
    attribute: what a bundle calls it
    kind: number, text, tags, dates, e-mail addresses, person, empty or id-like
    why: it is left out; "" where it is an attribute
    present, missing: members who have a value, and who have none
    values: its values as numbers or text, null where one is missing
    """

    name: str
    attribute: str
    kind: str
    why: str
    present: int
    missing: int
    values: pd.Series


def understand(table: Table, leave_out: Collection[str] = ()) -> list[Column]:
    """Every column of a member list but the ids.

    table: all columns of the file, `member` among them
    leave_out: columns that are not to be attributes, by their plain names

    Raises ValueError for two columns of one plain name, and for a name to leave out that no column
    has.
    """
    table.rename(name_plainly)
    names = [name for name in table.columns.column_names if name != "member"]
    absent = {name_plainly(name) for name in leave_out} - {name_plainly(name) for name in names}
    if absent:
        raise ValueError(f"{table.path} has no column {min(absent)!r} to leave out; it has {names}")
    found = [_understand(table, name) for name in names]
    left = {name_plainly(name) for name in leave_out}
    return [
        _leave(column, "you said so") if column.attribute in left else column for column in found
    ]


def list_attributes(table: Table, columns: Collection[Column]) -> pd.DataFrame:
    """Members and the attributes that are used, for `Features.fit`."""
    kept = {column.attribute: column.values for column in columns if not column.why}
    return pd.DataFrame({"member": table.columns["member"].to_pandas()} | kept)


def _leave(column: Column, why: str) -> Column:
    return Column(**vars(column) | {"why": column.why or why})


def _understand(table: Table, name: str) -> Column:
    values, kind = _read(table, name), "text"
    missing = int(values.isna().sum())
    attribute, n = name_plainly(name), len(values)
    why = ""
    if pd.api.types.is_numeric_dtype(values):
        table.check_finite(name)
        kind = "number"
    if missing == n:
        kind, why = "empty", "it says nothing of anybody"
    elif not attribute:
        why = "its name has no letter or digit to call it by"
    elif kind == "number" and values.abs().max() > LARGEST:
        kind, why = "id-like", f"its numbers, up to {values.abs().max():g}, are no amounts"
    elif _PERSON.fullmatch(attribute):
        kind, why = (
            "person",
            "its name says who a member is or how to reach one, not what some share",
        )
    elif kind == "text":
        try:
            members = pd.DataFrame({"member": table.columns["member"].to_pandas(), name: values})
            kind = "tags" if Attributes.fit(members).tags else "text"
        except ValueError as error:
            why = str(error).removeprefix(f"members column {name!r} ").partition(": ")[0]
            kind = next((what for what in PERSONAL if f"they are {what}" in why), "id-like")
    if why and _hold_addresses(values):
        kind = "e-mail addresses"
    return Column(name, attribute, kind, why, n - missing, missing, values)


def _read(table: Table, name: str) -> pd.Series:
    """The column as numbers where all that is there are numbers, else as it is."""
    column = table.columns[name]
    if is_worded(table.path) and is_text(column.type):
        numbers, neither = parse_numbers(column)
        if not pc.any(neither).as_py() and not has_codes(column):
            column = numbers
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    if is_text(column.type):
        column = pc.if_else(find_missing(column), None, column)
    values: pd.Series = column.to_pandas()
    return values


def _hold_addresses(values: pd.Series) -> bool:
    text = values.dropna().astype(str)
    return bool(len(text)) and text.str.fullmatch(PERSONAL["e-mail addresses"]).mean() >= 0.5


def describe_columns(
    table: Table, columns: Collection[Column], attributes: Attributes
) -> Iterator[str]:
    """A line for each column: what it was understood as, with counts, and what is near a value.

    attributes: the vocabulary that values are compared with
    """
    members = list_attributes(table, columns)
    for column in columns:
        start = f"{column.name}: {column.kind}"
        if column.why:
            yield f"{start}, left out: {column.why}"
            continue
        start += f" {column.attribute!r}" if column.attribute != column.name else ""
        lacking = f", {column.missing} missing" if column.missing else ""
        if column.kind == "number":
            low, high = column.values.min(), column.values.max()
            yield f"{start}, {low:g} to {high:g}{lacking}"
        elif column.attribute not in attributes.columns:
            yield f"{start}{lacking}; the bundle has no such attribute"
        else:
            yield f"{start}{lacking}; {_describe_values(column, attributes, members)}"
    for name in attributes.columns:
        if name not in members.columns:
            yield f"{name}: the bundle has this attribute, and the file has no such column"


def _describe_values(column: Column, attributes: Attributes, members: pd.DataFrame) -> str:
    counted = attributes.count_values(members, column.attribute)
    worded = {**attributes.levels, **attributes.tags}[column.attribute]
    spelt = {fold(value): value for value in worded}
    known: defaultdict[str, int] = defaultdict(int)
    near, new = [], []
    for (given, value), count in counted.items():
        if value is None:
            alike = get_close_matches(fold(given), spelt, n=1, cutoff=NEAR)
            hint = f", perhaps {spelt[alike[0]]!r}" if alike else ""
            new.append(f"{given!r} ({count}{hint})")
        else:
            known[value] += count
            if given != value:
                near.append(f"{given!r} counts as {value!r} ({count})")
    often = sorted(known, key=lambda value: (-known[value], value))
    near += _find_misspelt(often, known)
    shown = ", ".join(f"{value} {known[value]}" for value in often[:SHOWN])
    more = ", ..." if len(often) > SHOWN else ""
    parts = [f"{len(known)} values: {shown}{more}", *near]
    if new:
        parts.append(f"never seen before, so unknown: {', '.join(new)}")
    return "; ".join(parts)


def _find_misspelt(values: Sequence[str], known: Mapping[str, int]) -> Iterator[str]:
    """A few words for each rare value that is nearly a common one, and has the same digits.

    values: with the commonest first; known: value -> how many members have it
    """
    for value in values:
        common = (other for other in values if known[other] >= 5 * known[value])
        if likely := find_likely(value, common, NEAR):
            yield f"{value!r} ({known[value]}) is perhaps {likely!r}"


def describe_consent(columns: Collection[Column]) -> Iterator[str]:
    """A line for each column that seems to say who wants no mail."""
    for name in find_consent([column.name for column in columns]):
        yield (
            f"{name}: it seems to say who wants mail, and keeps nobody from being mailed: list who "
            "wants none in a file for serving.send --suppress"
        )


def describe_shared_addresses(table: Table, columns: Collection[Column]) -> Iterator[str]:
    """A line for each e-mail address that several members have, capital letters not counted."""
    ids = table.columns["member"].to_pylist()
    for column in columns:
        if column.kind != "e-mail addresses":
            continue
        people: defaultdict[str, list[int]] = defaultdict(list)
        for row, address in enumerate(column.values):
            if isinstance(address, str) and "@" in address:
                people[fold(address)].append(row)
        for rows in people.values():
            if len(rows) > 1:
                who = " and ".join(repr(ids[row]) for row in rows)
                spelt = sorted({column.values.iloc[row].strip() for row in rows})
                but = " but for capital letters" if len(spelt) > 1 else ""
                yield (
                    f"{column.name}: members {who} have one address{but} ({', '.join(spelt)}); "
                    "nothing is merged, and each gets a newsletter"
                )
