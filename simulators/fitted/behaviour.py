"""From a log: how often each member opens, what moves it, and who leaves.

Members' rates are Beta around what attributes say, by maximum likelihood. What is wanted and looked at: `fitting_clicks`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, digamma, expit, logit

from bandit.core import check, keys
from bandit.core.ids import locate
from bandit.core.types import Bools, Feedback, Floats, Ints, Round
from simulators.logits import raise_rate

WORTH = 200  # mails that the common chance of leaving weighs in each state's
NEARLY_ALL = 0.9  # an issue sent to a larger share of those who are there tells who has left
STAYED = np.iinfo(np.int64).max
PULL_SD = 0.5  # of what an attribute does to a rate, logits, before data says so
SUBJECT_SD = 0.3  # of what a logit of interest in the first slot does to opening, logits, before data says so


def chosen(only: float | Sequence[Any] | None, ids: pd.Series) -> Bools:
    """Which of the members `ids` [n] to fit to: those that `only` names, a share of all by a hash of their id, or all."""
    if only is None:
        return np.ones(len(ids), dtype=bool)
    if isinstance(only, int | float):
        check.share("only", only)
        found = (
            keys.uniforms(0, "logged", "fitted", keys.member_keys(ids.to_numpy()), 1)[:, 0] < only
        )
    elif isinstance(only, str):
        raise ValueError(f"only = {only!r}; must be a share, or a list of members")
    else:
        at = locate(pd.Index(ids), np.asarray(only))
        if (at < 0).any():
            raise ValueError(
                f"only names member {only[int((at < 0).argmax())]!r}, who is not in the log"
            )
        found = np.zeros(len(ids), dtype=bool)
        found[at] = True
    if not found.any():
        raise ValueError(f"only = {only!r} leaves no member to fit to")
    return np.asarray(found)


@dataclass(frozen=True)
class Rates:
    """Member i's rate is Beta(s mu_i, s (1 - mu_i)) with mu_i = sigmoid(x_i pull): pull [p], s the concentration."""

    pull: Floats
    concentration: float

    def mean(self, x: Floats) -> Floats:
        """mu [n] for member features [n, p]."""
        return np.asarray(expit(np.einsum("np,p->n", x, self.pull)))

    def drawn(self, x: Floats, hits: Floats, trials: Floats, uniform: Floats) -> Floats:
        """A draw of each member's rate from its posterior after `hits` of `trials` [n], by inverse CDF of `uniform` [n]. The
        draws differ as much as the members do; posterior means would differ less."""
        mean = np.clip(self.mean(x), 1e-9, 1 - 1e-9)
        a, b = self.concentration * mean + hits, self.concentration * (1 - mean) + trials - hits
        drawn = betaincinv(a, b, uniform)
        return np.asarray(np.where(np.isfinite(drawn), drawn, a / (a + b)))


def rates(hits: Floats, trials: Floats, x: Floats, pull_sd: float = PULL_SD) -> Rates:
    """The most likely `Rates` after `hits` of `trials` [n] of members with features x [n, p], whose first column is 1: a
    beta-binomial regression, with a Gaussian prior on all pulls but the constant's. Raises ValueError for hits that cannot
    be."""
    hits, trials = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    bad = ~((hits >= 0) & (hits <= trials))
    if bad.any():
        i = int(bad.argmax())
        raise ValueError(
            f"hits[{i}] = {hits[i]} of trials[{i}] = {trials[i]}; must be between 0 and that"
        )
    met = trials > 0
    hits, trials, x = hits[met], trials[met], np.asarray(x, dtype=np.float64)[met]
    pull = np.zeros(x.shape[1])
    if not hits.sum() or hits.sum() == trials.sum():  # no member is known to differ
        pull[0] = 20.0 if hits.sum() else -20.0
        return Rates(pull, 1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        pull, s = values[1:], np.exp(values[0])
        mean = np.clip(expit(x @ pull), 1e-9, 1 - 1e-9)
        a, b = s * mean, s * (1 - mean)
        value = (betaln(a + hits, b + trials - hits) - betaln(a, b)).sum() - 0.5 * np.square(
            pull[1:] / pull_sd
        ).sum()
        both = digamma(s) - digamma(s + trials)
        by_a = digamma(a + hits) - digamma(a) + both
        by_b = digamma(b + trials - hits) - digamma(b) + both
        by_pull = x.T @ ((by_a - by_b) * s * mean * (1 - mean))
        by_pull[1:] -= pull[1:] / pull_sd**2
        by_s = s * (mean * by_a + (1 - mean) * by_b).sum()
        return -value / len(hits), -np.concatenate([[by_s], by_pull]) / len(hits)

    start = np.concatenate([[np.log(2.0), logit(hits.sum() / trials.sum())], pull[1:]])
    limits = [(np.log(1e-2), np.log(1e4)), *[(-20.0, 20.0)] * len(pull)]
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        options={"maxiter": 500, "ftol": 1e-13},
    )
    return Rates(found.x[1:], float(np.exp(found.x[0])))


def bisected(
    rising: Callable[[float], float], wanted: float, low: float = -8.0, high: float = 8.0
) -> float:
    """Where a function that rises from `low` to `high` reaches `wanted`."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > wanted else (middle, high)
    return (low + high) / 2


@dataclass(frozen=True)
class Mails:
    """The delivered mails of a log: member (row of the member list), issue (place in the log), opened, interest (in the
    first slot's article, as far as it was known before, logits), all [d]."""

    member: Ints
    issue: Ints
    opened: Bools
    interest: Floats

    @classmethod
    def of(
        cls, rounds: Sequence[Round], rows: Sequence[Ints], interest: Sequence[Floats]
    ) -> "Mails":
        """rows, interest: of each round's members."""
        came = [np.flatnonzero(round.feedback.delivered) for round in rounds]
        parts = zip(rounds, rows, interest, came, strict=True)
        columns = zip(
            *((at[d], round.feedback.opened[d], care[d]) for round, at, care, d in parts),
            strict=True,
        )
        member, opened, care = (np.concatenate(column) for column in columns)
        return cls(member, np.repeat(np.arange(len(rounds)), [len(d) for d in came]), opened, care)


def counts(rounds: Sequence[Round], rows: Sequence[Ints], n: int) -> tuple[Floats, Floats, Floats]:
    """Mails sent, delivered and opened of each of n members [n]; rows: each round's members."""
    sent, came, opened = (np.zeros(n) for _ in range(3))
    for round, at in zip(rounds, rows, strict=True):
        sent[at] += 1
        came[at] += round.feedback.delivered
        opened[at] += round.feedback.opened
    return sent, came, opened


@dataclass(frozen=True)
class Moves:
    """What moves opening, logits: levels [T], of each issue (of a later one 0), and subject, for each logit of interest in
    the first slot."""

    levels: Floats
    subject: float

    def chance(self, rate: Floats, issue: Ints | int, interest: Floats) -> Floats:
        """P(opened | delivered) [n] of members with these rates and interests [n]."""
        level = np.append(self.levels, 0.0)[np.minimum(issue, len(self.levels))]
        return raise_rate(rate, level + self.subject * interest)


def moves(
    mails: Mails, rate: Floats, issues: int, subject_sd: float = SUBJECT_SD, rounds: int = 4
) -> Moves:
    """Levels so that each issue is opened as often as it was, and the most probable subject, Normal(0, subject_sd^2)
    beforehand, by turns. rate [n]: members' own. Interest varies within a member for the subject's sake only: what members
    are interested in on average is in their rates. It is the mean of what was known, so that what is not known of a
    member's interests takes nothing from the effect (Berkson 1950, "Are there two regressions?")."""
    found = Moves(np.zeros(issues), 0.0)
    if not len(mails.member):
        return found
    n, own = len(rate), rate[mails.member]
    mean = np.bincount(mails.member, mails.interest, n) / np.maximum(
        np.bincount(mails.member, minlength=n), 1
    )
    within = mails.interest - mean[mails.member]
    for _ in range(rounds):
        levels = np.zeros(issues)
        for t in range(issues):
            at = mails.issue == t
            opened = int(mails.opened[at].sum())
            if at.any():  # an issue that nobody opened, or everybody, is as far out as levels go
                levels[t] = bisected(
                    partial(_opened, own[at], found.subject * mails.interest[at]), opened
                )
        found = Moves(levels, found.subject)
        p = found.chance(own, mails.issue, mails.interest)
        push = float((within * (mails.opened - p)).sum()) - found.subject / subject_sd**2
        found = Moves(
            levels, found.subject + push / (float((within**2 * p * (1 - p)).sum()) + subject_sd**-2)
        )
    return found


@dataclass(frozen=True)
class Seconds:
    """Reading times as the log has them: clicked, of clicked articles, sorted. observed: share of opens in a page that
    tells what was scrolled past; glance: median seconds on that."""

    clicked: Floats
    observed: float
    glance: float

    def drawn(self, uniform: Floats) -> Floats:
        """Inverse CDF of `uniform`, any shape."""
        return np.asarray(self.clicked[(uniform * len(self.clicked)).astype(np.int64)])


def seconds(rounds: Sequence[Round]) -> Seconds:
    """The reading times of all members. No law is fitted: some clicks are given up at once, and others are not."""
    clicked, glances, opens, pages = [], [], 0, 0
    for feedback in (round.feedback for round in rounds):
        passed = np.equal(feedback.examined, 1) & ~feedback.clicked
        clicked.append(feedback.dwell_seconds[feedback.clicked])
        glances.append(feedback.dwell_seconds[passed])
        opens += int(feedback.opened.sum())
        pages += int(((feedback.examined >= 0) & ~feedback.clicked).any(axis=1).sum())
    glance = np.concatenate(glances)
    return Seconds(
        np.sort(np.concatenate(clicked)),
        pages / max(opens, 1),
        max(float(np.median(glance)), 1.0) if len(glance) else 1.0,
    )


def _opened(rate: Floats, drift: Floats, level: float) -> float:
    return float(raise_rate(rate, level + drift).sum())


@dataclass(frozen=True)
class Leaving:
    """How members leave, after a mail that bounced, was not opened, was opened, was clicked in (`state`): chances of
    unsubscribing and of not being sent another issue for any other reason, each [4]. sent [T]: the chance of a member who is
    there to be sent each issue, below 1 for campaigns to some; last [n]: each member's last issue before leaving, `STAYED`
    for those who have not left."""

    unsubscribe: Floats
    vanish: Floats
    sent: Floats
    last: Ints


def state(feedback: Feedback) -> Ints:
    """0 bounced, 1 not opened, 2 opened, 3 clicked in, [n]."""
    return feedback.delivered.astype(np.int64) + feedback.opened + feedback.clicked.any(axis=1)


def leaving(rounds: Sequence[Round], rows: Sequence[Ints], keep: Bools) -> Leaving:
    """`rows`: each round's members as rows of the member list; keep [n]: which of these count. A member is thought to have
    left who is sent none of the later issues that nearly everybody is sent. A state's chance weighs as many mails as it has
    against `WORTH` at the chance of all."""
    n, T = len(keep), len(rounds)
    there = np.zeros((T, n), dtype=bool)
    for t, at in enumerate(rows):
        there[t, at] = True
    first, last = there.argmax(axis=0), T - 1 - there[::-1].argmax(axis=0)
    # of those who were sent issues before and after; at the ends, of those who were sent the neighbouring issue
    others = (np.arange(T)[:, None] > first) & (np.arange(T)[:, None] < last)
    others[0], others[-1] = there[min(1, T - 1)], there[max(T - 2, 0)]
    sent = np.array([there[i, others[i]].mean() if others[i].any() else 1.0 for i in range(T)])
    whole = np.flatnonzero(sent > NEARLY_ALL)
    left = last < (whole[-1] if len(whole) else -1)
    mails, unsubscribed, vanished = np.zeros(4), np.zeros(4), np.zeros(4)
    for i, (round, at) in enumerate(zip(rounds, rows, strict=True)):
        some = keep[at]
        after, gone = state(round.feedback)[some], round.feedback.unsubscribed[some]
        mails += np.bincount(after, minlength=4)
        unsubscribed += np.bincount(after[gone], minlength=4)
        vanished += np.bincount(after[~gone & left[at[some]] & (last[at[some]] == i)], minlength=4)

    def chance(events: Floats) -> Floats:
        return np.asarray((events + WORTH * events.sum() / max(mails.sum(), 1)) / (mails + WORTH))

    return Leaving(chance(unsubscribed), chance(vanished), sent, np.where(left, last + 1, STAYED))
