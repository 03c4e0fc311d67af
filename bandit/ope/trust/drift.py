"""Does the log still speak of today? Its newest issue is held against those before it.

An estimate is about the issues that it was made from. Where the newest has other members, other
kinds of articles or quite another rate of clicks, what would have been earned then says little of
what will be earned next, however narrow the interval. Open this file for how far is too far.
"""

from collections.abc import Sequence

import numpy as np

from bandit.core.types import Round

MOST_NEW = 0.5  # of the newest issue's members, or articles, may be of a kind that is new
MOST_FOLD = 2.0  # by which its rate of clicks may differ, where that is no luck
SURE = 4.0  # standard errors beyond which a difference is no luck


def find_drift(rounds: Sequence[Round]) -> str:
    """What of the newest issue is not as in those before it, by campaign; "" if nothing is.

    rounds: those judged, in order
    """
    if len(rounds) < 2:
        return ""
    before, last = rounds[:-1], rounds[-1]
    where = f"campaign {last.context.campaign!r}"
    sends = np.concatenate([round.context.member_ids for round in before])
    met = np.unique(sends)
    new = ~np.isin(last.context.member_ids, met)
    known_again = len(met) < len(sends) or not new.all()  # not where each request has its own id
    if known_again and new.mean() > MOST_NEW:
        who = last.context.member_ids[new].tolist()[0]
        return (
            f"{where}: {new.mean():.0%} of its members, such as {who!r}, are in no judged issue "
            f"before it, more than {MOST_NEW:.0%}"
        )
    for column in ("kind", "source"):
        known = {str(v) for round in before for v in round.context.articles[column].tolist()}
        values = [str(v) for v in last.context.articles[column].tolist()]
        other = [value for value in values if value not in known]
        if len(other) > MOST_NEW * len(values):
            return (
                f"{where}: {len(other) / len(values):.0%} of its articles have a {column} that no "
                f"judged issue before it had, such as {other[0]!r}, more than {MOST_NEW:.0%}"
            )
    rates = [round.feedback.clicked.sum(axis=1).astype(np.float64) for round in rounds]
    past, now = np.concatenate(rates[:-1]), rates[-1]
    error = np.sqrt(past.var() / len(past) + now.var() / max(len(now), 1))
    fold = (now.mean() + 1e-300) / (past.mean() + 1e-300)
    if abs(now.mean() - past.mean()) > SURE * error and max(fold, 1 / fold) > MOST_FOLD:
        return (
            f"{where}: {1000 * now.mean():.3g} clicks per 1,000 sends, beside "
            f"{1000 * past.mean():.3g} in the judged issues before it"
        )
    return ""
