"""Click rates of groups of members, by article text: the arithmetic behind `blast` and `segment_learned`.

A group's P(click | examined) is linear in the article's features. What a group has seen is its Gram matrix and its
moment, summed over looks; groups are shrunk to their parent.
"""

from dataclasses import dataclass

import numpy as np

from bandit.types import Floats, Ints


@dataclass
class Moments:
    """gram [s, q, q] = sum of looks a a', moment [s, q] = sum of clicks a, over the articles shown to each group."""

    gram: Floats
    moment: Floats

    @classmethod
    def empty(cls, groups: int, q: int) -> "Moments":
        return cls(np.zeros((groups, q, q)), np.zeros((groups, q)))

    def add(self, looks: Floats, clicks: Floats, articles: Floats) -> None:
        """looks, clicks [s, m]: how often each group looked at and clicked on each article [m, q]."""
        self.gram += np.einsum("sm,mq,mr->sqr", looks, articles, articles, optimize=True)
        self.moment += clicks @ articles

    def fade(self, keep: float) -> None:
        self.gram *= keep
        self.moment *= keep

    def fit(self, parent: Floats, ridge: Floats) -> Floats:
        """Each group's weights [s, q]: ridge regression [q] shrunk to `parent` [q] or [s, q], in looks."""
        weights = np.broadcast_to(parent, self.moment.shape).copy()
        seen = np.flatnonzero(self.gram[:, 0, 0])  # the constant's: a group that looked at nothing is its parent
        right = self.moment[seen] + ridge * weights[seen]
        weights[seen] = np.linalg.solve(self.gram[seen] + np.diag(ridge), right[:, :, None])[:, :, 0]
        return weights


def tally(groups: Ints, index: Ints, weights: Floats, shape: tuple[int, int]) -> Floats:
    """Sum of weights [e] by group and article, [s, m]."""
    flat = np.bincount(groups * shape[1] + index, weights, shape[0] * shape[1])
    return np.asarray(flat, dtype=np.float64).reshape(shape)


def ridges(q: int, looks: float, kinds: int = 2) -> Floats:
    """Ridge [q] in looks: the overall rate is hardly shrunk, kinds a little, text by `looks`."""
    ridge = np.full(q, looks)
    ridge[0], ridge[1 : 1 + kinds] = looks / 20, looks / 4
    return ridge
