"""The merge file for an e-mail platform: one row a member, as JSON lines and as CSV.

Both say the same. The row of a member holds the subject line and, for each slot that is filled,
title, summary, url and image; the url carries the slot's event id. A member whose newsletter would
be empty has no row. In the CSV, a text that a spreadsheet would take for a formula (it begins with
= + - or @) has a zero-width space in front, which no mail shows. Open this file to see what a
platform is given.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bandit.core.types import Ints
from serving.letters.links import split_link
from serving.letters.plain import FORMULA, keep_from_sheets
from serving.letters.texts import Texts

SHOWN = ("title", "summary", "url", "image", "event")


def write_merge(
    tables: Iterable[pa.Table], texts: Texts, slots: int, lines: Path, sheet: Path
) -> int:
    """Write the rows of the members in `tables`, and return how many there are.

    tables: of slates, with all slots of each member
    lines, sheet: the files of JSON lines and of CSV

    Raises ValueError for a member id that a spreadsheet would take for a formula: it cannot be
    changed, since the platform finds the member by it.
    """
    count, filler = 0, _Filler(texts, slots)
    with lines.open("wb") as json_file, sheet.open("wb") as csv_file:
        csv_file.write(",".join(f'"{name}"' for name in filler.columns).encode() + b"\n")
        for table in tables:
            mails = filler.fill(table)
            count += len(mails.member)
            json_file.write(_get_bytes(filler.write_json(mails)))
            options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
            pyarrow.csv.write_csv(filler.write_csv(mails), csv_file, options)
    return count


class _Mails:
    """Some mails: member and mail ids [n], the place of each slot's article [n, k], event ids."""

    def __init__(self, table: pa.Table, texts: Texts, slots: int) -> None:
        place = pc.fill_null(pc.index_in(table["article"], value_set=pa.array(texts.article)), -1)
        choice = place.to_numpy().reshape(-1, slots)
        sent = (choice >= 0).any(axis=1)
        self.choice: Ints = choice[sent]
        first = np.flatnonzero(sent) * slots
        self.member = table["member"].take(pa.array(first)).combine_chunks()
        self.mail = table["mail"].take(pa.array(first)).combine_chunks()
        event = table["event"].combine_chunks()
        self.event = [event.take(pa.array(first + slot)) for slot in range(slots)]
        lead = self.choice[np.arange(len(first)), (self.choice >= 0).argmax(axis=1)]
        self.lead = pa.array(lead)


class _Filler:
    """Fills rows with what each article shows, by joining pieces that are made once an article."""

    def __init__(self, texts: Texts, slots: int) -> None:
        self._texts, self._slots = texts, slots
        self.columns = [
            *("member", "mail", "subject"),
            *(f"{name}_{slot}" for slot in range(1, slots + 1) for name in SHOWN),
        ]
        self._before, self._behind = zip(
            *(split_link(url) if url else ("", "") for url in texts.url), strict=True
        )

    def fill(self, table: pa.Table) -> _Mails:
        """The mails of a piece of the slates."""
        return _Mails(table, self._texts, self._slots)

    def write_csv(self, mails: _Mails) -> pa.Table:
        """A column for each cell, text all of them; nothing in the cells of an empty slot."""
        ids = mails.member.cast(pa.string())
        if pa.types.is_string(mails.member.type) or pa.types.is_large_string(mails.member.type):
            odd = pc.index(pc.match_substring_regex(ids, FORMULA), True).as_py()
            if odd >= 0:
                raise ValueError(
                    f"member {ids[odd].as_py()!r}: the id begins like a spreadsheet's formula, "
                    "which a merge file must not hold; ids may not begin with = + - @"
                )
        subject = _take([keep_from_sheets(text) for text in self._texts.subject], mails.lead)
        columns = [ids, mails.mail, subject]
        plain = {
            name: [keep_from_sheets(text) for text in getattr(self._texts, name)]
            for name in ("title", "summary", "image")
        }
        for slot in range(self._slots):
            place = _place(mails.choice[:, slot])
            event = pc.if_else(pc.is_valid(place), mails.event[slot], "")
            cells = {name: pc.fill_null(_take(text, place), "") for name, text in plain.items()}
            cells |= {"event": event, "url": pc.fill_null(self._link(place, mails, slot), "")}
            columns += [cells[name] for name in SHOWN]
        return pa.table(dict(zip(self.columns, columns, strict=True)))

    def write_json(self, mails: _Mails) -> pa.Array:
        """A line for each mail."""
        members = mails.member.cast(pa.string())
        if not pa.types.is_integer(mails.member.type):
            members = pa.array([_quote(one) for one in members.to_pylist()])
        subjects = _take([_quote(text) for text in self._texts.subject], mails.lead)
        head = pc.binary_join_element_wise(
            '{"member": ', members, ', "mail": "', mails.mail, '", "subject": ', subjects, ""
        )
        pieces = [head, pa.scalar(', "slots": [')]
        begun = pa.array(np.zeros(len(members), dtype=bool))
        for slot in range(self._slots):
            place = _place(mails.choice[:, slot])
            there = pc.is_valid(place)
            piece = self._describe(place, mails, slot)
            comma = pc.if_else(pc.and_(begun, there), ", ", "")
            pieces += [comma, pc.fill_null(piece, "")]
            begun = pc.or_(begun, there)
        return pc.binary_join_element_wise(*pieces, pa.scalar("]}\n"), "")

    def _describe(self, place: pa.Array, mails: _Mails, slot: int) -> pa.Array:
        """One slot as a JSON object; null where it is empty."""
        texts = self._texts
        heads, links, ends = [], [], []
        for j, article in enumerate(texts.article):
            told = {"slot": slot + 1, "article": article, "title": texts.title[j]}
            told |= {"summary": texts.summary[j], "image": texts.image[j]}
            heads.append(json.dumps(told, ensure_ascii=False)[:-1] + ', "event": "')
            url = texts.url[j]
            links.append('", "url": ' + (_quote(self._before[j])[:-1] if url else '""'))
            ends.append(_quote(self._behind[j])[1:] + "}" if url else "}")
        event = mails.event[slot]
        tracked = pc.if_else(_take([bool(url) for url in texts.url], place), event, "")
        return pc.binary_join_element_wise(
            _take(heads, place), event, _take(links, place), tracked, _take(ends, place), ""
        )

    def _link(self, place: pa.Array, mails: _Mails, slot: int) -> pa.Array:
        """The slot's link with its event id; "" for an article without one."""
        tracked = pc.if_else(
            _take([bool(url) for url in self._texts.url], place), mails.event[slot], ""
        )
        before, behind = _take(self._before, place), _take(self._behind, place)
        return pc.binary_join_element_wise(before, tracked, behind, "")


def _place(choice: Ints) -> pa.Array:
    return pa.array(choice, mask=choice < 0)


def _take(values: Iterable[object], place: pa.Array) -> pa.Array:
    """The values at some places; null where a place is."""
    return pa.array(list(values)).take(place)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _get_bytes(texts: pa.Array) -> memoryview:
    """All of the texts, one behind the other, as they lie in memory."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset :]
    return memoryview(data)[int(ends[0]) : int(ends[len(texts)])]
