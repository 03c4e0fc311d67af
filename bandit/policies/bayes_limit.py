"""The limit of learning: `profile`, given the true hyperparameters and the articles' true topics.

It learns each member and each article from clicks like any policy, but nothing else is left for it
to find out. Compare with it to see what learning the rest costs. It exists only in simulation and
cannot be exported.
"""

from bandit.features.features import Features
from bandit.policies.profile import Profile
from bandit.policies.profile_true_topics import ProfileTrueTopics
from bandit.policy import Truth


class BayesLimit(ProfileTrueTopics):
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
