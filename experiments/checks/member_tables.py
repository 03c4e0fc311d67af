"""What a log says of its members, as tables that a classifier reads.

One table has a row for each member, the other a row for each click. Columns that belong together
are named "group:which", so that a whole group can be shuffled at once. To let the two-sample test
(`experiments.checks.two_sample`) see something new about members, add a column here.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bandit.core.columns import Columns
from bandit.core.types import Ints, Round


def tabulate_members(rounds: Sequence[Round]) -> pd.DataFrame:
    """One row for each member, indexed by id; NaN: never clicked.

    Attributes (one-hot or as numbers), then from feedback: issues and bounces, opens (in the early
    and the late half of the log, right after an open), opens with a click and with more than one,
    unsubscribed, first and last issue on the list, longest run of mails without an open, clicks (by
    slot and kind), how alike what was clicked is, dwell, and the mean text of what was clicked.

    Raises ValueError where there are no rounds.
    """
    if not rounds:
        raise ValueError("the log has no rounds")
    ids = _list_members(rounds)
    parts = [
        _code_attributes(rounds, ids),
        _count_mails(rounds, ids),
        _describe_clicks(rounds, ids),
    ]
    return pd.concat(parts, axis=1).astype(float)


def tabulate_clicks(rounds: Sequence[Round]) -> pd.DataFrame:
    """One row for each click, indexed by the member's id.

    This is the sharper question, since most members hardly click. Columns: attributes, slot, opens
    and clicks before this issue, other clicks in this issue, how alike the article is to what was
    clicked before (NaN: first click), dwell, kind and text of the article. Groups are named as in
    `tabulate_members`.

    Raises ValueError for a log without a click.
    """
    if not any(round.feedback.clicked.any() for round in rounds):
        raise ValueError("the log has no click")
    ids = _list_members(rounds)
    q = rounds[0].context.article_features.shape[1]
    sums, opens, clicks = np.zeros((len(ids), q)), np.zeros(len(ids)), np.zeros(len(ids))
    parts = []
    for round in rounds:
        rows, feedback = _find_rows(ids, round), round.feedback
        clicked = feedback.clicked.sum(axis=1)
        at, slot, article = _find_clicks(round)
        who, features = rows[at], round.context.article_features[article]
        with np.errstate(divide="ignore", invalid="ignore"):
            alike = (sums[who, 3:] * features[:, 3:]).sum(axis=1) / clicks[who]
        columns = {"slot": slot, "opens": opens[who], "clicks": clicks[who]}
        columns |= {"others": clicked[at] - 1, "alike": alike}
        columns |= {"dwell": feedback.dwell_seconds[at, slot]}
        columns |= {f"kind:{d}": features[:, d] for d in range(1, min(3, q))}
        columns |= {f"text:{d}": features[:, d] for d in range(3, q)}
        parts.append(pd.DataFrame(columns, ids[who]))
        opens[rows] += feedback.opened
        clicks[rows] += clicked
        np.add.at(sums, who, features)
    table = pd.concat(parts)
    attributes = _code_attributes(rounds, ids).loc[table.index]
    both: pd.DataFrame = pd.concat([attributes, table], axis=1)
    return both.astype(float)


def _list_members(rounds: Sequence[Round]) -> pd.Index:
    """Every member of the log once, in the order in which they appear."""
    members = np.concatenate([round.context.member_ids for round in rounds])
    ids: pd.Index = pd.Index(pd.unique(members), name="member")
    return ids


def _find_rows(ids: pd.Index, round: Round) -> Ints:
    """The places in `ids` of an issue's members, [n]."""
    rows: Ints = ids.get_indexer(pd.Index(round.context.member_ids))
    return rows


def _find_clicks(round: Round) -> tuple[Ints, Ints, Ints]:
    """Of each click in an issue the member's row, the slot and the article's index, [c] each."""
    row, slot = np.nonzero(round.feedback.clicked)
    return row, slot, round.slates.choice[row, slot]


def _code_attributes(rounds: Sequence[Round], ids: pd.Index) -> pd.DataFrame:
    """The members' attributes as last known, one-hot or as numbers, "attribute:value"."""
    every = Columns.stack([round.context.members for round in rounds]).to_pandas()
    members = every.drop_duplicates("member", keep="last").set_index("member").loc[ids]
    coded: pd.DataFrame = pd.get_dummies(members, prefix_sep=":", dtype=float)
    return coded


def _count_mails(rounds: Sequence[Round], ids: pd.Index) -> pd.DataFrame:
    """What became of each member's mails."""
    n = len(ids)
    names = (
        "issues bounces opens:early opens:late opens:again opens:clicked opens:more unsubscribed"
    )
    counts = {name: np.zeros(n) for name in names.split()}
    first, last = np.full(n, len(rounds)), np.zeros(n)
    silence, longest, last_open = np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool)
    for t, round in enumerate(rounds):
        rows, feedback = _find_rows(ids, round), round.feedback
        opened, clicks = feedback.opened, feedback.clicked.sum(axis=1)
        happened = {
            "issues": feedback.delivered,
            "bounces": ~feedback.delivered,
            "opens:early" if 2 * t < len(rounds) else "opens:late": opened,
            "opens:again": opened & last_open[rows],
            "opens:clicked": clicks > 0,
            "opens:more": clicks > 1,
            "unsubscribed": feedback.unsubscribed,
        }
        for name, which in happened.items():
            counts[name][rows] += which
        first[rows], last[rows] = np.minimum(first[rows], t), t
        silence[rows] = np.where(opened, 0, silence[rows] + feedback.delivered)
        longest[rows] = np.maximum(longest[rows], silence[rows])
        last_open[rows] = opened
    opens = counts["opens:early"] + counts["opens:late"]
    counts |= {"first": first, "last": last, "opens:all": opens, "silence": longest}
    return pd.DataFrame(counts, ids)


def _describe_clicks(rounds: Sequence[Round], ids: pd.Index) -> pd.DataFrame:
    """How many articles each member clicked, where they stood, and what they were like."""
    n, slots = len(ids), max(round.slates.choice.shape[1] for round in rounds)
    kinds = sorted({kind for round in rounds for kind in round.context.articles["kind"]})
    q = rounds[0].context.article_features.shape[1]
    text = slice(min(3, q), q)  # beside the constant and the kinds
    by_slot, by_kind, sums = np.zeros((n, slots)), np.zeros((n, len(kinds))), np.zeros((n, q))
    squares, dwell = np.zeros(n), np.zeros(n)
    for round in rounds:
        row, slot, article = _find_clicks(round)
        who, features = _find_rows(ids, round)[row], round.context.article_features[article]
        kind = pd.Index(kinds).get_indexer(pd.Index(round.context.articles["kind"]))[article]
        np.add.at(by_slot, (who, slot), 1)
        np.add.at(by_kind, (who, kind), 1)
        np.add.at(sums, who, features)
        np.add.at(squares, who, (features[:, text] ** 2).sum(axis=1))
        np.add.at(dwell, who, round.feedback.dwell_seconds[row, slot])
    total = by_slot.sum(axis=1)
    columns = {"clicks": total}
    columns |= {f"slot:{j + 1}": by_slot[:, j] for j in range(slots)}
    columns |= {f"kind:{kind}": by_kind[:, j] for j, kind in enumerate(kinds)}
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = np.where(total > 1, total * (total - 1), np.nan)
        alike = ((sums[:, text] ** 2).sum(axis=1) - squares) / pairs
        columns |= {"alike": alike, "dwell": dwell / total}
        columns |= {f"text:{d}": sums[:, d] / total for d in range(text.start, q)}
    return pd.DataFrame(columns, ids)
