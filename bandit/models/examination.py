"""Examination: a slot further down is looked at less often, and what was not looked at says nothing about interest.

Position-based model, P(click) = P(slot examined) P(click | examined), learned by EM (Richardson, Dominowska & Ragno
2007; Wang et al. 2018, "Position bias estimation for unbiased learning to rank in personal search", eq. 3-4).
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Floats, Ints

PRIOR_CLICKS = 10.0  # how many clicks the starting curve weighs


@dataclass
class Examination:
    """P(examined | opened) for each slot [k], relative to the first slot, whose scale the click model carries."""

    clicks: Floats  # of each slot, with the prior's
    support: Floats  # what the clicks would be, were every slot looked at

    @classmethod
    def start(cls, slots: int) -> "Examination":
        check.at_least("slots", slots, 1)
        prior = 1.0 / (1.0 + 0.15 * np.arange(slots))
        return cls(PRIOR_CLICKS * prior, np.full(slots, PRIOR_CLICKS))

    @classmethod
    def known(cls, curve: Floats) -> "Examination":
        """Examination that is given and, with this weight, will not move."""
        return cls(curve * 1e12, np.full(len(curve), 1e12))

    @classmethod
    def restore(cls, state: Floats) -> "Examination":
        check.shape("examination", state, (2, state.shape[-1] if state.ndim else 0))
        check.at_least("examination", float(state.min(initial=np.inf)), 1e-12)
        return cls(*state.copy())

    def state(self) -> Floats:
        return np.stack([self.clicks, self.support])

    @property
    def curve(self) -> Floats:
        return np.asarray(np.minimum(self.clicks / self.support, 1.0))

    def at(self, slots: Ints) -> Floats:
        """P(examined) in these slots, any shape; slots below the last share its chance."""
        return np.asarray(self.curve[np.minimum(slots, len(self.support) - 1)])

    def weights(self, p: Floats, slots: Ints, clicked: Floats) -> Floats:
        """P(examined | click or no click) [e], given P(click | examined) p [e]: 1 where clicked (E-step)."""
        e = self.at(slots)
        return np.where(clicked > 0, 1.0, e * (1 - p) / (1 - e * p))

    def learn(self, p: Floats, slots: Ints, clicked: Floats) -> None:
        """The likelihood's own equation, e = clicks / sum over no click of p / (1 - e p); the first slot stays at 1.

        EM has the same fixed point, but each of its steps closes only a share p (1 - e) of the gap.
        """
        k = len(self.support)
        slots = np.minimum(slots, k - 1)
        support = np.where(clicked > 0, 0.0, p / (1 - np.minimum(self.at(slots) * p, 0.99)))
        self.clicks = self.clicks + np.bincount(slots, clicked, k)
        self.support = self.support + np.bincount(slots, support, k)
        self.support = self.support * (self.clicks[0] / self.support[0])
