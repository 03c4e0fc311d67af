"""The first slot of our own sends as decisions, for other tools to learn from and to judge.

Below the first slot a choice depends on those above, and other formats have no place for that. Open
this file to hand a log to others.
"""

from collections.abc import Callable, Sequence

import numpy as np

from bandit.core.columns import Columns, is_number, read_text
from bandit.core.types import Context, Round, SlotPmf
from bandit.ope.exchange.decisions import Decision
from bandit.ope.whole.look import SAME
from bandit.slates.editorial import Desk


def list_decisions(round: Round, sender: Callable[[Context], SlotPmf]) -> list[Decision]:
    """One decision for each member whose first slot was filled by choice, in order.

    The event is campaign/member; what is known are the member's attributes but the id, and of an
    article its title, kind and source. A click is a reward of 1. Pins are no choices and are left
    out.

    sender: the plan that the issue was sent by (`look.plan_uniform` where it was random)

    Raises ValueError naming campaign and member where the plan does not give what was logged.
    """
    context, slates = round.context, round.slates
    desk, plan = Desk(context), sender(context)
    _, pinned = desk.find_pin(0)
    rows = np.flatnonzero((slates.choice[:, 0] >= 0) & ~pinned)
    pmf = plan.explore(plan.choose_scores(0)[rows], desk.open(0)[0][rows])
    ids = [str(one) for one in context.article_ids.tolist()]
    texts = _describe(context.articles, ("title", "kind", "source"))
    names = [name for name in context.members.names if name != "member"]
    known, members = _describe(context.members, names), context.member_ids.tolist()
    found = []
    for own, row in zip(pmf, rows.tolist(), strict=True):
        offer = np.flatnonzero(own > 0).tolist()
        member, shown = members[row], int(slates.choice[row, 0])
        logged = float(slates.propensity[row, 0])
        if abs(own[shown] - logged) > SAME * logged:
            raise ValueError(
                f"campaign {context.campaign!r}, member {member!r}: the sender gives what was "
                f"shown {own[shown]:.6g}, and the log says {logged:.6g}"
            )
        found.append(
            Decision(
                event=f"{context.campaign}/{member}",
                time="",
                articles=tuple(ids[at] for at in offer),
                shown=offer.index(shown),
                chances=tuple(own[offer].tolist()),
                reward=float(round.feedback.clicked[row, 0]),
                known=known[row],
                about=tuple(texts[at] for at in offer),
            )
        )
    return found


def _describe(table: Columns, names: Sequence[str]) -> list[dict[str, object]]:
    """Each row's values that are there, numbers as numbers and anything else as words."""
    told: list[dict[str, object]] = [{} for _ in range(len(table))]
    for name in names:
        column = table[name]
        texts = [float(v) for v in column.tolist()] if is_number(column) else read_text(column)
        for row, value in zip(told, texts, strict=True):
            if value is not None and value == value and value != "":
                row[name] = value
    return told
