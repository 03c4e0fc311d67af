"""The newest articles first: what a newsletter does when nobody chooses. Learns nothing but how new an article is."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit import check
from bandit.exploration import epsilon_greedy
from bandit.profiles import pack, unpack
from bandit.types import Context, Floats, Round, SlotPmf


class Recency:
    """epsilon: share of slots filled at random.

    An article is as old as the issues since its first pool; those of one age are shown in the pool's order, which is the
    article ids'.
    """

    def __init__(self, epsilon: float = 0.02) -> None:
        check.share("epsilon", epsilon)
        self.epsilon = epsilon
        self._age: dict[Any, int] = {}  # article -> issues it has been in

    def start(self, features: Any) -> None:
        """Nothing to set up."""

    def _scores(self, context: Context) -> Floats:
        age = np.array([self._age.get(article, 0) for article in context.article_ids])
        return -age - np.arange(len(age)) / (len(age) + 1)

    def plan(self, context: Context) -> SlotPmf:
        scores = np.tile(self._scores(context), (len(context.members), 1))
        return SlotPmf(scores, partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        if round.feedback.opened.any():  # an issue nobody opened made nothing older to anyone
            self._age = {article: self._age.get(article, 0) + 1 for article in round.context.article_ids.tolist()}

    def state(self) -> dict[str, NDArray[Any]]:
        return {"articles": pack(list(self._age)), "age": np.array(list(self._age.values()), dtype=np.int64)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        articles = unpack(state["articles"])
        check.shape("age", state["age"], (len(articles),))
        self._age = dict(zip(articles, state["age"].tolist(), strict=True))
