"""One newsletter for everyone: the articles whose text the whole list has clicked on most.

Compare with this policy to see what it is worth to treat members differently.
"""

import numpy as np

from bandit.core import check, exact
from bandit.core.state import State, require
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.segments import Moments, make_ridge, tally
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class Blast(Policy):
    """Shows everybody the articles that the list as a whole is thought to click on most.

    ridge: how many looks (slots that were looked at) the prior, no preference, is worth for each
        text dimension; higher learns slower
    epsilon: share of slots filled at random; higher explores more
    max_slots: the longest layout to be met, in slots

    Raises ValueError naming the option at fault.
    """

    def __init__(self, ridge: float = 200.0, epsilon: float = 0.02, max_slots: int = 24) -> None:
        check.at_least("ridge", ridge, 1e-6)
        check.share("epsilon", epsilon)
        self.ridge, self.epsilon = ridge, epsilon
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        self.max_slots = max_slots

    def start(self, features: Features) -> None:
        """Set up for these articles' features."""
        self._examination = Examination.start(self.max_slots)
        self._moments = Moments.start(1, len(features.article_names))

    def _score(self, articles: Floats) -> Floats:
        """Click rates [1, m] of articles [m, q]."""
        q = articles.shape[1]
        weights = self._moments.fit(np.zeros(q), make_ridge(q, self.ridge))
        return exact.dot(weights, articles)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the list's click rates, the same for every member."""
        scores = np.tile(self._score(context.article_features), (len(context.members), 1))
        return SlotPmf(scores, epsilon_greedy(self.epsilon))

    def learn(self, round: Round) -> None:
        """Learn from openers' filled slots, weighted by the chance that each was looked at."""
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        articles = round.context.article_features
        rate = np.clip(self._score(articles)[0, index], 1e-3, 0.9)
        looked = self._examination.weigh(rate, slots, clicked)
        shape, group = (1, len(articles)), np.zeros_like(rows)
        looks, clicks = (tally(group, index, weights, shape) for weights in (looked, clicked))
        self._moments.add(looks, clicks, articles)
        self._examination.learn(rate, slots, clicked)

    def state(self) -> State:
        """The list's moments and the position curve, as named arrays."""
        return self._moments.state() | {"examination": self._examination.state()}

    def restore(self, state: State) -> None:
        """Raises ValueError for what this policy, with these features, cannot have come to hold."""
        require(state, self.state())
        self._moments = self._moments.read_state(state)
        self._examination = self._examination.read_state(state["examination"])
