"""Rows of any provider as records of one form, a table for each piece of a file.

Nothing is looked up here: what a row says of itself is read, and a row that says too little is set
aside. Open this file for how each column comes about.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timezone
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.types import Bools, Floats
from bandit.log.events import METHODS
from serving.ingest.reading.agents import find_agent, find_network
from serving.ingest.reading.fields import Row, to_array
from serving.ingest.reading.links import BARE, TOKEN, clean_link
from serving.ingest.reading.mapping import Field, Mapping
from serving.ingest.reading.rows import Bad
from serving.ingest.reading.schema import ASIDE, SCHEMA
from serving.ingest.reading.times import WHY, parse_times, parse_zone


@dataclass(frozen=True)
class Records:
    """A piece of a file.

    table: the rows that can be read, with the columns of SCHEMA
    aside: those that cannot, with the columns of ASIDE
    milliseconds: how many times were in milliseconds
    """

    table: pa.Table
    aside: pa.Table
    milliseconds: int = 0


def read_records(mapping: Mapping, piece: Sequence[Row | Bad]) -> Records:
    """The records of a piece of a file."""
    bad = [(each.why, each.text) for each in piece if isinstance(each, Bad)]
    rows = [value for value in piece if not isinstance(value, Bad)]
    if mapping.rows:
        rows = [row for value in rows for row in mapping.unfold(value)]
    names = set[str]().union(*rows)

    def read(field: Field | None) -> pa.Array:
        return field.read(rows, names) if field else pa.nulls(len(rows), pa.string())

    zone = parse_zone(mapping.zone) if mapping.zone else None
    time, why, milliseconds = parse_times(mapping.time.collect(rows, names), zone, mapping.format)
    when = {name: _read_time(getattr(mapping, name), rows, zone) for name in ("sent", "arrived")}
    theirs = read(mapping.kind)
    kind = _translate(theirs, lambda word: find_word(mapping.kinds, word))
    reason = pa.array(WHY).take(pa.array(why))
    said = pc.binary_join_element_wise("kind ", pc.fill_null(theirs, "none"), " is not read", "")
    reason = pc.if_else(pc.is_null(kind), said, reason)
    passed = pc.binary_join_element_wise(
        "kind ", pc.fill_null(theirs, "none"), " tells nothing", ""
    )
    reason = pc.if_else(pc.equal(pc.fill_null(kind, ""), "ignore"), passed, reason)
    url = read(mapping.url)
    link = pc.replace_substring_regex(pc.fill_null(url, ""), BARE, "\\1")
    event = read(mapping.event)
    verdict = _translate(read(mapping.verdict), lambda word: find_word(mapping.verdicts, word))
    method = pc.utf8_upper(pc.fill_null(read(mapping.method), "GET"))
    method = pc.if_else(pc.is_in(method, pa.array(METHODS)), method, "GET")
    one_click = pc.and_(pc.equal(pc.fill_null(kind, ""), "unsubscribe"), pc.is_null(url))
    columns = {
        "kind": kind,
        "event": _fill(event, rows),
        "message": read(mapping.message),
        **{name: read(getattr(mapping, name)) for name in ("mail", "member", "campaign", "send")},
        "address": pc.utf8_trim_whitespace(read(mapping.address)),
        "token": pc.coalesce(read(mapping.token), _find_token(url)),
        "link": _translate(link, lambda text: clean_link(text) if text else ""),
        "agent": _read_agents(mapping, rows),
        "verdict": pc.fill_null(verdict, "none"),
        "method": pc.if_else(one_click, "POST", method),
        "network": _translate(_cut_machine(pc.fill_null(read(mapping.network), "")), find_network),
        "provider": pa.array([mapping.provider] * len(rows), pa.string()),
        "time": pa.array(time),
        **{name: pa.array(values) for name, values in when.items()},
        "slot": _read_numbers(read(mapping.slot)),
    }
    good: Bools = pc.equal(reason, "").to_numpy(zero_copy_only=False)
    lost = np.flatnonzero(~good)
    texts = [_write(rows[row]) for row in lost.tolist()]
    bad += zip(reason.take(pa.array(lost)).to_pylist(), texts, strict=True)
    table = pa.table({name: columns[name] for name in SCHEMA.names}, SCHEMA)
    parts = [to_array([each[place] for each in bad]) for place in (0, 1)]
    aside = pa.table(dict(zip(ASIDE.names, parts, strict=True)), ASIDE)
    return Records(table.filter(pa.array(good)), aside, milliseconds)


def _read_agents(mapping: Mapping, rows: Sequence[Row]) -> pa.Array:
    """What made each request; a browser, which speaks neither way, where a provider never says."""
    if mapping.agent is None:
        return pa.array(["browser"] * len(rows), pa.string())
    return _translate(pc.fill_null(mapping.agent.read(rows), ""), find_agent)


def find_word(words: dict[str, str], word: str) -> str | None:
    """What a word means; a joined one (`Bounce/Transient`) by its beginning; "*" is any other."""
    text = word
    while text not in words and "/" in text:
        text = text.rpartition("/")[0]
    return words.get(text, words.get("*"))


def _read_time(field: Field | None, rows: Sequence[Row], zone: timezone | None) -> Floats:
    if field is None:
        return np.full(len(rows), np.nan)
    return parse_times(field.collect(rows), zone)[0]


def _translate(column: pa.Array, meaning: Callable[[str], str | None]) -> pa.Array:
    """Each text as what it means; every different text is asked about once."""
    coded = column.dictionary_encode()
    words = pa.array([meaning(word) for word in coded.dictionary.to_pylist()], pa.string())
    return words.take(coded.indices)


def _cut_machine(address: pa.Array) -> pa.Array:
    """Addresses of four numbers without the last one, which the network does not have."""
    return pc.replace_substring_regex(address, r"^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$", r"\1.0")


def _find_token(url: pa.Array) -> pa.Array:
    return pc.struct_field(pc.extract_regex(url, TOKEN), "token")


def _read_numbers(column: pa.Array) -> pa.Array:
    """Whole numbers of at most three digits; null for what is none."""
    good = pc.fill_null(pc.match_substring_regex(column, r"^\d{1,3}$"), False)
    return pc.if_else(good, column, None).cast(pa.float64())


def _fill(event: pa.Array, rows: Sequence[Row]) -> pa.Array:
    """The events' ids; where a row has none, a digest of all that it says."""
    missing = np.flatnonzero(pc.is_null(event).to_numpy(zero_copy_only=False))
    if not len(missing):
        return event
    ids = event.to_pylist()
    for row in missing.tolist():
        ids[row] = blake2b(_write(rows[row]).encode("utf-8", "replace"), digest_size=10).hexdigest()
    return to_array(ids)


def _write(row: Row) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)
