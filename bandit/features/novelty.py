"""How much of a text lies outside what an archive was about.

The archive's leading principal components are what its texts have in common. A text about something
that the archive never had lies further outside them than held-out texts of the archive do. Open
this file for the figure that says when a reader of topics no longer fits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.columns import Floats
from bandit.core.state import require

DIMS = 64  # components that count as seen
PARTS = 5  # of the archive, each held out once to see what is usual


@dataclass(frozen=True)
class Novelty:
    """What an archive's word vectors span. Most callers use `Novelty.fit` or `Novelty.restore`.

    middle: [dim], their mean
    span: [w, dim], their leading principal components, orthonormal
    usual: [2], mean and standard deviation of what is unread of texts like the archive's
    """

    middle: Floats
    span: Floats
    usual: Floats

    @classmethod
    def fit(cls, vectors: Floats) -> "Novelty":
        """Learn from the vectors [n, dim] of an archive."""
        part, rest = np.arange(len(vectors)) % PARTS, np.zeros(len(vectors))
        for held in range(PARTS):
            known, out = vectors[part != held], part == held
            if len(known):
                rest[out] = _measure_rest(vectors[out], *_find_span(known))
        return cls(*_find_span(vectors), np.array([rest.mean(), rest.std()]))

    def measure(self, vectors: Floats) -> Floats:
        """Share of each vector's squared length that lies outside the span, 0 to 1, [m].

        vectors: [m, dim]; a row's bits ignore the other rows
        """
        return _measure_rest(vectors, self.middle, self.span)

    def state(self) -> dict[str, Floats]:
        """The arrays that `restore` needs."""
        return {"middle": self.middle, "span": self.span, "usual": self.usual}

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], dim: int) -> "Novelty":
        """The inverse of `state`. Raises ValueError for arrays that do not fit one another.

        dim: of the vectors that will be measured
        """
        require(arrays, ("middle", "span", "usual"))
        middle, span, usual = (arrays[name] for name in ("middle", "span", "usual"))
        check.shape("novelty's middle", middle, (dim,))
        check.shape("novelty's span", span, (len(span), dim))
        check.shape("novelty's usual", usual, (2,))
        return cls(middle, span, usual)


def _find_span(vectors: Floats) -> tuple[Floats, Floats]:
    middle = vectors.mean(axis=0)
    away = vectors - middle
    # the covariance's eigenvectors, smallest first: the components that a singular value
    # decomposition of all vectors gives, in a fraction of its time
    directions = np.linalg.eigh(away.T @ away)[1].T[::-1]
    return middle, directions[: min(DIMS, len(vectors))]


def _measure_rest(vectors: Floats, middle: Floats, span: Floats) -> Floats:
    away = vectors - middle
    seen = np.square(np.einsum("md,wd->mw", away, span)).sum(axis=1)
    whole = np.square(away).sum(axis=1)
    return np.asarray(1 - np.divide(seen, whole, out=np.ones_like(seen), where=whole > 1e-12))
