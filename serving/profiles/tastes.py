"""How much each named topic pulls each member, beyond others, and how sure that is.

All is in logits of a click, on an article that has as much of the topic as is usual for articles
about it. Open this file to see what a profile becomes when it is told.
"""

import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from bandit.core.types import Context, Floats, Ints
from bandit.features.features import Features
from bandit.log.words import NAMED, take_topics
from bandit.models.profiles import Profiles
from bandit.policies.profile import Profile

AT_A_TIME = 50_000  # members


@dataclass(frozen=True)
class Tastes:
    """What n members are thought to want of t topics, [n, t] each.

    pull: beyond the average member of the list, in logits
    doubt: standard deviation of what is not known of it, in logits
    start: the pull that attributes alone would let expect, in logits
    """

    pull: Floats
    doubt: Floats
    start: Floats

    @property
    def sure(self) -> Floats:
        """How likely it is that a topic pulls the member more than the average member [n, t]."""
        scores = self.pull / np.maximum(self.doubt, 1e-12)
        below: Floats = np.vectorize(math.erf, otypes=[float])(scores / math.sqrt(2))
        return 0.5 * (1 + below)


@dataclass(frozen=True)
class Scale:
    """What tastes are measured by.

    topics: places of the t topics that are told
    amount: [t], of the topic in an article about it
    average: [t], mean taste of the members in the list, in logits an amount of 1
    """

    topics: Ints
    amount: Floats
    average: Floats

    def measure(self, policy: Profile, features: Features, context: Context) -> Tastes:
        """The tastes of the context's members."""
        belief = policy.infer_interests(context)
        mean, variance = (self._take(features, part) for part in (belief.mean, belief.variance))
        start = self._take(features, forget_members(policy).infer_interests(context).mean)
        return Tastes(
            self.amount * (mean - self.average),
            self.amount * np.sqrt(variance),
            self.amount * (start - self.average),
        )

    def _take(self, features: Features, columns: Floats) -> Floats:
        return take_topics(features, columns)[:, self.topics]


def find_topics(features: Features, article_features: Floats) -> Ints:
    """The place of each article's main topic among the features' names [m].

    It is -1 where an article has none that is named, as everywhere where no topic has a name.
    """
    amounts = take_topics(features, article_features)
    if not amounts.shape[1]:
        return np.full(len(amounts), -1)
    return np.where(amounts.max(axis=1) >= NAMED, amounts.argmax(axis=1), -1)


def forget_members(policy: Profile) -> Profile:
    """The same policy without anybody's own clicks: it goes by attributes alone."""
    bare = copy(policy)
    bare.profiles = Profiles(policy.B.shape[1])
    return bare


def set_scale(
    policy: Profile,
    features: Features,
    everybody: Context,
    topics: Ints,
    articles: Sequence[Floats],
) -> Scale:
    """The scale of a list of members.

    everybody: the members of the list
    articles: [m, q] each, features of pools that say how much of a topic an article about it has
    """
    text = np.vstack(articles)
    amounts, main = take_topics(features, text), find_topics(features, text)
    about = [amounts[main == topic, topic] for topic in topics]
    amount = np.array([own.mean() if len(own) else NAMED for own in about])
    total = np.zeros(len(topics))
    for part in divide(everybody):
        mean = policy.infer_interests(part).mean
        total += take_topics(features, mean)[:, topics].sum(axis=0)
    return Scale(topics, amount, total / len(everybody.members))


def divide(context: Context) -> Iterator[Context]:
    """The members of a context, so many at a time that memory holds."""
    n = len(context.members)
    for start in range(0, n, AT_A_TIME):
        yield context.take(slice(start, min(start + AT_A_TIME, n)))
