"""Articles' own appeal b_j ~ Normal(m, s^2), beyond their text.

All members share an article's appeal, and it is learned from everybody's clicks. Its mean m is 0,
but for kinds that have no column in the article features: ads and jobs are wanted less (or more)
than their text says, and how much less is learned from those met before. Open this file for how
`profile` tells a good article from one that suits the member.
"""

from collections.abc import Collection, Hashable

import numpy as np

from bandit.core import check
from bandit.core.columns import Columns
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Floats

PRIOR_ARTICLES = 20  # how many articles the starting s^2 is worth
KIND_SD = 0.5  # how far a kind's mean appeal is thought to be from 0, in logits


class Appeal:
    """Posterior of the articles in the last pool, and s^2.

    s^2 is learned by MacKay's fixed point (MacKay 1992, eq. 4.4) over all articles met.

    variance: s^2 to start from, in squared logits; higher lets clicks move an appeal further
    learns: whether s^2 and the kinds' means are learned; False: they stay as given, and 0
    known: kinds whose mean appeal is 0, because the article features have a column for them
    """

    def __init__(
        self, variance: float, learns: bool = True, known: Collection[str] = ("article",)
    ) -> None:
        self._start, self._learns, self._known = variance, learns, frozenset(known)
        # kind -> what its articles say of m: precision, and precision times mean
        self.kinds: dict[str, tuple[float, float]] = {}
        self._evidence = np.zeros(2)  # sum of mean^2, and of the share determined by clicks
        self.articles: dict[Hashable, tuple[float, float]] = {}  # id -> mean, variance

    @property
    def variance(self) -> float:
        """s^2, as far as it is known."""
        found, determined = self._evidence + PRIOR_ARTICLES * np.array([self._start, 1.0])
        return float(found / determined)

    def look_up(self, articles: Columns) -> tuple[Floats, Floats]:
        """Mean and variance [m] of the appeal of these articles, of which id and kind are read."""
        mean, doubt = self._expect(articles)
        prior = zip(mean.tolist(), (self.variance + doubt).tolist(), strict=True)
        both = [
            self.articles.get(*one) for one in zip(articles["article"].tolist(), prior, strict=True)
        ]
        found: Floats = np.array(both).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _expect(self, articles: Columns) -> tuple[Floats, Floats]:
        """Mean and variance [m] of the kinds' mean appeal."""
        found: list[tuple[float, float]] = []
        for kind in map(str, articles["kind"].tolist()):
            precision, shift = self.kinds.get(kind, (0.0, 0.0))
            variance = 1 / (precision + KIND_SD**-2)
            unknown = self._learns and kind not in self._known
            found.append((shift * variance, variance) if unknown else (0.0, 0.0))
        both = np.array(found).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def absorb(self, articles: Columns, mean: Floats, variance: Floats) -> None:
        """Take the posterior mean and variance [m] of a pool; other articles are dropped."""
        ids = articles["article"].tolist()
        if self._learns:
            first = np.array([article not in self.articles for article in ids])
            self._learn(articles.take(first), mean[first], variance[first])
        pairs = zip(mean.tolist(), variance.tolist(), strict=True)
        self.articles = dict(zip(ids, pairs, strict=True))

    def _learn(self, articles: Columns, mean: Floats, variance: Floats) -> None:
        """Learn s^2 and the kinds' means from the posteriors of articles that are new.

        What clicks alone say of an article is its posterior without the prior; of its kind's mean
        it says as much, give or take s^2.
        """
        (expected, doubt), s2 = self._expect(articles), self.variance
        determined = np.maximum(1 - variance / (s2 + doubt), 0)
        sums = [np.square(mean - expected).sum(), determined.sum()]
        own = np.maximum(1 / variance - 1 / (s2 + doubt), 1e-12)  # precision by clicks alone
        said = (mean / variance - expected / (s2 + doubt)) / own
        weight = 1 / (s2 + 1 / own)
        names = np.array(list(map(str, articles["kind"].tolist())), dtype=object)
        for kind in sorted(set(names) - self._known):
            at, (precision, shift) = names == kind, self.kinds.get(kind, (0.0, 0.0))
            more = float(weight[at].sum()), float((weight[at] * said[at]).sum())
            self.kinds[kind] = (precision + more[0], shift + more[1])
        self._evidence = self._evidence + np.array(sums)

    def state(self) -> State:
        """Ids, posteriors [m, 2], kinds with theirs, and what is known of s^2, as named arrays."""
        return {
            "ids": pack(list(self.articles)),
            "posterior": np.array(list(self.articles.values())).reshape(-1, 2),
            "kinds": pack(list(self.kinds)),
            "means": np.array(list(self.kinds.values())).reshape(-1, 2),
            "evidence": self._evidence.copy(),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays that do not fit one another."""
        ids, kinds = unpack(state["ids"]), unpack(state["kinds"])
        check.shape("appeal's posterior", state["posterior"], (len(ids), 2))
        check.shape("appeal's means", state["means"], (len(kinds), 2))
        check.at_least("appeal's means", float(state["means"][:, 0].min(initial=0.0)), 0)
        check.shape("appeal's evidence", state["evidence"], (2,))
        self._evidence = state["evidence"].copy()
        self.kinds = dict(zip(kinds, map(tuple, state["means"].tolist()), strict=True))
        self.articles = dict(zip(ids, map(tuple, state["posterior"].tolist()), strict=True))
