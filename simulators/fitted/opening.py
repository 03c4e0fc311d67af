"""What moves opening beside each member's own rate: the issue, and interest in the subject line.

Open this to see how a log's delivered mails become the chance that one is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core.types import Bools, Floats, Ints, Round
from simulators.crossing import find_crossing
from simulators.logits import raise_rate

SUBJECT_SD = 0.3  # of what a logit of interest in the first slot does to opening, before data


@dataclass(frozen=True)
class DeliveredMails:
    """The delivered mails of a log, d in all.

    member: [d], row of the member list
    issue: [d], place in the log, from 0
    opened: [d]
    interest: [d], in the first slot's article, as far as it was known before, logits
    """

    member: Ints
    issue: Ints
    opened: Bools
    interest: Floats

    @classmethod
    def collect(
        cls, rounds: Sequence[Round], rows: Sequence[Ints], interest: Sequence[Floats]
    ) -> "DeliveredMails":
        """The mails of these rounds.

        rows: each round's members as rows of the member list
        interest: of each round's members
        """
        came = [np.flatnonzero(round.feedback.delivered) for round in rounds]
        opened = [round.feedback.opened[d] for round, d in zip(rounds, came, strict=True)]
        return cls(
            np.concatenate([at[d] for at, d in zip(rows, came, strict=True)]),
            np.repeat(np.arange(len(rounds)), [len(d) for d in came]),
            np.concatenate(opened),
            np.concatenate([care[d] for care, d in zip(interest, came, strict=True)]),
        )


def count_mails(
    rounds: Sequence[Round], rows: Sequence[Ints], n: int
) -> tuple[Floats, Floats, Floats]:
    """Mails sent, delivered and opened of each of n members [n]; rows: each round's members."""
    sent, came, opened = (np.zeros(n) for _ in range(3))
    for round, at in zip(rounds, rows, strict=True):
        sent[at] += 1
        came[at] += round.feedback.delivered
        opened[at] += round.feedback.opened
    return sent, came, opened


@dataclass(frozen=True)
class Opening:
    """What moves opening.

    levels: [T], of each issue, logits; a later issue has level 0
    subject: logits for each logit of interest in the first slot
    """

    levels: Floats
    subject: float

    def chance(self, rate: Floats, issue: Ints | int, interest: Floats) -> Floats:
        """P(opened | delivered) [n] of members with these rates and interests [n].

        issue: place in the log, from 0
        """
        level = np.append(self.levels, 0.0)[np.minimum(issue, len(self.levels))]
        return raise_rate(rate, level + self.subject * interest)


def fit_opening(
    mails: DeliveredMails,
    rate: Floats,
    issues: int,
    subject_sd: float = SUBJECT_SD,
    rounds: int = 4,
) -> Opening:
    """Levels so that each issue is opened as often as it was, and the most probable subject.

    The two are found by turns. Interest varies within a member for the subject's sake only: what
    members are interested in on average is in their rates. It is the mean of what was known, so
    that what is not known of a member's interests takes nothing from the effect (Berkson 1950, "Are
    there two regressions?").

    rate: members' own, [n]
    subject_sd: the subject is Normal(0, subject_sd^2) beforehand; higher lets the log say more
    rounds: how many turns
    """
    found = Opening(np.zeros(issues), 0.0)
    if not len(mails.member):
        return found
    n, own = len(rate), rate[mails.member]
    count = np.maximum(np.bincount(mails.member, minlength=n), 1)
    mean = np.bincount(mails.member, mails.interest, n) / count
    within = mails.interest - mean[mails.member]
    for _ in range(rounds):
        levels = np.zeros(issues)
        for t in range(issues):
            at = mails.issue == t
            if at.any():
                drift = found.subject * mails.interest[at]
                levels[t] = _find_level(own[at], drift, int(mails.opened[at].sum()))
        p = Opening(levels, found.subject).chance(own, mails.issue, mails.interest)
        push = float((within * (mails.opened - p)).sum()) - found.subject / subject_sd**2
        weight = float((within**2 * p * (1 - p)).sum()) + subject_sd**-2
        found = Opening(levels, found.subject + push / weight)
    return found


def _find_level(rate: Floats, drift: Floats, opened: int) -> float:
    """The level at which as many mails are expected to be opened as were.

    An issue that nobody opened, or everybody, is as far out as levels go.
    """
    return find_crossing(
        lambda level: float(raise_rate(rate, level + drift).sum()) > opened, -8.0, 8.0
    )
