"""Examination: a slot further down is looked at less often.

What was not looked at says nothing about interest, so learners need the chance that a slot was
looked at. Open this file to see where that chance starts and how clicks move it. It is the
position-based model, P(click) = P(slot examined) P(click | examined), learned by EM (Richardson,
Dominowska & Ragno 2007; Wang et al. 2018, "Position bias estimation for unbiased learning to rank
in personal search", eq. 3-4).
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Floats, Ints

PRIOR_CLICKS = 10.0  # how many clicks the starting curve weighs


@dataclass
class Examination:
    """P(examined | opened) of each of k slots, relative to the first.

    The first slot's scale is carried by the click model.

    clicks: [k], of each slot, with the prior's
    support: [k], what the clicks would be, were every slot looked at

    >>> examination = Examination.start(3)
    >>> examination.curve.round(2).tolist()
    [1.0, 0.87, 0.77]
    >>> slots = np.array([0, 1, 2, 9])
    >>> examination.chance(slots).round(2).tolist()
    [1.0, 0.87, 0.77, 0.77]
    >>> examination.weigh(np.full(4, 0.5), slots, np.array([1, 0, 0, 0])).round(2).tolist()
    [1.0, 0.77, 0.62, 0.62]
    """

    clicks: Floats
    support: Floats

    @classmethod
    def start(cls, slots: int) -> "Examination":
        """The starting curve, 1 / (1 + 0.15 slot), which weighs `PRIOR_CLICKS` clicks."""
        check.at_least("slots", slots, 1)
        prior = 1.0 / (1.0 + 0.15 * np.arange(slots))
        return cls(PRIOR_CLICKS * prior, np.full(slots, PRIOR_CLICKS))

    @classmethod
    def fix(cls, curve: Floats) -> "Examination":
        """A curve [k] that is given and weighs so much that learning does not move it."""
        return cls(curve * 1e12, np.full(len(curve), 1e12))

    def read_state(self, state: Floats) -> "Examination":
        """The curve in a `state`. Raises ValueError for what no curve of so many slots returned."""
        check.like("examination", state, self.state())
        check.at_least("examination", float(state.min()), 1e-12)
        return type(self)(*state.copy())

    def state(self) -> Floats:
        """Clicks and support in one array [2, k]."""
        return np.stack([self.clicks, self.support])

    @property
    def curve(self) -> Floats:
        """P(examined) of each slot [k]."""
        return np.asarray(np.minimum(self.clicks / self.support, 1.0))

    def chance(self, slots: Ints) -> Floats:
        """P(examined) in these slots, any shape; slots below the last share its chance."""
        return np.asarray(self.curve[np.minimum(slots, len(self.support) - 1)])

    def weigh(self, p: Floats, slots: Ints, clicked: Floats) -> Floats:
        """P(examined | click or no click) [e]: 1 where clicked (the E-step).

        p: [e], P(click | examined)
        """
        e = self.chance(slots)
        return np.where(clicked > 0, 1.0, e * (1 - p) / (1 - e * p))

    def learn(self, p: Floats, slots: Ints, clicked: Floats) -> None:
        """Learn from e slots, in which P(click | examined) is p [e].

        This is the likelihood's own equation, e = clicks / sum over no click of p / (1 - e p); the
        first slot stays at 1. EM has the same fixed point, but each of its steps closes only a
        share p (1 - e) of the gap.
        """
        k = len(self.support)
        slots = np.minimum(slots, k - 1)
        support = np.where(clicked > 0, 0.0, p / (1 - np.minimum(self.chance(slots) * p, 0.99)))
        self.clicks = self.clicks + np.bincount(slots, clicked, k)
        self.support = self.support + np.bincount(slots, support, k)
        self.support = self.support * (self.clicks[0] / self.support[0])
