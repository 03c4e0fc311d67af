"""Beta posteriors of click rates: what is known of an article from its clicks alone, no attributes and no text.

The textbook case of Thompson sampling (Chapelle & Li 2011, "An empirical evaluation of Thompson sampling", algorithm 2).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Floats, Ints


@dataclass
class Beta:
    """P(click) of article j in row i is Beta(clicks[i, j], skips[i, j]), both [n, m] with the prior in them.

    Rows are independent worlds: members, segments, replications.
    """

    clicks: Floats
    skips: Floats
    prior: tuple[float, float]

    @classmethod
    def start(cls, n: int, m: int, clicks: float = 1.0, skips: float = 1.0) -> "Beta":
        """Everywhere the prior Beta(clicks, skips); 1, 1 is uniform. Raises ValueError unless both are positive."""
        check.at_least("clicks", clicks, 1e-6)
        check.at_least("skips", skips, 1e-6)
        return cls(np.full((n, m), clicks), np.full((n, m), skips), (clicks, skips))

    def learn(self, clicks: Floats, looks: Floats) -> None:
        """Add clicks of so many looks, both [n, m]."""
        self.clicks += clicks
        self.skips += looks - clicks

    def forget(self, rows: Ints, index: Ints) -> None:
        """Articles `index` of `rows` [e] are new: back to the prior."""
        self.clicks[rows, index], self.skips[rows, index] = self.prior

    def draws(self, count: int, rng: np.random.Generator) -> NDArray[Any]:
        """`count` draws of the click rates, [count, n, m]."""
        return rng.beta(self.clicks, self.skips, size=(count, *self.clicks.shape))
