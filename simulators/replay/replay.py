"""A log as a place to try policies: a round counts where the policy chooses what the log holds.

Rejection replay (Li, Chu, Langford & Wang 2011, "Unbiased offline evaluation of contextual-bandit-based news article
recommendation algorithms", algorithm 2): with choices logged uniformly, the rounds in which the policy's choice equals
the logged one are a fair sample of what the policy would have met; their number is random. A log that is not uniform is
first thinned: a match is kept with probability floor / propensity, floor being one number for the whole log (rejection
sampling as in Dudik, Erhan, Langford & Li 2012, "Sample-efficient nonstationary policy evaluation for contextual bandits",
without their clipping). Every match then has the same chance to be kept, whoever the member is; a floor of each round's
own would prefer members whose choices were even. A policy learns from the rounds kept, and from nothing else.

The weighted form keeps every round, weighted by target / logged probability (`bandit.ope`); it uses more of the log, and
is the only one of use where the smallest propensity is tiny.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from bandit.core import check, keys
from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Feedback, Floats, Ints, Round, Slates
from bandit.features.features import Features
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import Interval
from bandit.policy import Policy
from bandit.slates.walk import draw
from bandit.slates.walk import replay as probability
from simulators.base import Truthful
from simulators.replay.loaders.tables import Logged


class Source(Protocol):
    """A loader of a log with one choice a round."""

    def read(self) -> Logged: ...


class Replay(Truthful):
    """log: a loader, or the table itself. issues: batches the rounds are cut into; a policy learns after each. seed: the
    order of the rounds, which are taken as independent: every seed replays the same ones.

    An issue's members are its rounds; one slot, the whole pool open. Delivered and opened are the rounds kept, a share
    `floor` (the smallest propensity) of all, so clicks an open are the replayed click rate. Raises ValueError for a log
    without propensities.
    """

    def __init__(self, log: Source | Logged, seed: int = 0, issues: int = 26) -> None:
        table: Any = log if hasattr(log, "account") else log.read()
        if not isinstance(table, Logged):
            raise ValueError(
                f"{table.account.source}: replay needs one choice a round and its propensity"
            )
        n = len(table.members)
        check.at_least("issues", issues, 1)
        if issues > n:
            raise ValueError(
                f"issues = {issues}; {table.account.source} has {n} rounds, at least one each"
            )
        self.log, self.seed, self.issues, self.slots = table, seed, issues, 1
        self._order = keys.generator("replay", seed).permutation(n)
        self._place = {int(member): i for i, member in enumerate(table.members["member"])}
        self.floor = float(table.propensity.min())
        self.members, self.features = table.members, _features(table)
        self._x = self.features.members(table.members)

    def rows(self, context: Context) -> Ints:
        """The log's rows [n] of an issue's members."""
        return np.array([self._place[int(member)] for member in context.member_ids], dtype=np.int64)

    def issue(self, number: int) -> Context:
        """Batch `number`, counted from 1, as a context."""
        check.at_least("issue", number, 1)
        if number > self.issues:
            raise ValueError(f"issue = {number}; the log is cut into {self.issues}")
        ends = np.linspace(0, len(self._order), self.issues + 1).astype(np.int64)
        rows = self._order[ends[number - 1] : ends[number]]
        return self.features.context(
            campaign=f"issue-{number:03d}",
            issue=number,
            members=self.log.members.iloc[rows],
            articles=self.log.articles,
            rules=Rules(slots=1),
            member_features=self._x[rows],
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """What the log says of the rounds kept; a round that is not counts as delivered and never opened."""
        rows = self.rows(context)
        kept = self._match(rows, slates)
        luck = keys.uniforms(self.seed, "replay", "thin", keys.member_keys(context.member_ids), 1)[
            :, 0
        ]
        kept &= luck * self.log.propensity[rows] < self.floor
        clicked = (kept & self.log.clicked[rows])[:, None]
        return Feedback(
            delivered=np.ones(len(rows), dtype=bool),
            opened=kept,
            unsubscribed=np.zeros(len(rows), dtype=bool),
            examined=np.where(clicked, 1, -1).astype(np.int8),
            clicked=clicked,
            dwell_seconds=np.zeros(clicked.shape),
        )

    def expected(self, context: Context, slates: Slates) -> Floats:
        """An estimate, not the truth, of each member's recorded clicks on these slates [n, 1]: floor / propensity where a
        match was clicked, else 0. Its mean is unbiased for `floor` times the click rate (Horvitz & Thompson 1952)."""
        rows = self.rows(context)
        weight = self._match(rows, slates) * (self.floor / self.log.propensity[rows])
        return np.asarray((weight * self.log.clicked[rows])[:, None])

    def _match(self, rows: Ints, slates: Slates) -> Bools:
        check.shape("choice", slates.choice, (len(rows), 1))
        return np.asarray(slates.choice[:, 0] == self.log.choice[rows])

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """Nothing: rounds do not depend on one another."""

    def twin(self) -> "Replay":
        """Itself: it has no memory."""
        return self

    def joined(self, ids: Any) -> NDArray[np.int64]:
        """Every member is met once and none is a newcomer."""
        return np.ones(len(ids), dtype=np.int64)

    def truth(self, context: Context) -> Floats:
        """Raises ValueError: what was not shown is unknown, so policies that are told the truth cannot be tried here."""
        raise ValueError(
            f"{self.log.account.source} is a log: it does not tell what a member would have clicked on"
        )

    def hyperparameters(self) -> dict[str, Floats]:
        """Raises ValueError, as `truth` does."""
        raise ValueError(f"{self.log.account.source} is a log: nobody knows how its members differ")


def _features(log: Logged) -> Features:
    """Attributes as ever; an article is known by its number only, one column each."""
    encoder = Numbered((log.articles["title"] + ". " + log.articles["summary"]).tolist())
    fitted = Features.fit(log.members, encoder.texts, 1, encoder)
    return replace(fitted, centre=np.zeros(encoder.dim), components=np.eye(encoder.dim))


class Numbered:
    """An encoder that knows a pool's articles by their place: unit vectors, and zeros for any other text."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.dim = list(texts), len(texts)
        self.name = f"numbered-{sha256(repr(self.texts).encode()).hexdigest()[:16]}"
        self._place = {text: j for j, text in enumerate(self.texts)}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, text in enumerate(texts):
            if text in self._place:
                vectors[i, self._place[text]] = 1
        return vectors


@dataclass(frozen=True)
class Replayed:
    """A policy's clicks a round. kept of `rounds` matched: `rejection` is their click rate, None where nothing was kept.
    weighted: the estimate from all rounds (snips), with its effective sample size, or the reason why there is none."""

    rounds: int
    kept: int
    rejection: Interval | None
    weighted: Estimate


def replayed(
    policy: Policy, log: Source | Logged, seed: int = 0, batches: int = 26, level: float = 0.95
) -> Replayed:
    """Start `policy`, let it learn its way through the log, and say what it earned.

    Both numbers are means over the run, learning included. Intervals speak of the luck in clicks, not of the luck in what
    the policy learned: replay several seeds for that.
    """
    place = Replay(log, seed, batches)
    policy.start(place.features)
    target: list[Floats] = []
    rows: list[Ints] = []
    kept = clicks = 0
    for number in range(1, batches + 1):
        context = place.issue(number)
        plan = policy.plan(context)
        slates = draw(plan, context, seed)
        feedback = place.respond(context, slates)
        rows.append(place.rows(context))
        target.append(probability(plan, context, place.log.choice[rows[-1]][:, None]))
        policy.learn(Round(context, slates, feedback))
        kept, clicks = kept + int(feedback.opened.sum()), clicks + int(feedback.clicked.sum())
    met = np.concatenate(rows)
    estimates = evaluate(
        place.log.propensity[met][:, None],
        np.concatenate(target),
        place.log.clicked[met][:, None],
        np.ones((len(met), 1), dtype=bool),
        met,
        level=level,
    )
    weighted = next(estimate for estimate in estimates if estimate.estimator == "snips")
    return Replayed(len(met), kept, exact_interval(clicks, kept, level) if kept else None, weighted)


def exact_interval(clicks: int, kept: int, level: float = 0.95) -> Interval:
    """Clopper & Pearson 1934: never too short, even with no clicks. Raises ValueError for counts that cannot be."""
    if not 0 <= clicks <= kept or not kept or not 0 < level < 1:
        raise ValueError(f"{clicks} clicks in {kept} rounds at level {level}: no such interval")
    tail = (1 - level) / 2
    low = float(betaincinv(clicks, kept - clicks + 1, tail)) if clicks else 0.0
    high = float(betaincinv(clicks + 1, kept - clicks, 1 - tail)) if clicks < kept else 1.0
    return Interval(clicks / kept, low, high)
