"""The limit of knowing: shows what each member would click on most. Exists only in simulation, cannot be exported."""

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Informed, Truth
from bandit.slates.exploration import greedy


class Oracle(Informed):
    """Greedy on the simulator's true P(click | examined)."""

    def start(self, features: Features) -> None:
        """Nothing to set up: `reveal` does."""

    def reveal(self, simulator: Truth) -> None:
        self._simulator = simulator

    def plan(self, context: Context) -> SlotPmf:
        return SlotPmf(self._simulator.truth(context), greedy)

    def learn(self, round: Round) -> None:
        """Nothing to learn."""

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        """Nothing to restore."""
