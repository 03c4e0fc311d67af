"""The limit of reading: `profile`, told the articles' true topics in place of their text.

It has to learn everything else: what attributes mean, how members differ, what appeals, what is
looked at. What it earns above `profile` is what reading costs; what `bayes_limit` earns above it is
what learning the rest costs. It exists only in simulation and cannot be exported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.policies.profile import Profile
from bandit.policy import Informed, Truth


@dataclass(frozen=True)
class TopicColumns:
    """The columns of true article features, as `Profile.start` asks for them.

    Words cannot be read as topics: the text of any attribute's value is average.
    """

    member_names: list[str]
    article_names: list[str]

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """0 for each text and column of text [len(texts), d]."""
        topics = [name for name in self.article_names if name.startswith("text")]
        return np.zeros((len(texts), len(topics)))


class ProfileTrueTopics(Informed):
    """`Profile` as it is by default, on true topics. There are no options."""

    def __init__(self) -> None:
        self._profile = Profile()

    def start(self, features: Features) -> None:
        """Note what members and articles are described by; `reveal` does the rest."""
        self._members = features.member_names
        self._known = [name for name in features.article_names if not name.startswith("text")]

    def reveal(self, simulator: Truth) -> None:
        """Keep the simulator for the articles' topics, and start the profile on their columns."""
        self._simulator = simulator
        topics = simulator.pool(1).interests().shape[1] - len(self._known)
        names = [*self._known, *(f"text{t}" for t in range(self._count_columns(topics)))]
        self._profile.start(cast(Features, TopicColumns(self._members, names)))

    def _count_columns(self, topics: int) -> int:
        """How many columns tell what an article is about: its topics, all of them."""
        return topics

    def _reveal_topics(self, context: Context) -> Context:
        topics = self._simulator.pool(context.issue).interests()
        return replace(context, article_features=topics)

    def plan(self, context: Context) -> SlotPmf:
        """See `Profile.plan`."""
        return self._profile.plan(self._reveal_topics(context))

    def learn(self, round: Round) -> None:
        """See `Profile.learn`."""
        self._profile.learn(replace(round, context=self._reveal_topics(round.context)))

    def state(self) -> State:
        """See `Profile.state`."""
        return self._profile.state()

    def restore(self, state: State) -> None:
        """See `Profile.restore`."""
        self._profile.restore(state)
