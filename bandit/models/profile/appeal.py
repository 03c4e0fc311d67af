"""Articles' own appeal b_j ~ Normal(0, s^2), beyond their text.

All members share an article's appeal, and it is learned from everybody's clicks. Open this file for
how `profile` tells a good article from one that suits the member.
"""

from collections.abc import Hashable

import numpy as np

from bandit.core import check
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Floats, Ids

PRIOR_ARTICLES = 20  # how many articles the starting s^2 is worth


class Appeal:
    """Posterior of the articles in the last pool, and s^2.

    s^2 is learned by MacKay's fixed point (MacKay 1992, eq. 4.4) over all articles met.

    variance: s^2 to start from, in squared logits; higher lets clicks move an appeal further
    learns: whether s^2 is learned; False: it stays as given
    """

    def __init__(self, variance: float, learns: bool = True) -> None:
        self._start, self._learns = variance, learns
        self._evidence = np.zeros(2)  # sum of mean^2, and of the share determined by clicks
        self.articles: dict[Hashable, tuple[float, float]] = {}  # id -> mean, variance

    @property
    def variance(self) -> float:
        """s^2, as far as it is known."""
        found, determined = self._evidence + PRIOR_ARTICLES * np.array([self._start, 1.0])
        return float(found / determined)

    def look_up(self, ids: Ids) -> tuple[Floats, Floats]:
        """Mean and variance [m] of these articles' appeal."""
        prior = (0.0, self.variance)
        both = np.array([self.articles.get(article, prior) for article in ids]).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def absorb(self, ids: Ids, mean: Floats, variance: Floats) -> None:
        """Take the posterior mean and variance [m] of a pool; other articles are dropped."""
        if self._learns:
            first = np.array([article not in self.articles for article in ids])
            determined = np.maximum(1 - variance / self.variance, 0)
            sums = [np.square(mean[first]).sum(), determined[first].sum()]
            self._evidence = self._evidence + np.array(sums)
        pairs = zip(mean.tolist(), variance.tolist(), strict=True)
        self.articles = dict(zip(ids.tolist(), pairs, strict=True))

    def state(self) -> State:
        """Ids, posteriors [m, 2] and what is known of s^2, as named arrays."""
        posterior = np.array(list(self.articles.values())).reshape(-1, 2)
        return {
            "ids": pack(list(self.articles)),
            "posterior": posterior,
            "evidence": self._evidence.copy(),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays that do not fit one another."""
        ids = unpack(state["ids"])
        check.shape("appeal's posterior", state["posterior"], (len(ids), 2))
        check.shape("appeal's evidence", state["evidence"], (2,))
        self._evidence = state["evidence"].copy()
        self.articles = dict(zip(ids, map(tuple, state["posterior"].tolist()), strict=True))
