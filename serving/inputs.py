"""Reading what others hand over for a send: members, pool, rules, and who has seen what.

Open this file to see what the editor's and the membership system's files must hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bandit.core import told
from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.told import name_nearest
from bandit.core.types import KINDS
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from serving.checks.lines import refuse_formulas, refuse_other_lines
from serving.checks.names import name_plainly
from serving.checks.pins import refuse_outside
from serving.checks.unmatched import find_near
from serving.errors import shorten
from serving.settings import read_settings
from serving.tables.distinct import refuse_twice
from serving.tables.kinds import AMOUNT, NUMBER, TEXT, WHOLE, is_text
from serving.tables.opening import is_worded
from serving.tables.rows import Rows
from serving.tables.table import Table

NEEDED = ("article", "title", "summary", "kind", "source")  # columns of a pool
SHOWN = ("url", "image", "subject")  # columns that go into the mails
# columns of the pool that limit who gets an article: the least and the most they may hold
LIMITS = {"audience": (0.0, 1e12), "admit_below": (0.0, 1.0)}


@dataclass(frozen=True)
class Inputs:
    """What a send is made from, besides the bundle.

    members: `member` and the attributes that matter, in the file's order, kept on the disk
    articles: the pool, sorted by id
    rules: the editor's
    seen: pairs of `member` and `article`, kept on the disk, or None
    digests: SHA-256 of each file; None where it was not given
    unknown: attribute -> a value that the bundle has not met -> how many members have it
    unread: article -> why its text counts as average
    earlier: the pools that were sent before
    """

    members: Rows
    articles: Columns
    rules: Rules
    seen: Rows | None
    digests: dict[str, str | None]
    unknown: dict[str, dict[str, int]]
    unread: dict[str, str]
    earlier: list[Columns]

    def find_whole(self) -> dict[str, bool]:
        """For `member` and `article`, whether their ids are whole numbers, and not text."""
        return {
            "member": not is_text(self.members.schema.field("member").type),
            "article": not isinstance(self.articles["article"][0], str),
        }


def load(
    features: Features,
    members: str | Path,
    pool: str | Path,
    rules: str | Path,
    keep: tuple[Path, Path],
    seen: str | Path | None = None,
    earlier: Sequence[str | Path] = (),
    encoding: str = "utf-8",
    also: Sequence[Features] = (),
) -> Inputs:
    """Read and check the files: what a send is made from.

    keep: two files, which hold the members and what they have seen while the inputs are used
    earlier: pools that were sent before, the latest one last
    encoding: of CSV files that are not UTF-8
    also: the features of other bundles, whose attributes are read too

    Raises ValueError naming the file, the row and the value at fault.
    """
    pool_table = read_pool(pool, encoding)
    limits = [
        name.removeprefix("only_")
        for name in pool_table.columns.column_names
        if name.startswith("only_")
    ]
    listed = Rows(keep[0], check_members(members, [features, *also], limits, encoding, pool))
    refuse_twice(listed.path, "member", lambda: listed.read("member"))
    layout, rules_digest = read_rules(rules)
    articles = pool_table.to_columns().sort_by("article")  # a draw walks the pool in this order
    _check_rules(Path(rules), layout, pool_table, articles)
    pairs = None
    if seen is not None:
        pairs = Rows(keep[1], check_seen(seen, listed, pool_table, encoding))
    past = [read_pool(path, encoding) for path in earlier]
    for table in past:
        table.check_same_type("article", pool_table)
    digests = {
        "members": listed.digest,
        "pool": pool_table.digest,
        "rules": rules_digest,
        "seen": pairs.digest if pairs else None,
        "earlier": " ".join(table.digest for table in past) or None,
    }
    unknown = _count_unknown(features, listed)
    unread = features.find_unread(articles)
    before = [table.to_columns() for table in past]
    return Inputs(listed, articles, layout, pairs, digests, unknown, unread, before)


def _count_unknown(features: Features, listed: Rows) -> dict[str, dict[str, int]]:
    """Attribute -> a value that the bundle has not met -> how many members have it."""
    found = defaultdict[str, Counter[str]](Counter)
    for piece in listed.read_columns():
        for name, values in features.attributes.count_unknown(piece).items():
            found[name].update(values)
    return {name: dict(sorted(values.items())) for name, values in found.items()}


def check_members(
    path: str | Path,
    features: Sequence[Features],
    limits: list[str],
    encoding: str = "utf-8",
    pool: str | Path = "the pool",
) -> Iterator[Table]:
    """Ids, and the attributes that the features or the pool's `only_` columns name, in pieces.

    Whether an id comes twice is seen in the whole list only, and not looked at here.

    limits: the attributes of the `only_` columns. No other column is read.
    pool: of which they are, for the message
    """
    read = [each.attributes for each in features]
    columns = [name for attributes in read for name in attributes.columns]
    asked = {name: f"the column 'only_{name}' of {pool}" for name in limits if name not in columns}
    wanted = ["member", *columns, *limits]
    for table in Table.read_pieces(path, wanted, encoding=encoding, asked=asked):
        try:
            refuse_other_lines(table.path, table.columns, first=table.first)
            table.check_ids("member", unique=False)
        except ValueError:
            _tell_totals(table.path, encoding)
            raise
        refuse_formulas(table.path, table.columns, table.first)
        yield _check_attributes(table, read, limits, pool)


def _tell_totals(path: Path, encoding: str) -> None:
    """Raise ValueError where a column that is not read says that a row without an id is a sum."""
    if path.is_file():  # a pipe cannot be read again
        for table in Table.read_pieces(path, ["member"], all_columns=True, encoding=encoding):
            refuse_other_lines(table.path, table.columns, first=table.first)


def _check_attributes(
    table: Table, read: Sequence[Attributes], limits: Sequence[str], pool: str | Path
) -> Table:
    """Some members, their numbers read. Raises ValueError for an attribute that is another kind."""
    for attributes in read:
        for name in (*attributes.levels, *attributes.tags):  # null counts as unknown
            table.check_type(name, TEXT)
        for name in attributes.numeric:
            table = table.read_numbers(name)
            table.check_type(name, NUMBER)
            table.check_finite(name)
    for name in limits:
        try:
            table.check_type(name, TEXT, WHOLE)
        except ValueError as error:
            what = f"{pool}: column 'only_{name}' keeps articles to the members with that {name}"
            raise ValueError(f"{what}, and {error}") from None
    return table


def read_pool(path: str | Path, encoding: str = "utf-8") -> Table:
    """The articles. Title and kind must say something; summary and source may be empty.

    A column `story` holds an editor's own ids of stories; articles with the same tell the same.
    `url`, `image` and `subject` (a line for mails that the article leads) go into the mails, and
    `audience` says how many members may get an article at most.
    """
    table = Table.read(path, NEEDED, all_columns=True, encoding=encoding)
    table = table.rename(name_plainly if is_worded(table.path) else _name_known)
    table.check_ids("article", unique=True)
    for name in ("title", "summary", "kind", "source"):
        table.check_type(name, TEXT)
        table.check_present(name, empty=name in ("summary", "source"))
    texts = [each for each in table.columns.column_names if each not in ("title", "summary")]
    table = table.trim(texts).spell("kind", ("article", *KINDS))
    for name in table.columns.column_names:
        if name.startswith("only_"):
            table.check_type(name, TEXT)
        if name == "story":
            table.check_type(name, TEXT, WHOLE)
        if name in LIMITS:
            table = table.read_numbers(name)
            table.check_type(name, AMOUNT)
            table.check_between(name, *LIMITS[name])
        if name == "audience":
            table.check_whole(name)
        if name in SHOWN:
            table.check_type(name, TEXT)
    return table


def _name_known(name: str) -> str:
    """The name of a typed pool's column: `Only Region` is `only_region`, and `Story` is `story`."""
    plain = name_plainly(name)
    known = ("story", *SHOWN, *LIMITS)
    return plain if plain in known or plain.startswith("only_") else name


def list_read(rules: Rules) -> set[str]:
    """The columns of a pool that are read, but for those that limit who sees an article."""
    ruled = {*rules.at_most, *rules.at_least, *chain.from_iterable(rules.only.values())}
    return {*NEEDED, *SHOWN, *LIMITS, "story", *ruled}


def find_odd(articles: Columns, rules: Rules) -> Iterator[str]:
    """A sentence for what of a pool says nothing: columns that are not read, and strange kinds."""
    read = list_read(rules)
    unread = [name for name in articles.names if name not in read and not name.startswith("only_")]
    if unread:
        yield f"columns {', '.join(map(repr, unread))} are not read and limit nobody"
    kinds = ("article", *KINDS)
    for kind, count in Counter(articles["kind"].tolist()).items():
        if kind not in kinds:
            near = name_nearest(kind, kinds)
            near = near if "nearest" in near else ""  # the kinds themselves are named already
            what = f"is none of {', '.join(kinds)}, and counts as an article"
            yield f"kind {kind!r}, of {count} articles, {what}{near}"
    yield from find_near(rules, articles)


def tell_unlinked(articles: Columns) -> str:
    """A sentence where articles have no link; "" where all have one."""
    if "url" not in articles:
        return "there is no column url: the merge files hold no links"
    ids, links = articles["article"].tolist(), articles["url"].tolist()
    pairs = zip(ids, links, strict=True)
    bare = [one for one, link in pairs if link != link or not str(link or "").strip()]
    if not bare:
        return ""
    if len(bare) == 1:
        return f"1 of {len(ids)} articles has no url, {bare[0]!r}: its title is no link"
    such = f"such as {bare[0]!r}: their titles are no links"
    return f"{len(bare)} of {len(ids)} articles have no url, {such}"


def check_seen(
    path: str | Path, members: Rows, pool: Table, encoding: str = "utf-8"
) -> Iterator[Table]:
    """Pairs of member and article, in pieces. Those of other members and articles do no harm."""
    for table in Table.read_pieces(path, ["member", "article"], encoding=encoding):
        others: dict[str, Table | Rows] = {"member": members, "article": pool}
        for name, other in others.items():
            refuse_other_lines(table.path, table.columns, name, "who has seen what", table.first)
            table.check_ids(name, unique=False)
            table.check_same_type(name, other)
        yield table


def read_rules(path: str | Path) -> tuple[Rules, str]:
    """The editor's rules and the file's SHA-256."""
    content, digest = read_settings(path, "slots: 6")
    for name in ("at_most", "at_least"):
        counted = content.get(name)
        for column, counts in counted.items() if isinstance(counted, dict) else ():
            if counts == {}:
                raise ValueError(f"{path}: {name} {shorten(column)} = {{}}: names no value")
    try:
        return told.read(Rules, content), digest
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _check_rules(path: Path, rules: Rules, pool: Table, articles: Columns) -> None:
    try:
        rules.check_pool(articles["article"].tolist(), articles.names)
    except ValueError as error:
        raise ValueError(f"{path} and {pool.path}: {error}") from None
    sections = [column for columns in rules.only.values() for column in columns]
    for column in (*rules.at_most, *rules.at_least, *sections):
        # a number never equals the rules' text: the rule would have no effect
        pool.check_type(column, TEXT)
    try:
        refuse_outside(rules, articles)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
