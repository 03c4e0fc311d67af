"""A pool that is never finished: now and then an article retires and a new one takes its place.

Open this for the experiment on delay (`experiments.delayed`): the simulation of news recommendation
in Chapelle & Li 2011 ("An empirical evaluation of Thompson sampling", sec. 3, "Impact of delay"):
"with probability 10^-3 one of the items retires". We read that as one article of the pool, not as a
chance that each has. Nothing but the click
rate tells articles apart. Many replications run side by side, each with luck of its own.
"""

import numpy as np

from bandit.core import check, keys
from bandit.core.types import Bools, Floats, Ints


class Retiring:
    """Replications [n] of a pool of m articles; `rates` [n, m] is the truth.

    seed: pools, retirements and clicks follow from it
    replications: n, how many pools run side by side
    articles: m, how many articles a pool has
    retire: chance, at each step and in each replication, that one article, any of them alike,
        retires; higher leaves less time to learn
    rates: click rates are drawn from Beta(*rates)

    Raises ValueError for a pool without articles or a chance outside [0, 1].
    """

    def __init__(
        self,
        seed: int = 0,
        replications: int = 100,
        articles: int = 10,
        retire: float = 1e-3,
        rates: tuple[float, float] = (4.0, 4.0),
    ) -> None:
        check.at_least("replications", replications, 1)
        check.at_least("articles", articles, 1)
        check.share("retire", retire)
        self.retire, self._beta = retire, rates
        # streams of their own, so that pools and their retirements do not depend on what is shown
        self._lives = keys.generator("retiring", seed, "lives")
        self._luck = keys.generator("retiring", seed, "luck")
        self.rates: Floats = self._lives.beta(*rates, size=(replications, articles))
        self._rows = np.arange(replications)

    def show(self, choice: Ints) -> tuple[Bools, Floats]:
        """Show article choice[i] in replication i.

        Returns whether it was clicked and the regret, the best article's rate less its own, both
        [n].
        """
        rate = self.rates[self._rows, choice]
        return self._luck.random(len(rate)) < rate, self.rates.max(axis=1) - rate

    def step(self) -> tuple[Ints, Ints]:
        """Let time pass, and articles retire.

        Returns the replications [e] in which one did, and which [e]: a new article is there.
        """
        n, m = self.rates.shape
        rows = np.flatnonzero(self._lives.random(n) < self.retire)
        index = self._lives.integers(m, size=len(rows))
        self.rates[rows, index] = self._lives.beta(*self._beta, size=len(rows))
        return rows, index
