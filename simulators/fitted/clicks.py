"""What members want and how slots are looked at, fitted to a log step by step.

The profile model learns its hyperparameters in a first pass over the log; the posteriors of members
and articles come from a second one. Open this to see in which order interests, examination, moments
and fading are fitted, and what the fitted simulator asks of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Context, Floats, Ids, Ints, Round
from bandit.features.features import Features
from bandit.policies.profile import Profile
from simulators.examination.walk import Examine, expect_clicks
from simulators.fitted.choice import choose_model, measure_curve
from simulators.fitted.fading import Fading, fit_fading
from simulators.fitted.interests import LearnedInterests
from simulators.fitted.mails import OpenedMails
from simulators.fitted.matching import MomentMatch, find_shift, match_moments
from simulators.fitted.members import LoggedMembers


@dataclass(frozen=True)
class FittedClicks:
    """What a log says of clicks, and what was drawn from what it leaves open.

    seed: the draws follow from it
    learned: interests and appeals with their posteriors
    match: what was corrected so that members drawn afresh click as the log's do
    examine: how slots are looked at
    perplexities: each kind's, the best first; None where the model was given
    interests: [n, q], drawn, of every member
    appeal: article -> appeal, drawn; articles that the log never showed come to it when asked for
    fading: what age does to appeal
    """

    seed: int
    learned: LearnedInterests
    match: MomentMatch
    examine: Examine
    perplexities: pd.DataFrame | None
    interests: Floats
    appeal: dict[Any, float]
    fading: Fading

    def logits(self, context: Context) -> Floats:
        """Of P(click | examined) of every member of the log and the pool of an issue, [n, m]."""
        ids = context.article_ids
        appeal = self.look_up_appeals(ids) + self.fading.shift(ids, context.issue)
        return np.asarray(self.interests @ context.article_features.T + appeal)

    def look_up_appeals(self, ids: Ids) -> Floats:
        """Appeals of articles [m].

        Those that the log never showed are drawn now, as of any article never clicked.
        """
        new = np.array([article for article in ids if article not in self.appeal], dtype=object)
        if len(new):
            drawn = self.learned.draw_appeals(new, self.seed)
            self.appeal.update(zip(new.tolist(), drawn.tolist(), strict=True))
        return np.array([self.appeal[article] for article in ids])

    def note(self, ids: Ids, issue: int) -> "FittedClicks":
        """The same, with the articles of an issue after the log known."""
        return replace(self, fading=self.fading.note(ids, issue))

    def curve(self, slots: int) -> Floats:
        """P(slot examined | opened) [slots] of a member who hardly clicks."""
        return measure_curve(self.examine, slots)


def fit_clicks(
    features: Features,
    who: LoggedMembers,
    rounds: Sequence[Round],
    examine: Examine | str | None,
    seed: int,
) -> FittedClicks:
    """Interests, articles' appeals, and how slots are looked at.

    rounds: the log
    examine: as for `choose_model`
    """
    mails = OpenedMails.collect(rounds, who.rows, who.fitted)
    kept, _ = who.keep_fitted(rounds)
    learned = learn_interests(features, kept, seed)
    appeal = learned.draw_appeals(mails.ids, seed)
    p = mails.chances(mails.logits(learned.draw_interests(who, seed), appeal))
    model, perplexities = choose_model(examine, mails, p)
    match = match_moments(mails, who.features @ learned.B, learned.variance, appeal, model, seed)
    learned = _correct(learned, match, measure_curve(model, mails.article.shape[1]), kept)
    appeal = learned.draw_appeals(mails.ids, seed)
    interests = learned.draw_interests(who, seed)
    logits = mails.logits(interests, appeal)
    fading = fit_fading(
        mails, _find_first(rounds, mails.ids), expect_clicks(model, mails.chances(logits))
    )
    faded = np.stack([fading.shift(mails.ids, number + 1) for number in range(len(rounds))])
    logits += faded[mails.issue[:, None], mails.article]
    # what the posterior's approximation adds or takes
    interests[who.fitted, 0] += find_shift(mails, logits, model)
    appeals = dict(zip(mails.ids.tolist(), appeal.tolist(), strict=True))
    return FittedClicks(seed, learned, match, model, perplexities, interests, appeals, fading)


def _correct(
    learned: LearnedInterests, match: MomentMatch, curve: Floats, rounds: Sequence[Round]
) -> LearnedInterests:
    """What is learned of members and articles once they differ as much as the moments say."""
    B, factor = learned.B.copy(), np.full(len(learned.variance), match.taste)
    B[0, 0] += match.shift
    factor[0] = match.readiness
    return learn_members(B, factor**2 * learned.variance, learned.quality, curve, rounds)


def _find_first(rounds: Sequence[Round], ids: Ids) -> Ints:
    """The first issue, from 1, whose pool holds each article, [m]."""
    first: dict[Any, int] = {}
    for number, round in enumerate(rounds, start=1):
        first = dict.fromkeys(round.context.article_ids.tolist(), number) | first
    return np.array([first[article] for article in ids.tolist()])


def learn_interests(features: Features, rounds: Sequence[Round], seed: int = 0) -> LearnedInterests:
    """Members' interests and articles' appeal, by two passes over a log.

    The first learns what holds for all: B, variances, and P(examined). The second, with that given,
    each member and each article. B is a draw from its posterior: its mean would leave attributes
    less to explain than they do explain, the more so the fewer the clicks.
    """
    first = Profile(max_slots=max(round.context.rules.slots for round in rounds))
    first.start(features)
    appeal, _ = _pass_over(first, rounds)
    B = first.draw_weights(keys.generator("logged", seed, "B").standard_normal(first.B.size))
    quality = float(np.mean([mean**2 + variance for mean, variance in appeal.values()]))
    return learn_members(B, first.variance, quality, first.examination.curve, rounds)


def learn_members(
    B: Floats, variance: Floats, quality: float, curve: Floats, rounds: Sequence[Round]
) -> LearnedInterests:
    """Members and articles by one pass over the log, all else being known.

    curve: [k], P(slot is looked at | opened)
    """
    policy = Profile()
    policy.fix(B, variance, quality, curve)
    appeal, foreseen = _pass_over(policy, rounds)
    return LearnedInterests(B, variance, quality, policy.profiles, appeal, foreseen)


def _pass_over(
    policy: Profile, rounds: Sequence[Round]
) -> tuple[dict[Any, tuple[float, float]], list[Floats]]:
    """Every article's appeal, as last known, and what was foreseen of the first slots."""
    appeal: dict[Any, tuple[float, float]] = {}
    means: list[Floats] = []
    for round in rounds:
        mean = policy.infer_interests(round.context).mean
        means.append(score_first_slot(round.context.article_features, mean, round.slates.choice))
        policy.learn(round)
        appeal |= policy.appeal.articles
    for round, mean in zip(rounds, means, strict=True):
        ids, top = round.context.article_ids, round.slates.choice[:, 0]
        known = np.array([appeal.get(article, (0.0, 0.0))[0] for article in ids])
        mean += np.where(top >= 0, known[top], 0.0)
    return appeal, means


def score_first_slot(features: Floats, interests: Floats, choice: Ints) -> Floats:
    """w_i . a_j without the constant, for the article in the first slot [n]; 0 where it is empty.

    features: a, [m, q]
    interests: w, [n, q]
    choice: [n, k]
    """
    top = choice[:, 0]
    along = np.einsum("nq,nq->n", interests[:, 1:], features[top, 1:])
    return np.where(top >= 0, along, 0.0)
