"""Newsletters from a program: a bundle in memory, an issue made ready once, members as they come.

Open this file to see what is done once for an issue, and what for each member. `serving.send`
chooses by the same steps, so the same member gets the same slate from both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core import check
from bandit.core.columns import Columns, Tabular
from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Ids, Ints, Slates
from bandit.features.features import Features
from bandit.features.stories import share_seen
from bandit.log.issue import tabulate_slates
from bandit.slates.editorial import Admission
from bandit.slates.layout import Layout
from bandit.slates.propensity import draw
from serving.bundle import Bundle, read
from serving.checks.pins import refuse_outside
from serving.seen import find_seen, list_telling
from serving.sending.events import tabulate_events


@dataclass(frozen=True)
class Composed:
    """What n members are sent.

    context: the members and the issue, its articles in the order of their ids
    slates: what each member is shown, as numbers
    """

    context: Context
    slates: Slates

    @property
    def articles(self) -> Ids:
        """The ids of the articles from the top [n, k]; None where a slot is empty."""
        ids = np.empty(len(self.context.articles) + 1, dtype=object)
        ids[:-1] = self.context.article_ids  # -1, the last: empty, which is None
        return np.asarray(ids[self.slates.choice])

    def tabulate(self) -> pa.Table:
        """One row for each (member, slot): the columns of the log, and `mail` and `event`."""
        campaign, k = self.context.campaign, self.context.rules.slots
        named = tabulate_events(campaign, self.context.member_ids, k)
        # Plain columns, for whatever program reads them; parquet stores repeated words once all
        # the same.
        table = tabulate_slates(self.context, self.slates) | named
        return pa.table({name: _decode(column) for name, column in table.items()})


class ReadyIssue:
    """A bundle with one issue in front of it: all that does not depend on the members is done.

    The arguments are those of `Sender.prepare`, which also says what it raises.
    """

    def __init__(
        self,
        bundle: Bundle,
        pool: Tabular,
        rules: Rules,
        campaign: str,
        seed: int,
        earlier: Sequence[Tabular] = (),
    ) -> None:
        if not campaign.strip():
            raise ValueError("campaign is empty; it keys the draws and the log")
        articles = Columns.read(pool)
        check.columns("pool", articles, ["article", "title", "summary", "kind", "source"])
        check.unique("pool", articles["article"])
        articles = articles.sort_by("article")  # a draw walks the pool, whose order must not matter
        rules.check_pool(articles["article"].tolist(), articles.names)
        refuse_outside(rules, articles)
        self._features, self._seed = bundle.features, seed
        self._telling = list_telling(articles, bundle.features, earlier)
        self._admission = Admission(articles)
        self._stories = bundle.features.find_stories(articles)
        self._issue = _open_issue(campaign, articles, rules, self._stories, bundle.features)
        self._layout = Layout(articles, rules, self._stories)
        self._plan = bundle.policy.plan_for(articles, self._issue.article_features)

    def compose(self, members: Tabular, seen: Tabular | None = None) -> Composed:
        """The newsletters of these members; of each the same, whoever comes with it.

        members: n rows, `member` (unique ids, text or whole numbers) and the attributes, None where
            one is missing, or NaN; one member is a list of one
        seen: pairs of `member` and `article` in issues that the member opened

        Raises ValueError naming what is wrong with the members.
        """
        members = Columns.read(members)
        check.columns("members", members, ["member"])
        _check_ids(members["member"])
        shown: Bools = np.zeros((len(members), self.width), dtype=bool)
        if seen is not None:
            check.columns("seen", list(dict(seen.items())), ["member", "article"])
            shown[self.find_seen(members, seen)] = True
        return self.choose(members, shown)

    @property
    def width(self) -> int:
        """How many articles the pool has, m."""
        return len(self._issue.articles)

    def find_seen(self, members: Columns, seen: Tabular | None) -> tuple[Ints, Ints]:
        """Rows (ascending) and columns of the (member, article) cells that were seen."""
        return find_seen(None if seen is None else Columns.read(seen), members, self._telling)

    def choose(self, members: Columns, seen: Bools) -> Composed:
        """The same as `compose`, where it is known which articles were seen [n, m]."""
        if not len(members):
            raise ValueError("the member list is empty")
        context = self._issue.address(
            members,
            self._features.encode_members(members),
            self._admission.find(members),
            share_seen(seen, self._stories),
        )
        slates = draw(self._plan(context), context, self._seed, layout=self._layout)
        return Composed(context, slates)


@dataclass(frozen=True)
class Sender:
    """A bundle in memory.

    bundle: what `serving.bundle.read` gave
    """

    bundle: Bundle

    def prepare(
        self,
        pool: Tabular,
        rules: Rules,
        campaign: str,
        seed: int,
        earlier: Sequence[Tabular] = (),
    ) -> ReadyIssue:
        """Make an issue ready: read its texts and find its stories, once for all members.

        pool: m articles in any order: `article`, title, summary, kind, source, any `only_` columns
            and perhaps `story`
        rules: the editor's, with the number of slots
        campaign: name of the issue; it keys the draws and the log
        seed: another one gives another draw of the same slates
        earlier: pools that were sent before; who saw an article of theirs has seen its story

        Raises ValueError naming what is wrong with the pool, or does not fit the rules.
        """
        return ReadyIssue(self.bundle, pool, rules, campaign, seed, earlier)


def _check_ids(ids: Ids) -> None:
    """Raise ValueError at the first id that is neither text nor a whole number.

    3.0 would be another member than 3 (`keys.member_keys`).
    """
    if ids.dtype.kind in "iu":
        return
    for row, one in enumerate(ids.tolist()):
        if one is None or one != one:  # missing, as the context says
            continue
        if isinstance(one, bool) or not isinstance(one, str | int | np.integer):
            what = f"members row {row}: id {check.shorten(one)}"
            raise ValueError(f"{what} must be text or a whole number")


def _open_issue(
    campaign: str, articles: Columns, rules: Rules, stories: Ints, features: Features
) -> Context:
    """An issue that nobody gets yet."""
    nothing: Bools = np.zeros((0, len(articles)), dtype=bool)
    return Context(
        campaign=campaign,
        issue=0,
        members=Columns({"member": []}),
        articles=articles,
        member_features=np.zeros((0, len(features.member_names))),
        article_features=features.encode_articles(articles),
        eligible=nothing,
        seen=nothing,
        rules=rules,
        stories=stories,
    )


def load(folder: str | Path, trusted: str | Path | None = None) -> Sender:
    """The bundle in `folder` in memory, every file checked before it is parsed.

    trusted: a file with the public key of whoever must have signed it; None: nobody must have

    Raises ValueError that says what is wrong with which file.
    """
    return Sender(read(folder, trusted=trusted))


def _decode(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
