"""Policies that know the truth, for tests that need slates of a known worth."""

import numpy as np

from bandit.core.types import Context, SlotPmf
from bandit.policies.oracle import Oracle
from bandit.slates.exploration import epsilon_greedy, greedy


class Favourites(Oracle):
    """Shows everybody the same: what members click on most, by the mean of their true chances.

    epsilon: share of slots filled at random
    """

    def __init__(self, epsilon: float = 0.0) -> None:
        self._explore = epsilon_greedy(epsilon)

    def plan(self, context: Context) -> SlotPmf:
        everyone = self._simulator.truth(context).mean(axis=0)
        return SlotPmf(np.tile(everyone, (len(context.members), 1)), self._explore)


class Worst(Oracle):
    """Shows each member what that member would click on least."""

    def plan(self, context: Context) -> SlotPmf:
        return SlotPmf(-self._simulator.truth(context), greedy)
