"""The book of mails: who was sent what, and how a mail, a slot and a link are recognised again.

It is what `serving.send` left: slates.parquet has the ids, pool.parquet the links, members.parquet
the members as they were. Waves of one campaign that had one pool and one set of rules are one book.
Open this file to see what is known of a mail before anything comes back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.columns import Columns, fill_text
from bandit.core.files import read_table
from bandit.core.rules import Rules
from bandit.core.types import Ints
from serving.errors import shorten
from serving.ingest.reading.links import clean_link
from serving.letters.book import MEMBERS, POOL
from serving.sending.record import SEND, SLATES, read_parts
from serving.sending.write import read_back


@dataclass(frozen=True)
class Book:
    """The n mails of one issue, each with k slots.

    parts: folders of the send, or of its waves
    digest: SHA-256 of what the sends say of themselves
    campaign: name of the campaign
    seed: of the send
    rules: of the send
    told: what rules.json of the log says of the issue, its campaign and its rules
    members: [n] ids
    mails: [n] ids of the mails
    events: [n k] ids of the slots
    choice: [n, k], the article's place in the pool, -1 for an empty slot
    pool: the articles, as they were sent
    links: the articles' cleaned links, each once
    link: [m + 1], each article's place among the links; -1 for one without, and for -1
    """

    parts: Sequence[Path]
    digest: str
    campaign: str
    seed: int
    rules: Rules
    told: dict[str, object]
    members: pa.Array
    mails: pa.Array
    events: pa.Array
    choice: Ints
    pool: pa.Table
    links: list[str]
    link: Ints

    @classmethod
    def read(cls, folder: str | Path) -> "Book":
        """The book of a finished send, or of the waves of a campaign.

        Raises ValueError where the folder holds no finished send, where a file was changed since,
        and where waves had other pools or rules.
        """
        found = read_parts(Path(folder), (SLATES, MEMBERS, POOL))
        parts, told = list(found), list(found.values())
        for part, each in zip(parts, told, strict=True):
            if "rules" not in each or not (part / POOL).is_file():
                raise ValueError(
                    f"{part} was sent by a version that kept no {POOL}: send it again, with the "
                    "same files and the same seed, into another folder"
                )
        pools = [read_table(part / POOL) for part in parts]
        for part, pool, each in zip(parts, pools, told, strict=True):
            if not pool.equals(pools[0]) or each["rules"] != told[0]["rules"]:
                raise ValueError(
                    f"{part} had another pool or other rules than {parts[0]}: waves like these are "
                    "issues of their own; ingest them one after the other"
                )
        campaign, rules = str(told[0]["campaign"]), _parse_rules(parts[0], told[0]["rules"])
        articles = flatten(pools[0]["article"])
        slates = [piece for part in parts for piece in _read_slates(part, rules.slots, articles)]
        urls = (
            fill_text(Columns.from_arrow(pools[0])["url"])
            if "url" in pools[0].schema.names
            else [""] * len(articles)
        )
        links = [clean_link(url) if url else "" for url in urls]
        known = list(dict.fromkeys(filter(None, links)))
        link = np.array([known.index(each) if each else -1 for each in links] + [-1])
        seed = told[0].get("seed")
        book = cls(
            parts=parts,
            digest=" ".join(sha256((part / SEND).read_bytes()).hexdigest() for part in parts),
            campaign=campaign,
            seed=seed if isinstance(seed, int) else 0,
            rules=rules,
            told={"campaign": campaign, "rules": told[0]["rules"]},
            members=pa.concat_arrays([each.members for each in slates]),
            mails=pa.concat_arrays([each.mails for each in slates]),
            events=pa.concat_arrays([each.events for each in slates]),
            choice=np.concatenate([each.choice for each in slates]),
            pool=pools[0],
            links=known,
            link=link,
        )
        del slates
        pa.default_memory_pool().release_unused()  # what reading took
        return book

    def __len__(self) -> int:
        """How many mails there are."""
        return len(self.mails)

    def read_members(self) -> pa.Table:
        """Who was mailed, with their attributes, in order."""
        tables = [read_table(part / MEMBERS) for part in self.parts]
        return pa.concat_tables(tables, promote_options="permissive").combine_chunks()

    def read_slates(self) -> Iterator[pa.Table]:
        """The slates, some thousand members at a time, each with all slots."""
        for part in self.parts:
            yield from read_back(part / SLATES, self.rules.slots)


def _parse_rules(part: Path, told: object) -> Rules:
    if not isinstance(told, dict):
        raise ValueError(f"{part / SEND}: rules = {shorten(told)}; must be settings by name")
    try:
        return Rules.parse(told)
    except ValueError as error:
        raise ValueError(f"{part / SEND}: rules: {error}") from None


class _Slates(NamedTuple):
    """What the book has of some mails."""

    members: pa.Array
    mails: pa.Array
    events: pa.Array
    choice: Ints


def _read_slates(part: Path, slots: int, articles: pa.Array) -> Iterator[_Slates]:
    """The mails of a send, some thousand at a time: of all together, rows would not fit memory."""
    for table in read_back(part / SLATES, slots, ("member", "article", "mail", "event", "slot")):
        slot = table["slot"].to_numpy()
        if len(slot) % slots or (slot.reshape(-1, slots) != np.arange(1, slots + 1)).any():
            raise ValueError(
                f"{part / SLATES} does not hold slots 1 to {slots} of each member, in order, which "
                f"the rules in {SEND} ask for"
            )
        first = pa.array(np.arange(0, len(table), slots))
        shown = flatten(table["article"])
        choice = pc.index_in(shown, articles)
        if choice.null_count > shown.null_count:
            raise ValueError(f"{part / SLATES} holds an article that is not in {POOL}")
        yield _Slates(
            flatten(table["member"]).take(first),
            flatten(table["mail"]).take(first),
            flatten(table["event"]),
            choice.fill_null(-1).to_numpy().reshape(-1, slots),
        )


def flatten(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
