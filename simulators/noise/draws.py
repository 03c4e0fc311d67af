"""Random numbers of tracking noise, keyed so that each depends only on what it is for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandit.core import keys
from bandit.core.types import Floats, Ints


@dataclass(frozen=True)
class Draws:
    """Uniform numbers for the members who are sent one issue.

    seed: of the noise
    campaign: name of the issue
    member [n]: keys of the members
    """

    seed: int
    campaign: str
    member: NDArray[np.uint64]

    def draw_lasting(self, stream: str, k: int = 1) -> Floats:
        """Uniforms [n, k] that a member keeps in all issues."""
        return keys.uniforms(self.seed, "always", stream, self.member, k)

    def draw(self, stream: str, k: int = 1, rows: Ints | slice = slice(None)) -> Floats:
        """Uniforms [len(rows), k] that belong to this issue, of some members (default: all)."""
        return keys.uniforms(self.seed, self.campaign, stream, self.member[rows], k)


def draw_ids(u: Floats) -> Ints:
    """Ids of events, 53 bits, from uniforms of any shape."""
    return np.asarray((u * 2.0**53).astype(np.int64))
