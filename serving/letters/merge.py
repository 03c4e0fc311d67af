"""The merge file for an e-mail platform: one row a member, as JSON lines and as CSV.

Both say the same. The row of a member holds the subject line and, for each slot that is filled,
title, summary, url and image; the url carries the slot's event id. A member whose newsletter would
be empty has no row. In the CSV, a text that a spreadsheet would take for a formula (it begins with
= + - or @) has a zero-width space in front, which no mail shows; ids that begin so were refused
when the member list was read (`serving.checks.lines`). Open this file to see what a
platform is given.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.types import Array, Bools, Ids, Ints
from serving.letters.links import split_link
from serving.letters.plain import keep_from_sheets
from serving.letters.texts import Texts

SHOWN = ("title", "summary", "url", "image", "event")
# members whose rows are joined at a time: they fit the processor's cache, and the rows of more are
# given back to the system after each piece and fetched again
_PIECE = 500
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def write_merge(
    tables: Iterable[pa.Table], texts: Texts, slots: int, lines: Path, sheet: Path
) -> Iterator[pa.Table]:
    """Write the rows of the members in `tables`, and hand each table on once that is done.

    tables: of slates, with all slots of each member
    lines, sheet: the files of JSON lines and of CSV; whole when the last table is handed on
    """
    json_row, csv_row = _Json(texts, slots), _Csv(texts, slots)
    with lines.open("wb") as json_file, sheet.open("wb") as csv_file:
        csv_file.write(csv_row.title)
        for table in tables:
            for start in range(0, len(table), _PIECE * slots):
                mails = _Mails(table.slice(start, _PIECE * slots), texts, slots)
                json_file.write(_join(json_row.list_pieces(mails)))
                csv_file.write(_join(csv_row.list_pieces(mails)))
            yield table


class _Mails:
    """Some mails that show something.

    member: [n], the ids as they are written
    named: whether ids are text, not whole numbers
    mail: [n], ids as bytes
    choice: [n, k], the place of each slot's article; -1 for an empty slot
    event: [n, k], ids as bytes; b"" for an empty slot
    tracked: the same; b"" also for an article without a link
    lead: [n], the place of the first article
    """

    def __init__(self, table: pa.Table, texts: Texts, slots: int) -> None:
        place = pc.fill_null(pc.index_in(table["article"], value_set=pa.array(texts.article)), -1)
        choice: Ints = place.to_numpy().reshape(-1, slots)
        sent = (choice >= 0).any(axis=1)
        first = pa.array(np.flatnonzero(sent) * slots)
        self.named = not pa.types.is_integer(table["member"].type)
        self.member: list[str] = table["member"].take(first).cast(pa.string()).to_pylist()
        self.mail = _read_bytes(table["mail"].take(first))
        self.choice, filled = choice[sent], choice[sent] >= 0
        event = _read_bytes(table["event"]).reshape(-1, slots)[sent]
        self.event = np.where(filled, event, b"")
        linked: Bools = np.array([*map(bool, texts.url), False])
        self.tracked = np.where(linked[self.choice], event, b"")
        self.lead = self.choice[np.arange(len(filled)), filled.argmax(axis=1)]


class _Json:
    """A line for each mail, of pieces that are made once an article."""

    def __init__(self, texts: Texts, slots: int) -> None:
        self._subjects = _encode(map(_quote, texts.subject))
        starts = [list(_begin_json(texts, slot)) for slot in range(1, slots + 1)]
        # of a mail's first filled slot, and of those behind it
        self._heads = [(_encode(own), _encode(", " + each for each in own)) for own in starts]
        links = [split_link(url) if url else ("", "") for url in texts.url]
        self._links = _encode('", "url": ' + _quote(before)[:-1] for before, _ in links)
        self._ends = _encode(_quote(behind)[1:] + "}" for _, behind in links)

    def list_pieces(self, mails: _Mails) -> list[Array | bytes]:
        """The pieces of a row in order: one for all mails, or each one's [n]."""
        ids = _encode(map(_quote, mails.member) if mails.named else mails.member)[:-1]
        pieces: list[Array | bytes] = [b'{"member": ', ids, b', "mail": "', mails.mail]
        pieces += [b'", "subject": ', self._subjects[mails.lead], b', "slots": [']
        begun: Bools = np.zeros(len(ids), dtype=bool)
        for slot, (first, later) in enumerate(self._heads):
            place = mails.choice[:, slot]
            head = later[place] if begun.all() else np.where(begun, later[place], first[place])
            pieces += [head, mails.event[:, slot], self._links[place]]
            pieces += [mails.tracked[:, slot], self._ends[place]]
            begun |= place >= 0
        return [*pieces, b"]}\n"]


class _Csv:
    """A row of cells for each mail, all of them in quotation marks.

    A piece leaves the last cell that it begins open, and the next one closes it.

    title: the first row, which names the columns
    """

    def __init__(self, texts: Texts, slots: int) -> None:
        shown = [f"{name}_{slot}" for slot in range(1, slots + 1) for name in SHOWN]
        names = ["member", "mail", "subject", *shown]
        self.title = ",".join(map(_quote_cell, names)).encode() + b"\n"
        subject, title, summary, image = (
            [_quote_cell(keep_from_sheets(text)) for text in column]
            for column in (texts.subject, texts.title, texts.summary, texts.image)
        )
        links = [split_link(url) if url else ("", "") for url in texts.url]
        self._subjects = _encode(cell[:-1] for cell in subject)
        begun = zip(title, summary, links, strict=True)
        self._heads = _encode(
            (f'",{told},{more},{_quote_cell(before)[:-1]}' for told, more, (before, _) in begun),
            empty='","","","',
        )
        ended = zip(links, image, strict=True)
        self._ends = _encode(
            (f'{_quote_cell(behind)[1:]},{picture},"' for (_, behind), picture in ended),
            empty='","","',
        )

    def list_pieces(self, mails: _Mails) -> list[Array | bytes]:
        """The pieces of a row in order: one for all mails, or each one's [n]."""
        ids = _encode(map(_quote_cell, mails.member))[:-1]
        pieces = [ids, b',"', mails.mail, b'",', self._subjects[mails.lead]]
        for slot, place in enumerate(mails.choice.T):
            pieces += [self._heads[place], mails.tracked[:, slot], self._ends[place]]
            pieces.append(mails.event[:, slot])
        return [*pieces, b'"\n']


def _begin_json(texts: Texts, slot: int) -> Iterable[str]:
    """A slot's object up to its event id, for each article."""
    for j, article in enumerate(texts.article):
        told = {"slot": slot, "article": article, "title": texts.title[j]}
        told |= {"summary": texts.summary[j], "image": texts.image[j]}
        yield _ENCODER.encode(told)[:-1] + ', "event": "'


def _join(pieces: list[Array | bytes]) -> bytes:
    """The rows, one behind the other."""
    n = max(len(piece) for piece in pieces if not isinstance(piece, bytes))
    rows: Ids = np.empty((n, len(pieces)), dtype=object)
    for column, piece in enumerate(pieces):
        rows[:, column] = piece
    return b"".join(rows.ravel().tolist())


def _encode(texts: Iterable[str], empty: str = "") -> Ids:
    """The texts as bytes [m + 1]; the last is for place -1, an empty slot."""
    listed = [text.encode() for text in (*texts, empty)]
    encoded = np.empty(len(listed), dtype=object)
    encoded[:] = listed
    return encoded


def _read_bytes(texts: pa.ChunkedArray) -> Ids:
    """The texts of a column as bytes."""
    return np.asarray(texts.cast(pa.binary()).to_numpy(zero_copy_only=False))


def _quote(text: str) -> str:
    return _ENCODER.encode(text)


def _quote_cell(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
