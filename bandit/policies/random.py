"""The floor: every open article is as likely as any other. Its log supports every other policy."""

from functools import partial

import numpy as np

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class Random(Policy):
    def start(self, features: Features) -> None:
        """Nothing to set up."""

    def plan(self, context: Context) -> SlotPmf:
        scores = np.zeros((len(context.members), len(context.articles)))
        return SlotPmf(scores, partial(epsilon_greedy, epsilon=1.0))

    def learn(self, round: Round) -> None:
        """Nothing to learn."""

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        """Nothing to restore."""
