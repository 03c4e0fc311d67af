"""The limit of learning: `profile`, given the true hyperparameters and the articles' true topics.

It learns each member and each article from clicks like any policy, but nothing else is left for it
to find out. Compare with it to see what learning the rest costs. It exists only in simulation and
cannot be exported.
"""

from dataclasses import replace

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policies.profile import Profile
from bandit.policy import Informed, Truth


class BayesLimit(Informed):
    """Greedy on the posterior mean. There are no options.

    With some four clicks a member a year, exploring does not pay for itself.
    """

    def __init__(self) -> None:
        self._profile = Profile(budget=0.0)

    def start(self, features: Features) -> None:
        """Nothing to set up: `reveal` does."""

    def reveal(self, simulator: Truth) -> None:
        """Take the hyperparameters, and keep the simulator for the articles' topics."""
        known = simulator.hyperparameters()
        quality = float(known["quality_variance"][0])
        self._simulator = simulator
        self._profile.fix(known["B"], known["interest_variance"], quality, known["examine"])

    def _reveal_topics(self, context: Context) -> Context:
        topics = self._simulator.pool(context.issue).interests()
        return replace(context, article_features=topics)

    def plan(self, context: Context) -> SlotPmf:
        """See `Profile.plan`."""
        return self._profile.plan(self._reveal_topics(context))

    def learn(self, round: Round) -> None:
        """See `Profile.learn`."""
        self._profile.learn(replace(round, context=self._reveal_topics(round.context)))

    def state(self) -> State:
        """See `Profile.state`."""
        return self._profile.state()

    def restore(self, state: State) -> None:
        """See `Profile.restore`."""
        self._profile.restore(state)
