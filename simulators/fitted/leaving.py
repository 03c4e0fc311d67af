"""How members leave: by unsubscribing, or by not being there for a later issue.

Open this to see what a log's last mails say about who goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core.types import Bools, Feedback, Floats, Ints, Round

PRIOR_MAILS = 200  # mails that the common chance of leaving weighs in each state's
NEARLY_ALL = 0.9  # an issue sent to a larger share of those who are there tells who has left
STAYED = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Leaving:
    """How members leave, by what the last mail met (`find_state`).

    unsubscribe: [4], chance of unsubscribing after each state
    vanish: [4], chance of not being sent another issue for any other reason
    sent: [T], the chance of a member who is there to be sent each issue; below 1 for campaigns to
        some
    last: [n], each member's last issue before leaving, `STAYED` for those who have not left
    """

    unsubscribe: Floats
    vanish: Floats
    sent: Floats
    last: Ints


def find_state(feedback: Feedback) -> Ints:
    """What each mail met, [n]: 0 bounced, 1 not opened, 2 opened, 3 clicked in."""
    return feedback.delivered.astype(np.int64) + feedback.opened + feedback.clicked.any(axis=1)


def fit_leaving(rounds: Sequence[Round], rows: Sequence[Ints], keep: Bools) -> Leaving:
    """How the members of a log left.

    A member is thought to have left who is sent none of the later issues that nearly everybody is
    sent. A state's chance weighs as many mails as it has against `PRIOR_MAILS` at the chance of
    all.

    rows: each round's members as rows of the member list
    keep: [n], which of these count
    """
    there = np.zeros((len(rounds), len(keep)), dtype=bool)
    for t, at in enumerate(rows):
        there[t, at] = True
    last = len(rounds) - 1 - there[::-1].argmax(axis=0)
    sent = _measure_reach(there, last)
    whole = np.flatnonzero(sent > NEARLY_ALL)
    left = last < (whole[-1] if len(whole) else -1)
    mails, unsubscribed, vanished = np.zeros(4), np.zeros(4), np.zeros(4)
    for i, (round, at) in enumerate(zip(rounds, rows, strict=True)):
        some = keep[at]
        after, gone = find_state(round.feedback)[some], round.feedback.unsubscribed[some]
        mails += np.bincount(after, minlength=4)
        unsubscribed += np.bincount(after[gone], minlength=4)
        vanished += np.bincount(after[~gone & left[at[some]] & (last[at[some]] == i)], minlength=4)

    def shrink(events: Floats) -> Floats:
        prior = PRIOR_MAILS * events.sum() / max(mails.sum(), 1)
        return np.asarray((events + prior) / (mails + PRIOR_MAILS))

    return Leaving(shrink(unsubscribed), shrink(vanished), sent, np.where(left, last + 1, STAYED))


def _measure_reach(there: Bools, last: Ints) -> Floats:
    """The share of those on the list who were sent each issue, [T], from who was sent it [T, n].

    On the list are those who were sent issues before and after; at the ends of the log, those who
    were sent the neighbouring issue.

    last: [n], place of each member's last issue
    """
    T, first = len(there), there.argmax(axis=0)
    others = (np.arange(T)[:, None] > first) & (np.arange(T)[:, None] < last)
    others[0], others[-1] = there[min(1, T - 1)], there[max(T - 2, 0)]
    return np.array([there[i, others[i]].mean() if others[i].any() else 1.0 for i in range(T)])
