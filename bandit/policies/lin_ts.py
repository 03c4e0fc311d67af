"""Thompson sampling for linear click models, and logistic ones.

Agrawal & Goyal 2013 for linear, Chapelle & Li 2011 for logistic links. The pmf of a slot is the
share of posterior draws in which each article is best, plus a floor: what is logged is what was
sampled from. The policy knows attributes and text, not the single member.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from bandit.core import check, keys
from bandit.core.state import State
from bandit.core.types import Columns, Context, Floats, Planner, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.linear.forms import Form
from bandit.models.linear.learner import Linear
from bandit.policy import Policy
from bandit.slates.exploration import Draws, thompson


class LinTS(Policy):
    """Shows each article as often as it is best in draws from a linear click model's posterior.

    scale: width of the draws against the posterior itself; higher explores more, 1 is textbook, 0
        is greedy
    draws: posterior draws an issue; more makes the propensities finer
    floor: share of slots filled at random, so that the log supports any other policy
    ridge, form: the options of the model that learns, as `bandit.models.linear.forms.Form` lists
        them

    Raises ValueError naming the option at fault, TypeError naming one that does not exist.
    """

    def __init__(
        self,
        scale: float = 0.3,
        draws: int = 16,
        floor: float = 0.02,
        ridge: float = 3000.0,
        **form: Any,
    ) -> None:
        check.between("scale", scale, 0, 1e6)
        check.whole("draws", draws, 1, 1000)
        check.share("floor", floor)
        known = Form(ridge=ridge, **form)
        self._linear, self.draws, self.floor = Linear(known), draws, floor
        # a linear model's precision counts looks: a look's click is this far from its probability
        sd = np.sqrt(known.rate * (1 - known.rate)) if known.link == "linear" else 1.0
        self._sd = scale * sd

    def start(self, features: Features) -> None:
        """Set up for these members' and articles' features."""
        self._linear.start(features)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the posterior mean's click rates (or log-odds)."""
        return self.plan_for(context.articles, context.article_features)(context)

    def plan_for(self, articles: Columns, article_features: Floats) -> Planner:
        """See `Policy.plan_for`: the posterior is drawn from once for each campaign."""
        linear, draw = self._linear, lru_cache(maxsize=1)(self._draw)

        def plan(context: Context) -> SlotPmf:
            drawn = linear.prepare_scores(context, draw(context.campaign))
            scores = linear.score(context, linear.W[None])[0]
            return SlotPmf(scores, thompson(Draws(self.draws, drawn), self.floor))

        return plan

    def _draw(self, campaign: str) -> Floats:
        """W [s, p', q'] drawn from the posterior, the same for all members of a campaign."""
        rng = keys.generator("lin_ts", campaign)
        noise = rng.standard_normal((self.draws, *self._linear.blocks.mean.shape))
        return self._linear.draw(self._sd * noise)

    def learn(self, round: Round) -> None:
        """See `Linear.learn`."""
        self._linear.learn(round)

    def state(self) -> State:
        """See `Linear.state`."""
        return self._linear.state()

    def restore(self, state: State) -> None:
        """See `Linear.restore`."""
        self._linear.restore(state)
