"""The limit of knowing: shows what each member would click on most.

Compare with this policy to see how much any policy could still gain. It exists only in simulation
and cannot be exported.
"""

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Informed, Truth
from bandit.slates.exploration import greedy


class Oracle(Informed):
    """Greedy on the simulator's true P(click | examined). There are no options."""

    def start(self, features: Features) -> None:
        """Nothing to set up: `reveal` does."""

    def reveal(self, simulator: Truth) -> None:
        """Keep the simulator, to ask it for the truth about each issue."""
        self._simulator = simulator

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the true P(click | examined)."""
        return SlotPmf(self._simulator.truth(context), greedy)

    def learn(self, round: Round) -> None:
        """Nothing to learn."""

    def state(self) -> State:
        """No arrays."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to restore."""
