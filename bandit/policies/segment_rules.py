"""Segments as an editor keeps them: a map from an attribute to what its members are said to want, in words.

The words are embedded like an article and each article is scored by how close its text comes; the map never moves.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check, exact
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class SegmentRules(Policy):
    """by: the attribute. rules: its value -> what that segment gets, in words. otherwise: for every other value."""

    def __init__(
        self, by: str, rules: Mapping[str, str], otherwise: str, epsilon: float = 0.02
    ) -> None:
        check.share("epsilon", epsilon)
        if not rules:
            raise ValueError("rules is empty; give at least one segment")
        self.by, self.epsilon = by, epsilon
        self._words = [*rules.values(), otherwise]
        self._values = list(rules)

    def start(self, features: Features) -> None:
        if self.by not in features.levels:
            raise ValueError(
                f"by = {self.by!r} is not a member attribute; there are {list(features.levels)}"
            )
        unknown = sorted(set(self._values) - set(features.levels[self.by]))
        if unknown:
            raise ValueError(
                f"rules name {self.by} {unknown[0]!r}; members have {list(features.levels[self.by])}"
            )
        self._wants = _unit(features.encode_texts(self._words))

    def plan(self, context: Context) -> SlotPmf:
        check.columns("members", context.members, [self.by])
        text = context.article_features[:, -self._wants.shape[1] :]
        closeness = exact.dot(self._wants, _unit(text))  # [rules + 1, m]
        segment = {value: i for i, value in enumerate(self._values)}
        rows = [
            segment.get(value, len(self._values)) for value in context.members[self.by].astype(str)
        ]
        return SlotPmf(closeness[rows], partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        """The editor's map does not learn."""

    def state(self) -> State:
        return {"wants": self._wants, "values": pack(self._values)}

    def restore(self, state: State) -> None:
        self._wants, self._values = state["wants"].copy(), unpack(state["values"])


def _unit(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(x / np.maximum(np.sqrt(np.einsum("nd,nd->n", x, x)), 1e-9)[:, None])
