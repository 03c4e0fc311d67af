"""Segments as an editor keeps them: a map from an attribute to what its members want, in words.

The words are embedded like an article, and each article is scored by how close its text comes. The
map never moves. Compare with this policy to see what learning is worth over rules made by hand.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from bandit.core import check, exact
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class SegmentRules(Policy):
    """Shows each segment the articles that come closest to its words.

    by: the member attribute that makes the segments
    rules: the attribute's value -> what that segment gets, in words
    otherwise: what the members with every other value get, in words
    epsilon: share of slots filled at random; higher explores more

    Raises ValueError naming the option at fault.
    """

    def __init__(
        self,
        by: str,
        rules: Mapping[str, str],
        otherwise: str,
        epsilon: float = 0.02,
    ) -> None:
        check.share("epsilon", epsilon)
        if not rules:
            raise ValueError("rules is empty; give at least one segment")
        self.by, self.epsilon = by, epsilon
        self._words = [*rules.values(), otherwise]
        self._values = list(rules)

    def start(self, features: Features) -> None:
        """Embed the words. Raises ValueError where `by` or one of its values is unknown."""
        levels = features.attributes.levels
        if self.by not in levels:
            raise ValueError(
                f"by = {self.by!r} is not a member attribute; there are {list(levels)}"
            )
        values = list(levels[self.by])
        unknown = sorted(set(self._values) - set(values))
        if unknown:
            raise ValueError(f"rules name {self.by} {unknown[0]!r}; members have {values}")
        self._wants = _scale_to_unit(features.encode_texts(self._words))

    def plan(self, context: Context) -> SlotPmf:
        """Scores are cosines between the segment's words and each article's text."""
        check.columns("members", context.members, [self.by])
        text = context.article_features[:, -self._wants.shape[1] :]
        closeness = exact.dot(self._wants, _scale_to_unit(text))  # [rules + 1, m]
        segment, rest = {value: i for i, value in enumerate(self._values)}, len(self._values)
        rows = [segment.get(value, rest) for value in context.members[self.by].astype(str)]
        return SlotPmf(closeness[rows], partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        """The editor's map does not learn."""

    def state(self) -> State:
        """The embedded words and the values they stand for, as named arrays."""
        return {"wants": self._wants, "values": pack(self._values)}

    def restore(self, state: State) -> None:
        """Take the words and values of a state."""
        self._wants, self._values = state["wants"].copy(), unpack(state["values"])


def _scale_to_unit(x: Floats) -> Floats:
    """Rows of x [n, d], each at length 1."""
    return np.asarray(x / np.maximum(np.sqrt(np.einsum("nd,nd->n", x, x)), 1e-9)[:, None])
