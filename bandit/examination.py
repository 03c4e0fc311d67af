"""Examination: a slot further down is looked at less often, and what was not looked at says nothing about interest.

Position-based model, P(click) = P(slot examined) P(click | examined), learned by EM (Richardson, Dominowska & Ragno
2007; Wang et al. 2018, "Position bias estimation for unbiased learning to rank in personal search", eq. 3-4).
"""

from dataclasses import dataclass

import numpy as np

from bandit import check
from bandit.types import Floats, Ints

PRIOR_OPENS = 200.0  # how many opens the starting curve weighs


@dataclass
class Examination:
    """P(examined | opened) for each slot [k], relative to the first slot, whose scale the click model carries."""

    looked: Floats  # expected number of looks, with the prior's
    opens: Floats

    @classmethod
    def start(cls, slots: int) -> "Examination":
        check.at_least("slots", slots, 1)
        prior = 1.0 / (1.0 + 0.15 * np.arange(slots))
        return cls(PRIOR_OPENS * prior, np.full(slots, PRIOR_OPENS))

    @classmethod
    def known(cls, curve: Floats) -> "Examination":
        """Examination that is given and, with this weight, will not move."""
        return cls(curve * 1e12, np.full(len(curve), 1e12))

    @property
    def curve(self) -> Floats:
        return self.looked / self.opens

    def weights(self, p: Floats, slots: Ints, clicked: Floats) -> Floats:
        """P(examined | click or no click) [e], given P(click | examined) p [e]: 1 where clicked (E-step)."""
        e = self.curve[slots]
        return np.where(clicked > 0, 1.0, e * (1 - p) / (1 - e * p))

    def learn(self, weights: Floats, slots: Ints) -> None:
        """M-step over everything seen so far; the first slot stays at 1."""
        k = len(self.opens)
        self.looked = self.looked + np.bincount(slots, weights, k)
        self.opens = self.opens + np.bincount(slots, minlength=k)
        self.looked = np.minimum(self.looked / self.curve[0], self.opens) if self.curve[0] > 0 else self.looked
