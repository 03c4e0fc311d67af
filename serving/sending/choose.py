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
from serving.bundle import Bundle
from serving.sending.sender import ReadyIssue, Sender
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
    members = Columns.read(members)
    check.unique("members", members["member"])
    asked = (articles, rules, campaign, seed, earlier)
    held = holdout.find(members["member"]) if holdout else np.zeros(len(members), bool)
    issues = {False: Sender(bundle).prepare(*asked)}
    if holdout and held.any():
        issues[True] = Sender(holdout.bundle).prepare(*asked)
    known = {which: issue.find_seen(members, seen) for which, issue in issues.items()}
    for start in range(0, len(members), chunk):
        rows = np.arange(start, min(start + chunk, len(members)))
        parts = [(which, some) for which in issues if len(some := rows[held[rows] == which])]
        tables = [_choose(issues[which], members, known[which], some) for which, some in parts]
        if len(parts) == 1:
            yield tables[0].append_column("holdout", pa.array(held[rows].repeat(rules.slots)))
            continue
        order = np.argsort(np.concatenate([some for _, some in parts]))
        places = (order[:, None] * rules.slots + np.arange(rules.slots)).ravel()
        joined = pa.concat_tables(tables).take(pa.array(places)).combine_chunks()
        yield joined.append_column("holdout", pa.array(held[rows].repeat(rules.slots)))


def _choose(issue: ReadyIssue, members: Columns, seen: tuple[Ints, Ints], rows: Ints) -> pa.Table:
    """The slates of the members in `rows`, which ascend.

    seen: rows and columns, as `ReadyIssue.find_seen` gives them for all members
    """
    seen_rows, seen_columns = seen
    here = slice(*np.searchsorted(seen_rows, [rows[0], rows[-1] + 1]))
    place = np.searchsorted(rows, seen_rows[here])
    ours = rows[place] == seen_rows[here]
    shown: Bools = np.zeros((len(rows), issue.width), dtype=bool)
    shown[place[ours], seen_columns[here][ours]] = True
    return issue.choose(members.take(rows), shown).tabulate()
