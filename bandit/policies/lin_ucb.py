"""Upper confidence bounds for linear click models, and logistic ones.

LinUCB: Li, Chu, Langford & Schapire 2010. Each article scores what it may well be worth to the
member: the posterior mean plus alpha times its width. The best open article is shown, but for a
floor of random slots, so the propensities are known and the log supports other policies.
"""

from typing import Any

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Columns, Context, Floats, Planner, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.linear.forms import Form
from bandit.models.linear.learner import Linear
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class LinUCB(Policy):
    """Shows what the upper confidence bound of a linear click model says is best.

    alpha: posterior widths added to the mean, each sqrt(z' A^-1 z), with A in looks where the link
        is linear; higher explores more, 0 is greedy
    floor: share of slots filled at random
    form: the options of the model that learns, as `bandit.models.linear.forms.Form` lists them

    Raises ValueError naming the option at fault, TypeError naming one that does not exist.
    """

    def __init__(self, alpha: float = 0.03, floor: float = 0.02, **form: Any) -> None:
        check.at_least("alpha", alpha, 0)
        check.share("floor", floor)
        self._linear = Linear(Form(**form))
        self.alpha, self.floor = alpha, floor

    def start(self, features: Features) -> None:
        """Set up for these members' and articles' features."""
        self._linear.start(features)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the upper confidence bounds of the click rates (or log-odds)."""
        return self.plan_for(context.articles, context.article_features)(context)

    def plan_for(self, articles: Columns, article_features: Floats) -> Planner:
        """See `Policy.plan_for`."""
        linear, W = self._linear, self._linear.W[None]
        measure = linear.prepare_widths(article_features) if self.alpha else None

        def plan(context: Context) -> SlotPmf:
            bound = linear.score(context, W)[0]
            if measure:
                bound = bound + self.alpha * measure(context.member_features)
            return SlotPmf(bound, epsilon_greedy(self.floor))

        return plan

    def learn(self, round: Round) -> None:
        """See `Linear.learn`."""
        self._linear.learn(round)

    def state(self) -> State:
        """See `Linear.state`."""
        return self._linear.state()

    def restore(self, state: State) -> None:
        """See `Linear.restore`."""
        self._linear.restore(state)
