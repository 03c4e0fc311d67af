"""The limit of knowing: shows what each member would click on most. Exists only in simulation, cannot be exported."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from bandit.core.types import Context, Round, SlotPmf
from bandit.slates.exploration import greedy


class Oracle:
    """Greedy on the simulator's true P(click | examined)."""

    def start(self, features: Any) -> None:
        """Nothing to set up: `reveal` does."""

    def reveal(self, simulator: Any) -> None:
        self._simulator = simulator

    def plan(self, context: Context) -> SlotPmf:
        return SlotPmf(self._simulator.truth(context), greedy)

    def learn(self, round: Round) -> None:
        """Nothing to learn."""

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Nothing to restore."""
