"""Thompson sampling for linear click models (Agrawal & Goyal 2013) and logistic ones (Chapelle & Li 2011).

The pmf of a slot is the share of posterior draws in which each article is best, plus a floor: what is logged is what was
sampled from. It knows attributes and text, not the single member.
"""

from typing import Any

import numpy as np

from bandit.core import check, keys
from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.linear.forms import Linear
from bandit.policy import Policy
from bandit.slates.exploration import thompson


class LinTS(Policy):
    """scale: how wide the posterior draws are against the posterior itself (1 is textbook, higher explores more, 0 is
    greedy). draws: how many. floor: share of slots filled at random, so that the log supports any other policy.
    ridge, form: the parameters of `Linear`, the model that learns.
    """

    def __init__(
        self,
        scale: float = 0.3,
        draws: int = 16,
        floor: float = 0.02,
        ridge: float = 3000.0,
        **form: Any,
    ) -> None:
        check.at_least("scale", scale, 0)
        check.at_least("draws", draws, 1)
        check.share("floor", floor)
        self._linear = Linear(ridge=ridge, **form)
        self.draws, self.floor = draws, floor
        # a linear model's precision counts looks: a look's click is this far from its probability
        rate = self._linear.rate
        self._sd = scale * (np.sqrt(rate * (1 - rate)) if self._linear.link == "linear" else 1.0)

    def start(self, features: Features) -> None:
        """Set up for these members' and articles' features."""
        self._linear.start(features)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the posterior mean's click rates (or log-odds)."""
        linear = self._linear
        noise = keys.generator("lin_ts", context.campaign).standard_normal(
            (self.draws, *linear.blocks.mean.shape)
        )
        drawn = linear.scores(context, linear.draws(self._sd * noise))
        return SlotPmf(
            linear.scores(context, linear.W[None])[0],
            lambda scores, open: thompson(drawn, open, self.floor),
        )

    def learn(self, round: Round) -> None:
        """See `Linear.learn`."""
        self._linear.learn(round)

    def state(self) -> State:
        return self._linear.state()

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays of another shape."""
        self._linear.restore(state)
