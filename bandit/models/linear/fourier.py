"""Random Fourier features: a linear model on them bends with the members' attributes.

A linear model on these features is nearly a Gaussian process (Rahimi & Recht 2007, "Random features
for large-scale kernel machines", sec. 3). Nothing else about the linear policies changes.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check, exact, keys
from bandit.core.types import Floats


@dataclass(frozen=True)
class Fourier:
    """Frequencies that stand for attributes.

    The inner product of two expanded rows is 1 + exp(-|x - y|^2 / (2 bandwidth^2 (p - 1))), up to
    an error of the order of 1 / sqrt(d).

    frequencies: [d, p - 1], for p features that begin with a constant
    """

    frequencies: Floats

    @classmethod
    def draw(cls, p: int, width: int, bandwidth: float) -> "Fourier":
        """The frequencies for features [n, p], the same in every process.

        Blocks of them are orthogonal, which halves the error (Yu et al. 2016, "Orthogonal random
        features").

        width: expanded features beside the constant, rounded up to pairs
        bandwidth: how far two rows may differ, in each feature, and still be alike

        Raises ValueError for a width below 1, a bandwidth that is not positive, or where there is
        no feature beside the constant.
        """
        check.at_least("width", width, 1)
        check.at_least("bandwidth", bandwidth, 1e-6)
        check.at_least("features beside the constant", p - 1, 1)
        count, d = -(-width // 2), p - 1
        rng = keys.generator("fourier", p, count)
        blocks = [np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(-(-count // d))]
        lengths = np.sqrt(rng.chisquare(d, size=(count, 1)))  # of a Gaussian vector
        return cls(np.vstack(blocks)[:count] * lengths / (bandwidth * np.sqrt(d)))

    @property
    def width(self) -> int:
        """How many columns `expand` returns, the constant included."""
        return 1 + 2 * len(self.frequencies)

    def expand(self, x: Floats) -> Floats:
        """Features [n, p] as random Fourier features [n, width].

        A row comes out with the same bits whichever other rows are in x. Raises ValueError for
        another p than the frequencies were drawn for.
        """
        check.shape("features to expand", x, (len(x), 1 + self.frequencies.shape[1]))
        phase = exact.dot(x[:, 1:], self.frequencies)
        waves = np.hstack([np.cos(phase), np.sin(phase)]) / np.sqrt(len(self.frequencies))
        return np.hstack([np.ones((len(x), 1)), waves])
