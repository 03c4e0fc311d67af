"""The limit of learning: `profile` that is given the simulator's true hyperparameters and the articles' true topics.

It learns each member and each article from clicks like any policy, but nothing else is left for it to find out. It
exists only in simulation and cannot be exported.
"""

from dataclasses import replace

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policies.profile import Profile
from bandit.policy import Informed, Truth


class BayesLimit(Informed):
    """Greedy on the posterior mean: with some four clicks a member a year, exploring does not pay for itself."""

    def __init__(self) -> None:
        self._profile = Profile(budget=0.0)

    def start(self, features: Features) -> None:
        """Nothing to set up: `reveal` does."""

    def reveal(self, simulator: Truth) -> None:
        """Take the hyperparameters, and keep the simulator for the articles' topics."""
        known = simulator.hyperparameters()
        self._simulator = simulator
        self._profile.given(
            known["B"],
            known["interest_variance"],
            float(known["quality_variance"][0]),
            known["examine"],
        )

    def _true(self, context: Context) -> Context:
        return replace(context, article_features=self._simulator.pool(context.issue).interests())

    def plan(self, context: Context) -> SlotPmf:
        return self._profile.plan(self._true(context))

    def learn(self, round: Round) -> None:
        self._profile.learn(replace(round, context=self._true(round.context)))

    def state(self) -> State:
        return self._profile.state()

    def restore(self, state: State) -> None:
        self._profile.restore(state)
