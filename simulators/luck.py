"""The luck of a simulator: random numbers keyed by what they are for.

Two policies that do the same thing to a member in an issue meet the same luck, whatever else they
did, and in whatever order it is asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandit.core import keys
from bandit.core.types import Floats, Ints


@dataclass(frozen=True)
class Luck:
    """Random numbers of one simulator, whose members are known by their rows in a list.

    name: of the kind of simulator; two kinds have different luck from the same seed
    seed: of the simulator
    keys [n]: of all members, by `bandit.core.keys.member_keys`
    """

    name: str
    seed: int
    keys: NDArray[np.uint64]

    def make_generator(self, *purpose: object) -> np.random.Generator:
        """A generator of its own for each purpose, for what is drawn for all members at once."""
        return keys.generator(self.name, self.seed, *purpose)

    def draw_lasting(self, stream: str) -> Floats:
        """A uniform of each member that belongs to no issue [n]."""
        return keys.uniforms(self.seed, self.name, stream, self.keys, 1)[:, 0]

    def draw(self, issue: int, stream: str, rows: Ints, k: int) -> Floats:
        """Uniforms [len(rows), k] of some members in an issue."""
        return keys.uniforms(self.seed, f"{self.name}-{issue}", stream, self.keys[rows], k)

    def draw_one(self, issue: int, stream: str, rows: Ints) -> Floats:
        """A uniform of each of some members in an issue [len(rows)]."""
        return self.draw(issue, stream, rows, 1)[:, 0]

    def draw_at(self, issue: int, stream: str, rows: Ints, index: Ints) -> Floats:
        """Some of the uniforms of `draw`: columns `index` [len(rows), j] of each member's row."""
        member = self.keys[rows]
        return keys.uniforms_at(self.seed, f"{self.name}-{issue}", stream, member, index)
