"""The floor: every open article is as likely as any other. Its log supports every other policy."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core.types import Context, Round, SlotPmf
from bandit.slates.exploration import epsilon_greedy


class Random:
    def start(self, features: Any) -> None:
        """Nothing to set up."""

    def plan(self, context: Context) -> SlotPmf:
        scores = np.zeros((len(context.members), len(context.articles)))
        return SlotPmf(scores, partial(epsilon_greedy, epsilon=1.0))

    def learn(self, round: Round) -> None:
        """Nothing to learn."""

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Nothing to restore."""
