"""Profiles that are told of articles by tags, in place of reading their text."""

from dataclasses import replace
from hashlib import sha256

import numpy as np

from bandit.core import check
from bandit.core.types import Context, Floats
from bandit.policies.profile_true_topics import ProfileTrueTopics


class ProfileByTags(ProfileTrueTopics):
    """`Profile` as it is by default, told one tag of each article: its true main topic.

    merged: topics that share a tag; 1: each has its own
    wrong: share of the articles whose tag is drawn at random; at 1 tags are mere numbers of
        articles, and nothing is known of a fresh one

    Raises ValueError naming the option at fault.
    """

    def __init__(self, merged: int = 1, wrong: float = 0.0) -> None:
        check.whole("merged", merged, 1)
        check.share("wrong", wrong)
        super().__init__()
        self.merged, self.wrong = merged, wrong

    def _count_columns(self, topics: int) -> int:
        """How many tags there are."""
        return -(-topics // self.merged)

    def _reveal_topics(self, context: Context) -> Context:
        true, known = self._simulator.pool(context.issue).interests(), len(self._known)
        tags = self._count_columns(true.shape[1] - known)
        tag = true[:, known:].argmax(axis=1) // self.merged
        for row, article in enumerate(context.article_ids):  # the same luck in every issue
            luck = int.from_bytes(sha256(str(article).encode()).digest()[:8])
            if luck % 1000 < 1000 * self.wrong:
                tag[row] = luck // 1000 % tags
        columns: Floats = np.hstack([true[:, :known], np.eye(tags)[tag]])
        return replace(context, article_features=columns)
