"""One newsletter for everyone: the articles whose text the whole list has clicked on most."""

from functools import partial

import numpy as np

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.segments import Moments, ridges, tally
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class Blast(Policy):
    """ridge: how many looks the prior (no preference) is worth for each text dimension. epsilon: share of random slots."""

    def __init__(self, ridge: float = 200.0, epsilon: float = 0.02, max_slots: int = 24) -> None:
        check.at_least("ridge", ridge, 1e-6)
        check.share("epsilon", epsilon)
        self.ridge, self.epsilon = ridge, epsilon
        self._examination = Examination.start(max_slots)

    def start(self, features: Features) -> None:
        self._moments = Moments.empty(1, len(features.article_names))

    def _scores(self, articles: Floats) -> Floats:
        q = articles.shape[1]
        weights = self._moments.fit(np.zeros(q), ridges(q, self.ridge))
        return exact.dot(weights, articles)  # [1, m]

    def plan(self, context: Context) -> SlotPmf:
        scores = np.tile(self._scores(context.article_features), (len(context.members), 1))
        return SlotPmf(scores, partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        articles = round.context.article_features
        rate = np.clip(self._scores(articles)[0, index], 1e-3, 0.9)
        looked = self._examination.weights(rate, slots, clicked)
        shape, nobody = (1, len(articles)), np.zeros_like(rows)
        self._moments.add(
            tally(nobody, index, looked, shape), tally(nobody, index, clicked, shape), articles
        )
        self._examination.learn(rate, slots, clicked)

    def state(self) -> State:
        return self._moments.state() | {"examination": self._examination.state()}

    def restore(self, state: State) -> None:
        """Raises ValueError for what this policy, with these features, cannot have come to hold."""
        check.like("examination", state["examination"], self._examination.state())
        self._moments = self._moments.restored(state)
        self._examination = Examination.restore(state["examination"])
