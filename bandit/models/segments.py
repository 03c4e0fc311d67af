"""Click rates of groups of members, by article text: the arithmetic behind `blast` and `segment_learned`.

A group's P(click | examined) is linear in the article's features. What a group has seen is its Gram matrix and its
moment, summed over looks; groups are shrunk to their parent.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Floats, Ints


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
        seen = np.flatnonzero(
            self.gram[:, 0, 0]
        )  # the constant's: a group that looked at nothing is its parent
        right = self.moment[seen] + ridge * weights[seen]
        weights[seen] = np.linalg.solve(self.gram[seen] + np.diag(ridge), right[:, :, None])[
            :, :, 0
        ]
        return weights

    def state(self, of: str = "") -> dict[str, NDArray[Any]]:
        """As named arrays; `of` ends their names."""
        return {name + of: array.copy() for name, array in vars(self).items()}

    def restored(self, state: State, of: str = "") -> "Moments":
        """From what `state` gave, in place of these. Raises ValueError for other shapes or types, and for what is no Gram
        matrix."""
        for name, own in vars(self).items():
            check.like(name + of, state[name + of], own)
        gram, moment = state["gram" + of].copy(), state["moment" + of].copy()
        check.gram("gram" + of, gram)
        looks = gram[
            :, :1, 0
        ]  # the constant's; no more clicks than looks, so (sum clicks a)^2 <= looks sum looks a^2
        most = np.sqrt(looks) * np.sqrt(np.diagonal(gram, axis1=1, axis2=2)) * (1 + 1e-6)
        if not ((np.abs(moment) <= most).all() and (moment[:, 0] >= 0).all()):
            raise ValueError(
                f"moment{of} is up to {np.abs(moment).max()}; must be clicks on the {looks.max()} looks of gram{of}"
            )
        return Moments(gram, moment)


def tally(groups: Ints, index: Ints, weights: Floats, shape: tuple[int, int]) -> Floats:
    """Sum of weights [e] by group and article, [s, m]."""
    flat = np.bincount(groups * shape[1] + index, weights, shape[0] * shape[1])
    return np.asarray(flat, dtype=np.float64).reshape(shape)


def ridges(q: int, looks: float, kinds: int = 2) -> Floats:
    """Ridge [q] in looks: the overall rate is hardly shrunk, kinds a little, text by `looks`."""
    ridge = np.full(q, looks)
    ridge[0], ridge[1 : 1 + kinds] = looks / 20, looks / 4
    return ridge
