"""Articles' own appeal b_j ~ Normal(0, s^2) beyond their text: shared by all members, learned from everybody's clicks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Floats

WORTH = 20  # how many articles the starting s^2 is worth


class Appeal:
    """Posterior of the articles in the last pool, and s^2 by MacKay's fixed point (MacKay 1992, eq. 4.4) over all met."""

    def __init__(self, variance: float, learns: bool = True) -> None:
        self._start, self._learns = variance, learns
        self._evidence = np.zeros(2)  # sum of mean^2, and of the share determined by clicks
        self.articles: dict[Any, tuple[float, float]] = {}  # article -> mean, variance

    @property
    def variance(self) -> float:
        """s^2, by what is known of it so far."""
        found, determined = self._evidence + WORTH * np.array([self._start, 1.0])
        return float(found / determined)

    def of(self, ids: NDArray[Any]) -> tuple[Floats, Floats]:
        """Mean and variance [m] of these articles' appeal."""
        prior = (0.0, self.variance)
        mean, variance = (
            np.array([self.articles.get(article, prior) for article in ids]).reshape(-1, 2).T
        )
        return mean, variance

    def absorb(self, ids: NDArray[Any], mean: Floats, variance: Floats) -> None:
        """The posterior [m] of this pool; articles no longer in the pool are dropped."""
        if self._learns:
            first = np.array([article not in self.articles for article in ids])
            determined = np.maximum(1 - variance / self.variance, 0)
            self._evidence = self._evidence + np.array(
                [np.square(mean[first]).sum(), determined[first].sum()]
            )
        pairs = zip(mean.tolist(), variance.tolist(), strict=True)
        self.articles = dict(zip(ids.tolist(), pairs, strict=True))

    def state(self) -> State:
        posterior = np.array(list(self.articles.values())).reshape(-1, 2)
        return {
            "ids": pack(list(self.articles)),
            "posterior": posterior,
            "evidence": self._evidence.copy(),
        }

    def restore(self, state: State) -> None:
        ids = unpack(state["ids"])
        check.shape("appeal's posterior", state["posterior"], (len(ids), 2))
        check.shape("appeal's evidence", state["evidence"], (2,))
        self._evidence = state["evidence"].copy()
        self.articles = {
            i: (mean, variance)
            for i, (mean, variance) in zip(ids, state["posterior"].tolist(), strict=True)
        }
