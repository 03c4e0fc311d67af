"""Profiles that are told of articles by tags, in place of reading their text."""

from dataclasses import replace
from hashlib import sha256
from typing import cast

import numpy as np

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.policies.profile import Profile
from bandit.policies.profile_true_topics import TopicColumns
from bandit.policy import Informed, Truth


class ProfileByTags(Informed):
    """`Profile` as it is by default, told one tag of each article: its true main topic.

    merged: topics that share a tag; 1: each has its own
    wrong: share of the articles whose tag is drawn at random; at 1 tags are mere numbers of
        articles, and nothing is known of a fresh one

    Raises ValueError naming the option at fault.
    """

    def __init__(self, merged: int = 1, wrong: float = 0.0) -> None:
        check.whole("merged", merged, 1)
        check.share("wrong", wrong)
        self.merged, self.wrong = merged, wrong
        self._profile = Profile()

    def start(self, features: Features) -> None:
        """Note what members and articles are described by; `reveal` does the rest."""
        self._members = features.member_names
        self._known = [name for name in features.article_names if not name.startswith("text")]

    def reveal(self, simulator: Truth) -> None:
        """Keep the simulator for the articles' topics, and start the profile on the tags."""
        self._simulator = simulator
        topics = simulator.pool(1).interests().shape[1] - len(self._known)
        self._tags = -(-topics // self.merged)
        names = [*self._known, *(f"text{t}" for t in range(self._tags))]
        self._profile.start(cast(Features, TopicColumns(self._members, names)))

    def _tell(self, context: Context) -> Context:
        true, known = self._simulator.pool(context.issue).interests(), len(self._known)
        tag = true[:, known:].argmax(axis=1) // self.merged
        for row, article in enumerate(context.article_ids):  # the same luck in every issue
            luck = int.from_bytes(sha256(str(article).encode()).digest()[:8])
            if luck % 1000 < 1000 * self.wrong:
                tag[row] = luck // 1000 % self._tags
        columns: Floats = np.hstack([true[:, :known], np.eye(self._tags)[tag]])
        return replace(context, article_features=columns)

    def plan(self, context: Context) -> SlotPmf:
        """See `Profile.plan`."""
        return self._profile.plan(self._tell(context))

    def learn(self, round: Round) -> None:
        """See `Profile.learn`."""
        self._profile.learn(replace(round, context=self._tell(round.context)))

    def state(self) -> State:
        """See `Profile.state`."""
        return self._profile.state()

    def restore(self, state: State) -> None:
        """See `Profile.restore`."""
        self._profile.restore(state)
