"""Independent Gaussian posteriors over weights, updated by batches of looks or look by look.

Batches add their Gram matrix in float64 and are factorised in torch. Single looks are rank-one updates of a square root of
the covariance in float32, which cannot lose its positive definiteness; a batch makes the root anew and ends what drift
there was. What planning reads goes through `exact.dot`, so scores do not depend on batches of members or on the machine.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Floats


@dataclass
class Blocks:
    """b independent Gaussians in d dimensions: mean [b, d], precision [b, d, d], root [b, d, d] of the covariance R R'.

    precision, the sum of all that came, is float64. root is float32: what planning reads, half the bytes.
    """

    mean: Floats
    precision: Floats
    root: Floats

    @classmethod
    def start(cls, mean: Floats, precision: Floats) -> "Blocks":
        """From prior means and (diagonal) precisions, both [b, d]."""
        eye = np.eye(mean.shape[1])
        return cls(
            mean, eye * precision[:, None], (eye / np.sqrt(precision)[:, None]).astype(np.float32)
        )

    def look(self, g: int, z: Floats, clicked: float, weight: float, link: str) -> None:
        """One look in block g at z [d]: the exact posterior where linear, Laplace's where logistic.

        The root moves by Potter's form of the Sherman-Morrison formula (Potter 1963; Bierman 1977, "Factorization methods
        for discrete sequential estimation"): R <- R (I - c s s' / (u (u + 1))), s = R' z, u = sqrt(1 + c |s|^2), c the
        curvature. R R' cannot be negative, and the bracket's eigenvalues, 1 and 1 / u, are positive.
        """
        root, single = self.root[g], z.astype(np.float32)
        s = single @ root
        gain, tau = (root @ s).astype(np.float64), float(s @ s)
        push, c = _one(float(z @ self.mean[g]), tau, clicked, weight, link)
        u = float(np.sqrt(1 + c * tau))
        root -= np.outer(gain.astype(np.float32), s * np.float32(c / (u * (u + 1))))
        self.mean[g] += gain * push
        self.precision[g] += np.outer(c * z, z)

    def update(self, mean: Floats, precision: Floats, factor: Any) -> None:
        """Take the posterior with this precision and its lower Cholesky factor (torch)."""
        import torch

        eye = torch.eye(factor.shape[-1], dtype=factor.dtype).expand(factor.shape)
        inverse = torch.linalg.solve_triangular(factor, eye, upper=False)
        self.mean, self.precision = mean, precision
        self.root = np.ascontiguousarray(inverse.mT.numpy().astype(np.float32))

    def draws(self, noise: Floats) -> Floats:
        """Posterior draws [s, b, d] from standard normal noise [s, b, d]."""
        root, scale = unit(self.root)
        moves = np.stack([exact.dot(noise[:, g], root[g]) for g in range(len(root))], axis=1)
        return np.asarray(self.mean + scale * moves)

    def restored(self, state: State) -> "Blocks":
        """From saved arrays of these names, in place of these. Raises ValueError for other shapes or types, and where the
        precision A can be none or the root is not of its inverse: R' A R 1 must be about 1 (drift stays well below 0.5)."""
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


def _one(eta: float, tau: float, clicked: float, weight: float, link: str) -> tuple[float, float]:
    """Gradient and curvature of one look's log likelihood at the posterior mode, the prior of its score being
    Normal(eta, tau): the mode solves f = eta + tau gradient(f)."""
    if link == "linear":
        return (clicked - weight * eta) / (1 + tau * weight), weight
    low, high = (
        eta - tau * (weight - clicked),
        eta + tau * clicked,
    )  # the gradient is in (clicked - weight, clicked)
    for _ in range(60):
        f = (low + high) / 2
        low, high = (f, high) if f < eta + tau * (clicked - weight * float(expit(f))) else (low, f)
    p = float(expit(f))
    return clicked - weight * p, weight * p * (1 - p)


def unit(rows: Floats) -> tuple[Floats, float]:
    """`rows` over a power of two, so that the longest has a length in (1/2, 1]: then the exact grid is fine enough."""
    flat = np.asarray(rows, dtype=np.float64).reshape(-1, rows.shape[-1])
    longest = float(np.sqrt(np.einsum("nd,nd->n", flat, flat).max(initial=0.0))) or 1.0
    scale = float(np.exp2(np.ceil(np.log2(longest))))
    return np.asarray(rows, dtype=np.float64) / scale, scale


def lengths(u: Floats, roots: Floats) -> Floats:
    """|R' u| for u [n, d] and roots [b, d, d], [n, b]; sums of squares on the grid are as exact as `exact.dot`."""
    roots, scale = unit(roots)
    s = exact.snap(exact.dot(u, roots.swapaxes(1, 2).reshape(-1, u.shape[1]))).reshape(
        len(u), len(roots), roots.shape[-1]
    )
    return np.asarray(scale * np.sqrt((s**2).sum(axis=2)))
