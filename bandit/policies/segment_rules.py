"""Segments as an editor keeps them: a map from an attribute to what its members want, in words.

The words are embedded like an article, and each article is scored by how close its text comes. The
map never moves. Compare with this policy to see what learning is worth over rules made by hand.
"""

from collections.abc import Mapping

import numpy as np

from bandit.core import check, exact
from bandit.core.columns import number_values, read_text
from bandit.core.ids import pack, unpack
from bandit.core.state import State, require
from bandit.core.types import Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class SegmentRules(Policy):
    """Shows each segment the articles that come closest to its words.

    by: the member attribute that makes the segments; levels or tags
    rules: the attribute's value or tag -> what that segment gets, in words
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
        """Embed the words. Where members have no attributes at all, everybody gets `otherwise`.

        Raises ValueError where `by` or one of its values is unknown, or a value is named twice.
        """
        attributes = features.attributes
        known = {**attributes.levels, **attributes.tags}
        self._attributes = attributes
        if attributes.columns and self.by not in known:
            raise ValueError(f"by = {self.by!r} is not a member attribute; there are {list(known)}")
        values = list(known.get(self.by, self._values))
        if attributes.columns:  # as members' values are spelt
            self._values = [attributes.spell(self.by, value) for value in self._values]
        for value in self._values:
            if self._values.count(value) > 1:
                raise ValueError(f"rules name {self.by} {value!r} twice, in two spellings")
        unknown = sorted(set(self._values) - set(values))
        if unknown:
            raise ValueError(f"rules name {self.by} {unknown[0]!r}; members have {values}")
        self._wants = _scale_to_unit(features.encode_texts(self._words))

    def plan(self, context: Context) -> SlotPmf:
        """Scores are cosines between the segment's words and each article's text.

        Of a member with several tags that have rules, they are the mean over these rules.
        """
        text = context.article_features[:, -self._wants.shape[1] :]
        closeness = exact.dot(self._wants, _scale_to_unit(text))  # [rules + 1, m]
        code, cells = self._read_segments(context)
        segment = {value: i for i, value in enumerate(self._values)}
        values = [self._attributes.list_values(self.by, cell) for cell in cells]
        rows = [[segment[v] for v in some if v in segment] or [-1] for some in values]
        table = np.stack([*(closeness[row].mean(axis=0) for row in rows), closeness[-1]])
        return SlotPmf(table[code], epsilon_greedy(self.epsilon))

    def _read_segments(self, context: Context) -> tuple[Ints, list[str]]:
        """The different values of `by` among the members, and each member's place there [n].

        -1 is a member without one.
        """
        if not self._attributes.columns:
            return np.full(len(context.members), -1), []
        check.columns("members", context.members, [self.by])
        return number_values(read_text(context.members[self.by]))

    def learn(self, round: Round) -> None:
        """The editor's map does not learn."""

    def state(self) -> State:
        """The embedded words and the values they stand for, as named arrays."""
        return {"wants": self._wants, "values": pack(self._values)}

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays that do not fit one another, or these features."""
        require(state, self.state())
        values = unpack(state["values"])
        check.shape("wants", state["wants"], (len(values) + 1, self._wants.shape[1]))
        self._wants, self._values = state["wants"].copy(), values


def _scale_to_unit(x: Floats) -> Floats:
    """Rows of x [n, d], each at length 1."""
    return np.asarray(x / np.maximum(np.sqrt(np.einsum("nd,nd->n", x, x)), 1e-9)[:, None])
