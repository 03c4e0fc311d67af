"""Choose what each member is sent: from a bundle, members, a pool and rules to slates.

Open this file to see the steps of the one path of data that a sender takes.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from bandit.core import check
from bandit.core.columns import Columns, Tabular
from bandit.core.rules import Rules
from bandit.core.types import Bools, Ints
from bandit.log.issue import tabulate_slates
from bandit.slates.editorial import find_eligible
from bandit.slates.propensity import draw
from serving.bundle import Bundle
from serving.inputs import sort_pool
from serving.seen import find_seen
from serving.sending.events import tabulate_events
from serving.sending.write import CHUNK

if TYPE_CHECKING:
    from serving.sending.holdout import Holdout


def compose(
    bundle: Bundle,
    members: Tabular,
    articles: Tabular,
    rules: Rules,
    campaign: str,
    seed: int,
    seen: Tabular | None = None,
    chunk: int = CHUNK,
    earlier: Sequence[Tabular] = (),
    holdout: "Holdout | None" = None,
) -> Iterator[pa.Table]:
    """The slates of `chunk` members at a time, in the members' order, k rows for each.

    The columns are those of the log, as `bandit.log.issue.tabulate_slates` lists them; `mail` and
    `event` (`serving.sending.events`); and `holdout`, whether the member is held out.

    members: `member` and the attributes
    articles: `article`, title, summary, kind, source, any `only_` columns and perhaps `story`, in
        any order
    rules: the editor's, with the number of slots k
    campaign: name of the issue; it keys the draws and the log
    seed: another one gives another draw of the same slates
    seen: pairs of `member` and `article` in an issue that the member opened
    chunk: members at a time; fewer need less memory and more time
    earlier: pools that were sent before; who saw an article of theirs has seen its story
    holdout: members for whom another bundle chooses

    Raises ValueError naming what is wrong with them.
    """
    check.at_least("chunk", chunk, 1)
    if not campaign.strip():
        raise ValueError("campaign is empty; it keys the draws and the log")
    members, articles = Columns.read(members), Columns.read(articles)
    check.unique("members", members["member"])
    check.unique("pool", articles["article"])
    articles = sort_pool(articles)
    held = holdout.find(members["member"]) if holdout else np.zeros(len(members), bool)
    choosers = {False: _Chooser(bundle, members, articles, seen, earlier)}
    if holdout and held.any():
        choosers[True] = _Chooser(holdout.bundle, members, articles, seen, earlier)
    for start in range(0, len(members), chunk):
        rows = np.arange(start, min(start + chunk, len(members)))
        parts = [(which, some) for which in choosers if len(some := rows[held[rows] == which])]
        tables = [choosers[which].choose(some, rules, campaign, seed) for which, some in parts]
        if len(parts) == 1:
            yield tables[0].append_column("holdout", pa.array(held[rows].repeat(rules.slots)))
            continue
        order = np.argsort(np.concatenate([some for _, some in parts]))
        places = (order[:, None] * rules.slots + np.arange(rules.slots)).ravel()
        joined = pa.concat_tables(tables).take(pa.array(places)).combine_chunks()
        yield joined.append_column("holdout", pa.array(held[rows].repeat(rules.slots)))


class _Chooser:
    """A bundle with one issue in front of it.

    members: all n; articles: m rows, in order; seen, earlier: as for `compose`
    """

    def __init__(
        self,
        bundle: Bundle,
        members: Columns,
        articles: Columns,
        seen: Tabular | None,
        earlier: Sequence[Tabular],
    ) -> None:
        self._bundle, self._members, self._articles = bundle, members, articles
        self._text = bundle.features.encode_articles(articles)
        self._told = bundle.features.find_stories(articles)
        pairs = None if seen is None else Columns.read(seen)
        self._seen = find_seen(pairs, members, articles, bundle.features, earlier)

    def choose(self, rows: Ints, rules: Rules, campaign: str, seed: int) -> pa.Table:
        """The slates of the members in `rows`, which ascend."""
        part = self._members.take(rows)
        shown: Bools = np.zeros((len(rows), len(self._articles)), dtype=bool)
        seen_rows, seen_columns = self._seen
        here = slice(*np.searchsorted(seen_rows, [rows[0], rows[-1] + 1]))
        place = np.searchsorted(rows, seen_rows[here])
        ours = rows[place] == seen_rows[here]
        shown[place[ours], seen_columns[here][ours]] = True
        context = self._bundle.features.make_context(
            campaign,
            0,
            part,
            self._articles,
            rules,
            find_eligible(part, self._articles),
            shown,
            article_features=self._text,
            told=self._told,
        )
        slates = draw(self._bundle.policy.plan(context), context, seed)
        named = tabulate_events(campaign, context.member_ids, rules.slots)
        # Plain columns, for whatever program reads them; parquet stores repeated words once all
        # the same.
        table = tabulate_slates(context, slates) | named
        return pa.table({name: _decode(column) for name, column in table.items()})


def _decode(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
