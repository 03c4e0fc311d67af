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
    from serving.arms.trial import Trial
    from serving.sending.holdout import Holdout

REST, HELD = -1, -2  # who chooses: an arm's bundle from 0, the send's own, the holdout's


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
    trial: "Trial | None" = None,
    ready: dict[int, ReadyIssue] | None = None,
) -> Iterator[pa.Table]:
    """The slates of `chunk` members at a time, in the members' order, k rows for each.

    The columns are those of the log, as `bandit.log.issue.tabulate_slates` lists them; `mail` and
    `event` (`serving.sending.events`); `holdout`, whether the member is held out; and, where there
    is an experiment, `arm`, the name of the member's arm, null for members in none.

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
    trial: arms, each with a bundle that chooses for its members, unless they are held out
    ready: by who chooses, the issue as it was made ready for other members; what is lacking is
        added

    Raises ValueError naming what is wrong with them.
    """
    check.at_least("chunk", chunk, 1)
    members = Columns.read(members)
    check.unique("members", members["member"])
    asked = (articles, rules, campaign, seed, earlier)
    ids, bundles = members["member"], {REST: bundle}
    who = trial.find(ids) if trial else np.full(len(members), REST)
    if trial:
        bundles |= dict(enumerate(trial.bundles))
    if holdout:
        bundles[HELD] = holdout.bundle
        who = np.where(holdout.find(ids), HELD, who)
    used = np.unique(who).tolist() or [REST]
    ready = {} if ready is None else ready
    for which in used:
        if which not in ready:
            ready[which] = Sender(bundles[which]).prepare(*asked)
    issues = {which: ready[which] for which in used}
    known = {which: issue.find_seen(members, seen) for which, issue in issues.items()}
    for start in range(0, len(members), chunk):
        rows = np.arange(start, min(start + chunk, len(members)))
        parts = [(which, some) for which in issues if len(some := rows[who[rows] == which])]
        tables = [_choose(issues[which], members, known[which], some) for which, some in parts]
        table = tables[0]
        if len(parts) > 1:
            order = np.argsort(np.concatenate([some for _, some in parts]))
            places = (order[:, None] * rules.slots + np.arange(rules.slots)).ravel()
            table = pa.concat_tables(tables).take(pa.array(places)).combine_chunks()
        by_slot = who[rows].repeat(rules.slots)
        table = table.append_column("holdout", pa.array(by_slot == HELD))
        if trial:
            names = pa.array([arm.name for arm in trial.design.arms])
            place = pa.array(by_slot, mask=by_slot < 0)
            table = table.append_column("arm", names.take(place))
        yield table


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
