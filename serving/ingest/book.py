"""The book of mails: who was sent what, and how a mail, a slot and a link are recognised again.

It is what `serving.send` left: slates.parquet has the ids, pool.parquet the links, members.parquet
the members as they were. Waves of one campaign that had one pool and one set of rules are one book.
Open this file to see what is known of a mail before anything comes back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core.columns import Columns, fill_text
from bandit.core.files import read_table
from bandit.core.rules import Rules
from bandit.core.types import Ints
from serving.errors import shorten
from serving.ingest.reading.links import clean_link
from serving.letters.book import MEMBERS, POOL
from serving.sending.record import SEND, SLATES, list_parts, read_send
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
    members: [n] ids; `words` are the same as text
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
    words: pa.Array
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
        parts = list_parts(Path(folder))
        told = [read_send(part) for part in parts]
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
        slates = [_read_slates(part, rules.slots) for part in parts]
        table = pa.concat_tables(slates).combine_chunks()
        slots = rules.slots
        first = pa.array(np.arange(0, len(table), slots))
        members = flatten(table["member"].take(first))
        articles = pools[0]["article"].to_pylist()
        place = {article: j for j, article in enumerate(articles)}
        shown = table["article"].combine_chunks().dictionary_encode()
        where = np.array([place[each] for each in shown.dictionary.to_pylist()] + [-1])
        choice = where[shown.indices.fill_null(len(where) - 1).to_numpy()].reshape(-1, slots)
        urls = (
            fill_text(Columns.from_arrow(pools[0])["url"])
            if "url" in pools[0].schema.names
            else [""] * len(articles)
        )
        links = [clean_link(url) if url else "" for url in urls]
        known = list(dict.fromkeys(filter(None, links)))
        link = np.array([known.index(each) if each else -1 for each in links] + [-1])
        seed = told[0].get("seed")
        return cls(
            parts=parts,
            digest=" ".join(sha256((part / SEND).read_bytes()).hexdigest() for part in parts),
            campaign=campaign,
            seed=seed if isinstance(seed, int) else 0,
            rules=rules,
            told={"campaign": campaign, "rules": told[0]["rules"]},
            members=members,
            words=members.cast(pa.string()),
            mails=flatten(table["mail"].take(first)),
            events=flatten(table["event"]),
            choice=choice.astype(np.int32),
            pool=pools[0],
            links=known,
            link=link,
        )

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


def _read_slates(part: Path, slots: int) -> pa.Table:
    columns = ["member", "article", "mail", "event", "slot"]
    with pq.ParquetFile(part / SLATES, page_checksum_verification=True) as file:
        table = file.read(columns)
    slot = table["slot"].to_numpy()
    if len(slot) % slots or (slot.reshape(-1, slots) != np.arange(1, slots + 1)).any():
        raise ValueError(
            f"{part / SLATES} does not hold slots 1 to {slots} of each member, in order, which the "
            f"rules in {SEND} ask for"
        )
    return table.drop_columns(["slot"])


def flatten(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
