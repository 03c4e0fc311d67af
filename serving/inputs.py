"""Reading what others hand over for a send: members, pool, rules, and who has seen what.

Open this file to see what the editor's and the membership system's files must hold.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bandit.core import told
from bandit.core.columns import Columns
from bandit.core.rules import Rules, name_nearest
from bandit.core.types import KINDS
from bandit.features.features import Features
from serving.checks.lines import refuse_formulas, refuse_other_lines
from serving.checks.pins import refuse_outside
from serving.checks.unmatched import find_near
from serving.errors import shorten
from serving.formats import is_worded
from serving.settings import read_settings
from serving.tables import AMOUNT, NUMBER, TEXT, WHOLE, Table, name_plainly

NEEDED = ("article", "title", "summary", "kind", "source")  # columns of a pool
SHOWN = ("url", "image", "subject")  # columns that go into the mails
# columns of the pool that limit who gets an article: the least and the most they may hold
LIMITS = {"audience": (0.0, 1e12), "admit_below": (0.0, 1.0)}


@dataclass(frozen=True)
class Inputs:
    """What a send is made from, besides the bundle.

    members: `member` and the attributes that matter, in the file's order
    articles: the pool, sorted by id
    rules: the editor's
    seen: pairs of `member` and `article`, or None
    digests: SHA-256 of each file; None where it was not given
    unknown: attribute -> a value that the bundle has not met -> how many members have it
    unread: article -> why its text counts as average
    earlier: the pools that were sent before
    listed: the names of all columns of the member list, read or not
    """

    members: Columns
    articles: Columns
    rules: Rules
    seen: Columns | None
    digests: dict[str, str | None]
    unknown: dict[str, dict[str, int]]
    unread: dict[str, str]
    earlier: list[Columns]
    listed: tuple[str, ...] = ()


def load(
    features: Features,
    members: str | Path,
    pool: str | Path,
    rules: str | Path,
    seen: str | Path | None = None,
    earlier: Sequence[str | Path] = (),
    encoding: str = "utf-8",
    also: Sequence[Features] = (),
) -> Inputs:
    """Read and check the files: what a send is made from.

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
    member_table = read_members(members, [features, *also], limits, encoding, pool)
    layout, rules_digest = read_rules(rules)
    articles = pool_table.to_columns().sort_by("article")  # a draw walks the pool in this order
    _check_rules(Path(rules), layout, pool_table, articles)
    seen_table = read_seen(seen, member_table, pool_table, encoding) if seen is not None else None
    past = [read_pool(path, encoding) for path in earlier]
    for table in past:
        table.check_same_type("article", pool_table)
    digests = {
        "members": member_table.digest,
        "pool": pool_table.digest,
        "rules": rules_digest,
        "seen": seen_table.digest if seen_table else None,
        "earlier": " ".join(table.digest for table in past) or None,
    }
    listed = member_table.to_columns()
    pairs = seen_table.to_columns() if seen_table else None
    unknown = features.attributes.count_unknown(listed)
    unread = features.find_unread(articles)
    before = [table.to_columns() for table in past]
    names = member_table.names
    return Inputs(listed, articles, layout, pairs, digests, unknown, unread, before, names)


def read_members(
    path: str | Path,
    features: Sequence[Features],
    limits: list[str],
    encoding: str = "utf-8",
    pool: str | Path = "the pool",
) -> Table:
    """Ids, and the attributes that the features or the pool's `only_` columns name.

    limits: the attributes of the `only_` columns. No other column is read.
    pool: of which they are, for the message
    """
    read = [each.attributes for each in features]
    columns = [name for attributes in read for name in attributes.columns]
    asked = {name: f"the column 'only_{name}' of {pool}" for name in limits if name not in columns}
    table = Table.read(path, ["member", *columns, *limits], encoding=encoding, asked=asked)
    table.check_ids("member", unique=True)
    refuse_other_lines(table.path, table.columns)
    refuse_formulas(table.path, table.columns)
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


def read_seen(path: str | Path, members: Table, pool: Table, encoding: str = "utf-8") -> Table:
    """Pairs of member and article. Those of other members and articles do no harm."""
    table = Table.read(path, ["member", "article"], encoding=encoding)
    for name, other in (("member", members), ("article", pool)):
        refuse_other_lines(table.path, table.columns, name, "who has seen what")
        table.check_ids(name, unique=False)
        table.check_same_type(name, other)
    return table


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
