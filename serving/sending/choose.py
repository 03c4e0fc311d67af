"""Choose what each member is sent: from a bundle, members, a pool and rules to slates.

Open this file to see the steps of the one path of data that a sender takes.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from bandit.core import check
from bandit.core.rules import Rules
from bandit.core.types import Bools
from bandit.log.issue import tabulate_slates
from bandit.slates.editorial import find_eligible
from bandit.slates.propensity import draw
from serving.bundle import Bundle
from serving.inputs import sort_pool
from serving.seen import find_seen
from serving.sending.events import tabulate_events

CHUNK = 20_000  # members; with a pool of 200 a matrix of scores takes 32 MB


def compose(
    bundle: Bundle,
    members: pd.DataFrame,
    articles: pd.DataFrame,
    rules: Rules,
    campaign: str,
    seed: int,
    seen: pd.DataFrame | None = None,
    chunk: int = CHUNK,
    earlier: Sequence[pd.DataFrame] = (),
) -> Iterator[pa.Table]:
    """The slates of `chunk` members at a time, in the members' order, k rows for each.

    The columns are those of the log, as `bandit.log.issue.tabulate_slates` lists them, and `mail`
    and `event` (`serving.sending.events`).

    members: `member` and the attributes
    articles: `article`, title, summary, kind, source, any `only_` columns and perhaps `story`, in
        any order
    rules: the editor's, with the number of slots k
    campaign: name of the issue; it keys the draws and the log
    seed: another one gives another draw of the same slates
    seen: pairs of `member` and `article` in an issue that the member opened
    chunk: members at a time; fewer need less memory and more time
    earlier: pools that were sent before; who saw an article of theirs has seen its story

    Raises ValueError naming what is wrong with them.
    """
    check.at_least("chunk", chunk, 1)
    if not campaign.strip():
        raise ValueError("campaign is empty; it keys the draws and the log")
    check.unique("members", members["member"])
    check.unique("pool", articles["article"])
    articles = sort_pool(articles)
    text = bundle.features.encode_articles(articles)
    told = bundle.features.find_stories(articles)
    rows, columns = find_seen(seen, members, articles, bundle.features, earlier)
    for start in range(0, len(members), chunk):
        part = members.iloc[start : start + chunk]
        shown: Bools = np.zeros((len(part), len(articles)), dtype=bool)
        here = slice(*np.searchsorted(rows, [start, start + len(part)]))
        shown[rows[here] - start, columns[here]] = True
        context = bundle.features.make_context(
            campaign,
            0,
            part,
            articles,
            rules,
            find_eligible(part, articles),
            shown,
            article_features=text,
            told=told,
        )
        slates = draw(bundle.policy.plan(context), context, seed)
        named = tabulate_events(campaign, context.member_ids, rules.slots)
        # Plain columns, for whatever program reads them; parquet stores repeated words once all
        # the same.
        table = tabulate_slates(context, slates) | named
        yield pa.table({name: _decode(column) for name, column in table.items()})


def _decode(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
