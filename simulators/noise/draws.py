"""Random numbers, ids and names of tracking noise.

They are keyed, so that each depends only on what it is for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandit.core import keys


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

    def draw_lasting(self, stream: str, k: int = 1) -> NDArray[np.float64]:
        """Uniforms [n, k] that a member keeps in all issues."""
        return keys.uniforms(self.seed, "always", stream, self.member, k)

    def draw(
        self, stream: str, k: int = 1, rows: NDArray[np.integer] | slice = slice(None)
    ) -> NDArray[np.float64]:
        """Uniforms [len(rows), k] that belong to this issue, of some members (default: all)."""
        return keys.uniforms(self.seed, self.campaign, stream, self.member[rows], k)


def draw_ids(u: NDArray[np.floating]) -> NDArray[np.int64]:
    """Ids of events, 53 bits, from uniforms of any shape."""
    return (u * 2.0**53).astype(np.int64)


def name_clouds(gateway: NDArray[np.integer], numbers: NDArray[np.integer]) -> NDArray[np.object_]:
    """Names of the clouds that gateways of each kind work from, of the shape of `numbers`."""
    pairs = zip(gateway.ravel(), numbers.ravel(), strict=True)
    flat = [f"cloud-{kind}-{number}" for kind, number in pairs]
    return np.array(flat, dtype=object).reshape(numbers.shape)


def name_each(prefix: str, numbers: NDArray[np.integer]) -> NDArray[np.object_]:
    """Names like `prefix`-3, of the shape of `numbers`."""
    flat = [f"{prefix}-{number}" for number in numbers.ravel()]
    return np.array(flat, dtype=object).reshape(numbers.shape)
