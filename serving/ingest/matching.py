"""Which mail a record is about, and which link of it.

A record may name the slot (the event id in its link), the mail, or the member, as the merge file
gave them to the platform; or the provider's own id of the mail, which some other record of the same
mail ties to ours; or only an address. Open this file to see in which order they are believed.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.types import Bools, Ints
from serving.checks.names import find_near, name_plainly
from serving.errors import shorten
from serving.ingest.book import Book, flatten
from serving.ingest.ids import Ids, Owners
from serving.ingest.reading.links import Places
from serving.tables.table import Table

NAMES = ("token", "mail", "member", "campaign", "send", "provider", "message", "address")
NOWHERE = "it says of no mail of this send"
OTHER = "its link is another article's than its slot's: is this the send that was mailed?"
TWO = "it has the ids of two mails"
# what a column of addresses may be called, in plain names
ADDRESS = ("email", "email_address", "e_mail_address", "e_mail", "address")


@dataclass(frozen=True)
class Found:
    """Where some records [rows] belong.

    at: [rows], the mail's row in the book; -1 where it is not known
    slot: [rows], from 1; 0 for none
    why: [rows] text, why it cannot be used; "" where it can
    """

    at: Ints
    slot: Ints
    why: pa.Array


@dataclass
class Matcher:
    """Finds the mails of records, when it has learned which messages are whose.

    book: of the send
    places: of links that are no article's
    addresses: whose they are, as far as it was told
    sends: the provider's ids of the mailings that count; none: all
    """

    book: Book
    places: Places
    addresses: Owners | None = None
    sends: tuple[str, ...] = ()
    _keys: list[pa.Table] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._events, self._mails = Ids(self.book.events), Ids(self.book.mails)
        self._members = Ids(self.book.members.cast(pa.string()))
        self._links = {link: code for code, link in enumerate(self.book.links)}

    def learn(self, table: pa.Table) -> None:
        """Learn from records that name the mail which message it is; all that counts is NAMES."""
        found = self._find_named(table)
        at = np.where(self._find_other(table), -1, found.at)
        at[pc.not_equal(found.why, "").to_numpy(zero_copy_only=False)] = -1
        good = pa.array(at >= 0)
        pairs = pa.table({"key": _name_messages(table), "at": at}).filter(good)
        self._keys.append(_list_pairs(pairs))
        if len(self._keys) > 20:
            self._keys = [_list_pairs(pa.concat_tables(self._keys))]
        vague = pc.and_(pc.is_null(table["token"]), pc.is_null(table["mail"]))
        vague = pc.and_(vague, pc.is_null(table["campaign"]))
        self._ids |= set(table["send"].filter(vague).unique().drop_null().to_pylist())

    def settle(self) -> None:
        """Learn no more: messages that are two members' are nobody's.

        Raises ValueError where records of several mailings could be meant.
        """
        if len(self._ids) > 1 and not self.sends:
            raise ValueError(
                f"the files are of several mailings, {', '.join(sorted(self._ids)[:5])}, and their "
                "rows do not say which is this campaign's: name it by --mailing"
            )
        none = pa.table({"key": pa.array([], pa.string()), "at": pa.array([], pa.int64())})
        pairs = pa.concat_tables([none, *self._keys])
        self._keys = []
        self._messages = Owners(flatten(pairs["key"]), pairs["at"].to_numpy())

    def find(self, table: pa.Table) -> Found:
        """Where the records of a table belong."""
        named = self._find_named(table)
        at, why = named.at, named.why
        other = self._find_other(table)
        why = pc.if_else(pa.array(other), "it is of another mailing", why)
        at = np.where(at < 0, self._messages.find(_name_messages(table)), at)
        if self.addresses is not None:
            theirs = pc.utf8_lower(flatten(table["address"]))
            at = np.where(at < 0, self.addresses.find(theirs), at)
        nowhere = pc.and_(pc.equal(why, ""), pa.array(at < 0))
        why = pc.if_else(nowhere, NOWHERE, why)
        at = np.where(pc.equal(why, "").to_numpy(zero_copy_only=False), at, -1)
        return Found(at, named.slot, why)

    def _find_named(self, table: pa.Table) -> Found:
        """Where records belong by what we gave the platform: event id, mail, member, campaign."""
        book, k = self.book, self.book.rules.slots
        n = len(table)
        token, mail, member = (flatten(table[name]) for name in ("token", "mail", "member"))
        event = self._events.find(token)
        by_token = np.where(event >= 0, event // k, self._mails.find(token))
        ways = (
            ("its event id is of no mail of this send", token, by_token),
            ("its mail is of no mail of this send", mail, self._mails.find(mail)),
            ("its member was not mailed", member, self._members.find(member)),
        )
        at, why = np.full(n, -1), pa.array([""] * n, pa.string())
        for reason, given, found in ways:
            strange = pc.and_(pc.is_valid(given), pa.array(found < 0))
            differ = (found >= 0) & (at >= 0) & (found != at)
            why = pc.if_else(pc.and_(pc.equal(why, ""), strange), reason, why)
            why = pc.if_else(pc.and_(pc.equal(why, ""), pa.array(differ)), TWO, why)
            at = np.where(at < 0, found, at)
        other = pc.fill_null(pc.not_equal(table["campaign"], book.campaign), False)
        why = pc.if_else(flatten(other), "it is of another campaign", why)
        slot = np.where(event >= 0, event % k + 1, 0)
        return Found(at, slot, why)

    def _find_other(self, table: pa.Table) -> Bools:
        """Which records are of other mailings than those that count."""
        if not self.sends:
            return np.zeros(len(table), dtype=bool)
        ours = pc.is_in(table["send"], value_set=pa.array(self.sends, pa.string()))
        other = pc.and_(pc.is_valid(table["send"]), pc.invert(ours))
        return np.asarray(other.to_numpy(zero_copy_only=False), dtype=bool)

    def find_links(self, table: pa.Table, found: Found) -> tuple[pa.Table, Found]:
        """The same records with slots and places of their links, and the kinds that follow.

        A click on no article's link is an unsubscribe or other; one on no link that is known is
        set aside, and one whose event id is of another article's slot, as in the book of a send
        that was made again and not mailed.
        """
        click = pc.equal(table["kind"], "click").to_numpy(zero_copy_only=False)
        link = flatten(table["link"])
        coded = link.dictionary_encode()
        words = coded.dictionary.to_pylist()
        place = pa.array([self.places.find(word) if word else "" for word in words], pa.string())
        place = place.take(coded.indices)
        place = pc.if_else(pa.array(click), pc.fill_null(place, ""), "")
        listed = pc.not_equal(place, "").to_numpy(zero_copy_only=False)
        code = np.array([self._links.get(word, -1) for word in words] + [-1])
        code = code[coded.indices.fill_null(-1).to_numpy()]
        slot, many = self._find_slots(found, code)
        tagged = pc.fill_null(flatten(table["slot"]), 0.0).to_numpy().astype(np.int64)
        k = self.book.rules.slots
        at = np.maximum(found.at, 0)
        filled = self.book.choice[at, np.clip(tagged - 1, 0, k - 1)] >= 0
        fits = (tagged >= 1) & (tagged <= k) & filled & (found.at >= 0)
        slot = np.where(found.slot > 0, found.slot, np.where(fits, tagged, slot))
        slot = np.where(click & ~listed, slot, 0)
        shown = self.book.choice[at, np.clip(slot - 1, 0, k - 1)] >= 0
        theirs = self.book.link[self.book.choice[at, np.clip(slot - 1, 0, k - 1)]]
        strange = (slot > 0) & shown & (code >= 0) & (theirs != code)
        lost = click & ~listed & ((slot == 0) | ~shown | strange)
        reasons = pc.if_else(
            pa.array(many & (slot == 0)),
            "its link is in two slots",
            pc.if_else(
                pa.array(code >= 0),
                "its article is not in the member's mail",
                "its link is nobody's: see --links",
            ),
        )
        reasons = pc.if_else(pa.array(strange), OTHER, reasons)
        unused = pc.and_(pc.equal(found.why, ""), pa.array(lost))
        why = pc.if_else(unused, reasons, found.why)
        leaves = pc.equal(place, "unsubscribe")
        kind = pc.if_else(
            pa.array(listed), pc.if_else(leaves, "unsubscribe", "other"), flatten(table["kind"])
        )
        table = table.set_column(table.schema.get_field_index("kind"), "kind", kind)
        at = np.where(pc.equal(why, "").to_numpy(zero_copy_only=False), found.at, -1)
        return table.append_column("place", place), Found(at, slot, why)

    def _find_slots(self, found: Found, code: Ints) -> tuple[Ints, Bools]:
        """The slot of each record's link in its mail, 0 for none; and whether there are several."""
        rows = np.flatnonzero((found.at >= 0) & (code >= 0) & (found.slot == 0))
        same = self.book.link[self.book.choice[found.at[rows]]] == code[rows, None]
        slot, many = np.zeros(len(code), dtype=np.int64), np.zeros(len(code), dtype=bool)
        count = same.sum(axis=1)
        slot[rows] = np.where(count == 1, same.argmax(axis=1) + 1, 0)
        many[rows] = count > 1
        return slot, many


def _name_messages(table: pa.Table) -> pa.Array:
    """What tells a message from others: the provider's id of it and to whom it went.

    One request to a provider may go to many under one id.
    """
    to = pc.fill_null(table["address"], "")
    return flatten(pc.binary_join_element_wise(table["provider"], table["message"], to, "\n"))


def _list_pairs(pairs: pa.Table) -> pa.Table:
    valid = pairs.filter(pc.is_valid(pairs["key"]))
    return valid.group_by(["key", "at"]).aggregate([])


def read_addresses(path: str, book: Book, encoding: str = "utf-8") -> Owners:
    """Whose each address is, by a table with a column of members and one of addresses.

    Raises ValueError where there is not one such column, or none of the members was mailed.
    """
    table = Table.read(path, ["member"], all_columns=True, encoding=encoding)
    names = [name for name in table.columns.column_names if name != "member"]
    found = [name for name in names if name_plainly(name) in ADDRESS]
    if not found:
        near = next(filter(None, (find_near(name, names) for name in ADDRESS)), "")
        hint = f"; the nearest is {near!r}: rename it" if near else ""
        raise ValueError(
            f"{path} has no column of addresses, which must be called 'email', 'Email Address' or "
            f"'Address'; beside ids it has {shorten(names)}{hint}"
        )
    if len(found) > 1:
        raise ValueError(
            f"{path} has {len(found)} columns of addresses, {shorten(found)}; leave the one that "
            "the provider knows, and rename the others"
        )
    columns = (table.columns[name].cast(pa.string()) for name in ("member", found[0]))
    return _match_addresses(book, *columns)


def _match_addresses(book: Book, members: pa.Array, addresses: pa.Array) -> Owners:
    """Whose each address is, capital letters aside.

    Raises ValueError where none of the members was mailed.
    """
    known = book.members.cast(pa.string())
    at = Ids(known).find(members)
    if (at < 0).all():
        raise ValueError(
            f"--addresses: none of the members was mailed, such as {shorten(known[0].as_py())} was"
        )
    # as those of the records are: Python's own small letters of some alphabets are others
    theirs = pc.utf8_lower(pc.utf8_trim_whitespace(addresses))
    return Owners(pc.if_else(pc.equal(theirs, ""), None, theirs), at)
