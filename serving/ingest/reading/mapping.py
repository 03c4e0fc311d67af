"""What a provider calls things: a mapping from the fields of its rows to ours, as a yaml says it.

The mappings of the providers that are known stand in `providers/`, and anybody's own has the same
form. A field is named by its path (`client-info.bot`), by several paths of which the first that is
there counts (`[click.timestamp, open.timestamp]`), or by `join`, `until`, `lower` (see `Field`).
Open this file to see what a mapping may say.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.told import read
from bandit.log.events import VERDICTS
from serving.ingest.reading.fields import Row, follow, join, read_path, take_one, to_text
from serving.ingest.reading.times import parse_zone
from serving.settings import read_settings

KINDS = ("delivered", "open", "click", "unsubscribe", "bounce", "complaint", "ignore")
HERE = Path(__file__).parent / "providers"


@dataclass(frozen=True)
class Field:
    """Where a value stands in a row.

    first: paths, of which the first that holds something counts
    join: paths whose values are joined by "/"; those that hold nothing are left out
    until: what stands behind the first of this mark is cut off
    lower: capital letters do not count

    Raises ValueError where there is no path, or there are some of both kinds.
    """

    first: list[str] = field(default_factory=list)
    join: list[str] = field(default_factory=list)
    until: str = ""
    lower: bool = False

    def __post_init__(self) -> None:
        if bool(self.first) == bool(self.join):
            raise ValueError("must name one path, several, or paths to join")

    def collect(self, rows: Sequence[Row], names: Container[str] | None = None) -> list[object]:
        """The value in each row, as it was written; None where there is none.

        names: all that the rows have at their top; other paths need not be followed
        """
        if self.join or self.until or self.lower:
            return list(self.read(rows, names).to_pylist())
        found: list[object] = [None] * len(rows)
        for path in self._choose(self.first, names):
            more = [take_one(v) for v in follow(path, rows)]
            found = [b if a is None else a for a, b in zip(found, more, strict=True)]
        return found

    def read(self, rows: Sequence[Row], names: Container[str] | None = None) -> pa.Array:
        """The value in each row as text; null where there is none."""
        joined, first = self._choose(self.join, names), self._choose(self.first, names)
        if not joined and not first:
            return pa.nulls(len(rows), pa.string())
        parts = [read_path(path, rows) for path in joined or first]
        if self.join:
            text = reduce(join, parts)
        else:
            text = pc.coalesce(*parts) if len(parts) > 1 else parts[0]
        if self.until:
            text = pc.list_element(pc.split_pattern(text, self.until, max_splits=1), 0)
        return pc.utf8_lower(text) if self.lower else text

    def _choose(self, paths: Sequence[str], names: Container[str] | None) -> Sequence[str]:
        """The paths of which some row may have something."""
        if names is None:
            return paths
        return [path for path in paths if path.partition(".")[0] in names]


@dataclass(frozen=True)
class Mapping:
    """What a provider's rows are called. All but provider, kind, kinds and time may be left out.

    provider: name
    found_by: fields that together only this provider's rows have; `a|b` is either of two
    rows: paths to the rows within a value that holds several; what stands around them belongs to
        each, and `position` is its place in the list
    event: id of the event; without it, an event is known by all that its row says
    message: id of the mail, as the provider gave it
    mail: our id of the mail, as the merge file has it
    member: our id of the member
    campaign: the campaign's name, as it was sent
    token: our id of a slot; without it, the parameter `lb` of the link
    send: id of the mailing, as the provider gave it
    address: the recipient's
    kind: the provider's word for what happened
    kinds: what each such word means: delivered, open, click, unsubscribe, bounce (the mail is given
        up), complaint or ignore. Of a joined word (`Bounce/Transient`) its beginning will do
    time: when it happened
    zone: how far times without a zone are from UTC, such as -06:00; without it they are set aside
    format: how `time` is written, as in `strptime`; without it, as in `parse_times`
    sent: when the mail went out, written as in `parse_times`
    arrived: when the provider received the event, written likewise
    url: the link
    slot: the slot, from 1, if the link is tagged with it
    agent: the user agent of the request
    method: GET, HEAD or POST; any other counts as GET
    network: the address or the network that the request came from
    verdict: the provider's word for who made the request
    verdicts: what each such word means: none, person, proxy or bot; "*" is any other word

    Raises ValueError for a word that means nothing of ours, and for a zone that is none.
    """

    provider: str
    kind: Field
    kinds: dict[str, str]
    time: Field
    found_by: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    event: Field | None = None
    message: Field | None = None
    mail: Field | None = None
    member: Field | None = None
    campaign: Field | None = None
    token: Field | None = None
    send: Field | None = None
    address: Field | None = None
    zone: str | None = None
    format: str | None = None
    sent: Field | None = None
    arrived: Field | None = None
    url: Field | None = None
    slot: Field | None = None
    agent: Field | None = None
    method: Field | None = None
    network: Field | None = None
    verdict: Field | None = None
    verdicts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, words, known in (
            ("kinds", self.kinds, KINDS),
            ("verdicts", self.verdicts, VERDICTS),
        ):
            for theirs, ours in words.items():
                if ours not in known:
                    must = f"must be one of {', '.join(known)}"
                    raise ValueError(f"{name}: {theirs!r} means {ours!r}; {must}")
        if self.zone is not None:
            try:
                parse_zone(self.zone)
            except ValueError:
                raise ValueError(f"zone = {self.zone!r}: must be such as -06:00") from None

    @classmethod
    def parse(cls, told: dict[str, object]) -> "Mapping":
        """The mapping that a yaml says. Raises ValueError naming each setting at fault."""
        hints, full = get_type_hints(cls), dict(told)
        for name, value in told.items():
            if hints.get(name) in (Field, Field | None):
                full[name] = _write_out(value)
            elif hints.get(name) == dict[str, str]:
                full[name] = _to_words(value)
        return read(cls, full)

    def unfold(self, value: Row) -> list[Row]:
        """The rows within a value."""
        for path in self.rows:
            found = _unfold(value, path.split("."))
            if found is not None:
                return found
        return [value]

    def fits(self, row: Row) -> bool:
        """Whether a row has the fields by which the provider is known."""
        paths = [path.split("|") for path in self.found_by]
        return bool(paths) and all(any(_has(row, way.split(".")) for way in ways) for ways in paths)


def _write_out(value: object) -> object:
    """What is said of a field, in full: of one path, or several, the first counts."""
    if isinstance(value, str):
        return {"first": [value]}
    return {"first": value} if isinstance(value, list) else value


def _to_words(value: object) -> object:
    """The words of a table as text: yaml reads `true` and `27` as what they look like."""
    if not isinstance(value, dict):
        return value
    return {to_text(theirs) or str(theirs): to_text(ours) for theirs, ours in value.items()}


def _has(row: object, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(row, dict) or key not in row:
            return False
        row = row[key]
    return True


def _unfold(value: Row, path: Sequence[str]) -> list[Row] | None:
    """The rows at a path, with what stands around them; None where there is no such path."""
    if not path:
        return [value]
    inner = value.get(path[0])
    if not isinstance(inner, list | dict):
        return None
    around = {key: each for key, each in value.items() if key != path[0]}
    items = inner if isinstance(inner, list) else [inner]
    found: list[Row] = []
    for position, item in enumerate(items):
        if isinstance(item, dict):
            found += _unfold({**around, "position": position, **item}, path[1:]) or []
        else:
            found.append({**around, "position": position, path[0]: item})
    return found


def read_mapping(path: str | Path) -> Mapping:
    """The mapping that a yaml says. Raises ValueError naming file and setting."""
    content, _ = read_settings(path, "provider: mine")
    try:
        return Mapping.parse(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


@cache
def list_known() -> tuple[Mapping, ...]:
    """The mappings of the providers that are known."""
    return tuple(read_mapping(path) for path in sorted(HERE.glob("*.yaml")))


def find_mapping(rows: Iterable[Row], own: Sequence[Mapping]) -> Mapping | None:
    """Whose rows these are, by the first that is unmistakably somebody's; None where none is.

    Lists without an event, as of a page on which nobody did anything, are whose lists are such.

    own: mappings that are not known here, which are tried first; one without `found_by` takes
        whatever is nobody else's
    """
    rows = list(rows)
    for some in (own, list_known()):
        for row in rows if some else ():
            found = [each for each in some if any(map(each.fits, each.unfold(row)[:1]))]
            if len(found) == 1:
                return found[0]
            if len(found) > 1:
                names = " and ".join(each.provider for each in found)
                raise ValueError(f"it could be of {names}; name one by --mapping")
    silent = [each for each in list_known() if any(not each.unfold(row) for row in rows)]
    return next((each for each in own if not each.found_by), silent[0] if silent else None)
