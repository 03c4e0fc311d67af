"""From a log: what members want, and how slots are looked at.

Interests are those of the profile model, whose hyperparameters are learned in a first pass over the log; the posteriors of
members and articles come from a second one. Examination is fitted by EM to clicks whose P(click | examined) is drawn from
those posteriors (stochastic EM: Celeux & Diebolt 1985), so that members who differ in how readily they click do not pass for
effects of earlier clicks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.sparse import csr_matrix
from scipy.special import expit

from bandit.core import exact, keys
from bandit.core.types import Bools, Floats, Ints, Round
from bandit.features.features import KINDS, Features
from bandit.models.profiles import Belief, Profiles
from bandit.policies.profile import Profile
from simulators.examination.models import (
    Cascade,
    DependentClick,
    DynamicBayesian,
    Newsletter,
    PositionBased,
    UserBrowsing,
)
from simulators.examination.walk import Examine, expected
from simulators.fitted.behaviour import bisected

TEXT = 1 + len(KINDS)  # article features: the constant, kinds, text
MOST = 30_000  # newsletters that moments are matched on
FADING_SD = 0.3  # of what an article loses with each issue, logits, before data says so
FACTOR_SD = 0.3  # of the logarithm of what a standard deviation is multiplied with, before the moments say so


@dataclass(frozen=True)
class Cells:
    """The opened newsletters of a log: member (row in the member list) and issue (place in the log) [e]; article (place in
    `ids`, -1 empty) and clicked [e, k]; features [len(ids), q]."""

    ids: NDArray[Any]
    features: Floats
    member: Ints
    issue: Ints
    article: Ints
    clicked: Bools

    @classmethod
    def of(cls, rounds: Sequence[Round], rows: Sequence[Ints], keep: Bools) -> "Cells":
        """rows: each round's members as rows of the member list; keep [n]: which of these count."""
        place: dict[Any, int] = {}
        features: list[Floats] = []
        k = max(round.slates.choice.shape[1] for round in rounds)
        parts: list[tuple[Ints, ...]] = []
        for t, (round, at) in enumerate(zip(rounds, rows, strict=True)):
            for article, a in zip(
                round.context.article_ids, round.context.article_features, strict=True
            ):
                if place.setdefault(article, len(place)) == len(features):
                    features.append(a)
            known = np.array([place[article] for article in round.context.article_ids] + [-1])
            some = np.flatnonzero(round.feedback.opened & keep[at])
            wide = ((0, 0), (0, k - round.slates.choice.shape[1]))
            article = np.pad(known[round.slates.choice[some]], wide, constant_values=-1)
            parts.append(
                (
                    at[some],
                    np.full(len(some), t),
                    article,
                    np.pad(round.feedback.clicked[some], wide),
                )
            )
        member, issue, article, clicked = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        if not clicked.any():
            raise ValueError(
                "the log has no click of the members to fit to; what they want cannot be fitted"
            )
        return cls(
            pd.Index(place).to_numpy(),
            np.stack(features),
            member,
            issue,
            article,
            clicked.astype(bool),
        )

    def some(self, most: int) -> "Cells":
        """Those of some of the members, drawn by key, so many that there are about `most` newsletters."""
        if len(self.member) <= most:
            return self
        who, count = np.unique(self.member, return_counts=True)
        luck = keys.uniforms(0, "logged", "some", who.astype(np.uint64), 1)[:, 0]
        order = np.argsort(luck, kind="stable")
        keep = np.isin(self.member, who[order[np.cumsum(count[order]) <= most]])
        parts = (self.member[keep], self.issue[keep], self.article[keep], self.clicked[keep])
        return Cells(self.ids, self.features, *parts)

    def logits(self, interests: Floats, appeal: Floats) -> Floats:
        """w_i . a_j + b_j of each cell [e, k], of no meaning where it is empty: interests [n, q], appeal [len(ids)]."""
        scores = np.empty(self.article.shape)
        for slot, index in enumerate(self.article.T):
            scores[:, slot] = (
                np.einsum("eq,eq->e", interests[self.member], self.features[index]) + appeal[index]
            )
        return scores

    def wanted(self, logits: Floats) -> Floats:
        """P(click | examined) [e, k], 0 where a slot is empty."""
        return np.where(self.article >= 0, expit(logits), 0.0)


@dataclass(frozen=True)
class Interests:
    """What the profile model learned: w_i ~ Normal(B x_i, variance), b_j ~ Normal(0, quality). B [p, q], variance [q].
    profiles: what each member's clicks say; appeal: article -> mean and variance of b_j. foreseen: for each round, how much
    each member was thought to care for the first slot's article before the issue, readiness apart, logits [n]."""

    B: Floats
    variance: Floats
    quality: float
    profiles: Profiles
    appeal: Mapping[Any, tuple[float, float]]
    foreseen: Sequence[Floats]

    def belief(self, ids: NDArray[Any], x: Floats) -> Belief:
        """Posterior of the interests of members with these ids and features [n, p]; of those never met, the prior."""
        prior = exact.dot(x, self.B.T)
        return self.profiles.posterior(
            self.profiles.find_rows(ids), prior, np.broadcast_to(self.variance, prior.shape)
        )

    def appeals(self, ids: NDArray[Any]) -> tuple[Floats, Floats]:
        """Mean and variance of b_j [m]."""
        both = np.array([self.appeal.get(article, (0.0, self.quality)) for article in ids]).reshape(
            -1, 2
        )
        return both[:, 0], both[:, 1]


def interests(features: Features, rounds: Sequence[Round], seed: int = 0) -> Interests:
    """Two passes over a log. The first learns what holds for all: B, variances, and P(examined). The second, with that
    given, each member and each article. B is a draw from its posterior: its mean would leave attributes less to explain
    than they do explain, the more so the fewer the clicks."""
    first = Profile(max_slots=max(round.context.rules.slots for round in rounds))
    first.start(features)
    appeal, _ = _learned(first, rounds)
    B = first.draw_weights(keys.generator("logged", seed, "B").standard_normal(first.B.size))
    quality = float(np.mean([mean**2 + variance for mean, variance in appeal.values()]))
    return given(B, first.variance, quality, first.examination.curve, rounds)


def given(
    B: Floats, variance: Floats, quality: float, curve: Floats, rounds: Sequence[Round]
) -> Interests:
    """Members and articles by one pass over the log, all else being known."""
    policy = Profile()
    policy.fix(B, variance, quality, curve)
    appeal, foreseen = _learned(policy, rounds)
    return Interests(B, variance, quality, policy.profiles, appeal, foreseen)


def _learned(
    policy: Profile, rounds: Sequence[Round]
) -> tuple[dict[Any, tuple[float, float]], list[Floats]]:
    """Every article's appeal, as last known, and what was foreseen of the first slots."""
    appeal: dict[Any, tuple[float, float]] = {}
    means: list[Floats] = []
    for round in rounds:
        mean = policy.infer_interests(round.context).mean
        means.append(first_slot(round.context.article_features, mean, round.slates.choice))
        policy.learn(round)
        appeal |= policy.appeal.articles
    for round, mean in zip(rounds, means, strict=True):
        known = np.array(
            [appeal.get(article, (0.0, 0.0))[0] for article in round.context.article_ids]
        )
        top = round.slates.choice[:, 0]
        mean += np.where(top >= 0, known[top], 0.0)
    return appeal, means


def first_slot(features: Floats, interests: Floats, choice: Ints) -> Floats:
    """w_i . a_j without the constant, for the article in the first slot [n]; 0 where it is empty. features [m, q], interests
    [n, q]."""
    top = choice[:, 0]
    return np.where(top >= 0, np.einsum("nq,nq->n", interests[:, 1:], features[top, 1:]), 0.0)


def candidates(slots: int) -> dict[str, Examine]:
    """One examination model of each kind, to start from."""
    curve = 1 / (1 + 0.15 * np.arange(slots))
    return {
        "position_based": PositionBased(curve.tolist()),
        "newsletter": Newsletter(0.95, 0.8, 0.2, 0.4),
        "cascade": Cascade(),
        "dependent_click": DependentClick([0.7] * (slots - 1)),
        "dynamic_bayesian": DynamicBayesian(0.9, 0.2),
        "user_browsing": UserBrowsing([curve[r:].tolist() for r in range(slots)]),
    }


def moments(cells: Cells, clicks: Floats, n: int) -> Floats:
    """Of each of n members [n, 3]: clicks; pairs of clicks in different newsletters, which tell how far members differ in
    clicking at all; the same weighted with how alike the two texts are, which tells how far they differ in taste.
    clicks [e, k]: what happened, or its probability."""
    same = csr_matrix(
        (np.ones(len(clicks)), (cells.member, np.arange(len(clicks)))), shape=(n, len(clicks))
    )
    text = np.zeros((len(clicks), cells.features.shape[1] - TEXT))
    for slot, index in enumerate(cells.article.T):
        text += clicks[:, slot, None] * cells.features[index, TEXT:]
    count = clicks.sum(axis=1)
    pairs = np.square(same @ count) - same @ np.square(count)
    alike = np.square(same @ text).sum(axis=1) - same @ np.square(text).sum(axis=1)
    return np.stack([same @ count, pairs, alike], axis=1)


@dataclass(frozen=True)
class Matched:
    """What to add to every logit, and by what to multiply the standard deviations of readiness and of taste, so that members
    drawn afresh click as the log's do; and the moments of both, summed over members."""

    shift: float
    readiness: float
    taste: float
    log: Floats
    fitted: Floats


def matched(
    cells: Cells,
    prior: Floats,
    variance: Floats,
    appeal: Floats,
    model: Examine,
    seed: int,
    times: int = 8,
) -> Matched:
    """Generalised method of moments by simulation (McFadden 1989): interests are drawn from Normal(prior [n, q], variance
    [q]), on the log's own newsletters. Where clicks are few, the profile model's variances lean on where they started. Each
    moment weighs by its standard error over members; a factor is e^Normal(0, FACTOR_SD^2) beforehand."""
    n = len(prior)
    cells = cells.some(MOST)
    base = cells.logits(prior, appeal)
    noise = [
        keys.generator("logged", seed, "matching", draw).standard_normal(prior.shape)
        for draw in range(times)
    ]
    nothing = np.zeros(len(appeal))
    parts = []
    for z in noise:
        own = z * np.sqrt(variance)
        ready = np.where(np.arange(prior.shape[1]) == 0, own, 0.0)
        parts.append((cells.logits(ready, nothing), cells.logits(own - ready, nothing)))
    log = moments(cells, cells.clicked.astype(np.float64), n)
    error = np.maximum(np.sqrt(n) * log.std(axis=0), 1e-9)

    def fitted(values: Floats) -> Floats:
        shift, ready, taste = values[0], *np.exp(values[1:])
        chances = (
            expected(model, cells.wanted(base + shift + ready * r + taste * t)) for r, t in parts
        )
        return np.asarray(sum(moments(cells, p, n).sum(axis=0) for p in chances) / times)

    def off(values: Floats) -> Floats:
        return np.concatenate([(fitted(values) - log.sum(axis=0)) / error, values[1:] / FACTOR_SD])

    found = least_squares(
        off, np.zeros(3), diff_step=0.02, max_nfev=8, bounds=([-6, -1.5, -1.5], [6, 1.5, 1.5])
    ).x
    ready, taste = np.exp(found[1:]).tolist()
    return Matched(float(found[0]), ready, taste, log.sum(axis=0), fitted(found))


@dataclass(frozen=True)
class Fading:
    """slope: logits of appeal that an article loses with each issue after its first. first: that issue, from 1; mean: its
    age when the log showed it, on average, to which its appeal refers. usual: the mean of all."""

    slope: float
    first: dict[Any, int]
    mean: dict[Any, float]
    usual: float

    def at(self, ids: NDArray[Any], issue: int) -> Floats:
        """What has become of the appeals [m] by `issue`; an article never seen is new."""
        ages = np.array([issue - self.first.get(article, issue) for article in ids])
        return -self.slope * (ages - [self.mean.get(article, self.usual) for article in ids])

    def seen(self, ids: NDArray[Any], issue: int) -> "Fading":
        """The same, with the articles of an issue known."""
        return replace(self, first={**dict.fromkeys(ids, issue), **self.first})


def fading(cells: Cells, first: Ints, chances: Floats) -> Fading:
    """From articles that the log showed both new and later: by what factor clicks are above their chances [e, k] when new,
    against later. What each article is worth cancels. first [len(ids)]: the articles' first issues, from 1. The slope is
    Normal(0, FADING_SD^2) beforehand."""
    shown, n = cells.article >= 0, len(cells.ids)
    age = np.where(shown, cells.issue[:, None] + 1 - first[cells.article], 0)
    count = np.bincount(cells.article[shown], minlength=n)
    later = np.bincount(cells.article[shown], age[shown] > 0, n)
    both = shown & ((later > 0) & (later < count))[cells.article]
    (new, old), slope = (both & (age == 0), both & (age > 0)), 0.0
    clicks = [int(cells.clicked[at].sum()) for at in (new, old)]
    if min(clicks) > 0:
        foreseen = [float(chances[at].sum()) for at in (new, old)]
        apart = float(np.average(age[old], weights=chances[old]))
        found = np.log(clicks[0] / foreseen[0]) - np.log(clicks[1] / foreseen[1])
        slope = float(
            found / apart / (1 + (1 / clicks[0] + 1 / clicks[1]) / (apart * FADING_SD) ** 2)
        )
    mean = np.bincount(cells.article[shown], age[shown], n) / np.maximum(count, 1)
    ids = cells.ids.tolist()
    starts, means = (
        dict(zip(ids, first.tolist(), strict=True)),
        dict(zip(ids, mean.tolist(), strict=True)),
    )
    return Fading(slope, starts, means, float(age[shown].mean()))


def shifted(cells: Cells, logits: Floats, model: Examine) -> float:
    """What to add to all logits [e, k] so that as many clicks are expected as there are."""
    clicks = float(cells.clicked.sum())
    return bisected(
        lambda shift: float(expected(model, cells.wanted(logits + shift)).sum()), clicks
    )
