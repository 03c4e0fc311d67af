"""Independent Gaussian posteriors over weights, updated by batches of looks or look by look.

Open this file for the arithmetic of the posteriors of `lin_ts` and `lin_ucb`. A batch adds its Gram
matrix in float64 and is factorised by LAPACK. A single look is a rank-one update of a square root
of the covariance in float32, which cannot lose its positive definiteness; the next batch makes the
root anew and so ends what drift there was. What planning reads goes through `exact.dot`, so scores
do not depend on which members are planned together or on the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Floats
from bandit.models.link import expit


@dataclass
class Blocks:
    """b independent Gaussians, each in d dimensions.

    mean: [b, d], float64
    precision: [b, d, d], float64, the sum of the prior's and of all looks'
    root: [b, d, d], R with R R' the covariance; float32, because planning reads it: half the bytes
    """

    mean: Floats
    precision: Floats
    root: Floats

    @classmethod
    def start(cls, mean: Floats, precision: Floats) -> "Blocks":
        """The prior, of means and (diagonal) precisions, both [b, d]."""
        eye = np.eye(mean.shape[1])
        root = (eye / np.sqrt(precision)[:, None]).astype(np.float32)
        return cls(mean, eye * precision[:, None], root)

    def look(self, g: int, z: Floats, clicked: float, weight: float, link: str) -> None:
        """Learn from one look in block g at z [d].

        The posterior is exact where the link is linear, and Laplace's where it is logistic. The
        root moves by Potter's form of the Sherman-Morrison formula (Potter 1963; Bierman 1977,
        "Factorization methods for discrete sequential estimation"):

            R <- R (I - c s s' / (u (u + 1))), s = R' z, u = sqrt(1 + c |s|^2), c the curvature

        R R' cannot be negative, and the bracket's eigenvalues, 1 and 1 / u, are positive.

        clicked: 1.0 or 0.0
        weight: the chance that the slot was looked at
        link: 'linear' or 'logistic'
        """
        root, single = self.root[g], z.astype(np.float32)
        s = single @ root
        gain, tau = (root @ s).astype(np.float64), float(s @ s)
        push, c = _find_mode(float(z @ self.mean[g]), tau, clicked, weight, link)
        u = float(np.sqrt(1 + c * tau))
        root -= np.outer(gain.astype(np.float32), s * np.float32(c / (u * (u + 1))))
        self.mean[g] += gain * push
        self.precision[g] += np.outer(c * z, z)

    def update(self, mean: Floats, precision: Floats, factors: Sequence[Floats]) -> None:
        """Take a posterior's mean [b, d], precision [b, d, d] and b lower Cholesky factors of it.

        The root is the factor's inverse, by LAPACK's `dtrtri`: in 1,050 dimensions a third of the
        time of solving for each column of the identity.
        """
        from scipy.linalg import lapack  # the sender has no need of it

        root = np.empty_like(self.root)
        for g, lower in enumerate(factors):
            root[g] = lapack.dtrtri(lower, lower=1)[0].T
        self.mean, self.precision, self.root = mean, precision, root

    def draw(self, noise: Floats) -> Floats:
        """Posterior draws [s, b, d] from standard normal noise [s, b, d]."""
        root, scale = scale_down(self.root)
        flat, more = shorten(noise.reshape(-1, noise.shape[-1]))
        parts = flat.reshape(noise.shape)
        moves = np.stack([exact.dot(parts[:, g], root[g]) for g in range(len(root))], axis=1)
        return np.asarray(self.mean + scale * more * moves)

    def read_state(self, state: State) -> "Blocks":
        """The blocks of a saved state, which take the place of these.

        Raises ValueError for other shapes or types, and where the precision A can be none or the
        root is not of its inverse: R' A R 1 must be about 1 (drift stays well below 0.5).
        """
        for name, own in vars(self).items():
            check.like(name, state[name], own)
        mean, precision, root = (state[name].copy() for name in ("mean", "precision", "root"))
        check.gram("precision", precision, least=np.finfo(np.float64).tiny)
        wide = root.astype(np.float64)
        ones = np.einsum("bij,bi->bj", wide, np.einsum("bij,bj->bi", precision, wide.sum(axis=2)))
        off = float(np.sqrt(((ones - 1) ** 2).mean(axis=1)).max())
        if not off <= 0.5:
            raise ValueError(
                f"root is no root of the precision's inverse: their product is off by {off:.3g}"
            )
        return Blocks(mean, precision, root)


def _find_mode(
    eta: float, tau: float, clicked: float, weight: float, link: str
) -> tuple[float, float]:
    """Gradient and curvature of one look's log likelihood at the posterior mode.

    The prior of the look's score is Normal(eta, tau): the mode solves f = eta + tau gradient(f).
    """
    if link == "linear":
        return (clicked - weight * eta) / (1 + tau * weight), weight
    # The gradient is in (clicked - weight, clicked). Halved here and not by scipy.optimize.brentq,
    # which ends elsewhere in the last bits: logs and bundles must keep theirs.
    low, high = eta - tau * (weight - clicked), eta + tau * clicked
    for _ in range(60):
        f = (low + high) / 2
        low, high = (f, high) if f < eta + tau * (clicked - weight * float(expit(f))) else (low, f)
    p = float(expit(f))
    return clicked - weight * p, weight * p * (1 - p)


def find_scale(rows: Floats) -> float:
    """The power of two by which rows [..., d] are divided for the longest to be in (1/2, 1].

    For these lengths the grid of `exact` is fine enough.
    """
    flat = np.asarray(rows, dtype=np.float64).reshape(-1, rows.shape[-1])
    longest = float(np.sqrt(np.einsum("nd,nd->n", flat, flat).max(initial=0.0))) or 1.0
    return float(np.exp2(np.ceil(np.log2(longest))))


def scale_down(rows: Floats) -> tuple[Floats, float]:
    """Rows [..., d] divided by `find_scale` of them, and that power of two."""
    scale = find_scale(rows)
    return np.asarray(rows, dtype=np.float64) / scale, scale


def shorten(rows: Floats) -> tuple[Floats, float]:
    """Rows [n, d], and 1; or `scale_down` of them where the longest is longer than 64.

    Rows of up to 64 keep their bits. Longer ones could leave the exact range of `exact.dot`.
    """
    longest = float(np.einsum("nd,nd->n", rows, rows).max(initial=0.0))
    return scale_down(rows) if longest > 64.0**2 else (rows, 1.0)


def measure_lengths(u: Floats, roots: Floats) -> Floats:
    """|R' u| [n, b] of each u [n, d] and each of the roots [b, d, d].

    The squares are summed on the grid, so the sums are as exact as `exact.dot`.
    """
    roots, scale = scale_down(roots)
    s = exact.dot(u, roots.swapaxes(1, 2).reshape(-1, u.shape[1]))
    s = exact.snap(s).reshape(len(u), len(roots), roots.shape[-1])
    return np.asarray(scale * np.sqrt((s**2).sum(axis=2)))
