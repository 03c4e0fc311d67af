"""Scores bilinear in attributes and text, x' B a, with a full Gaussian posterior over B [p, q].

With few articles and many members the Gram matrix of the products x (x) a is cheap: sum_e w_e (x x') (x) (a a') needs one
[p, p] matrix for each article, whatever the number of members. Learned in torch, float64; what remains are arrays.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from bandit.core.state import State
from bandit.core.types import Floats, Ints


def gram(x: Floats, articles: Floats, rows: Ints, index: Ints, weights: Floats) -> Floats:
    """sum_e w_e z_e z_e' [pq, pq] with z_e = x[rows_e] (x) articles[index_e], flattened as B is."""
    p, q = x.shape[1], articles.shape[1]
    each = np.zeros((len(articles), p, p))
    for j in np.unique(index):
        at = index == j
        part = x[rows[at]]
        each[j] = (part * weights[at][:, None]).T @ part
    outer = np.einsum("mq,mr->mqr", articles, articles).reshape(len(articles), -1)
    total = (each.reshape(len(articles), -1).T @ outer).reshape(p, p, q, q)
    return np.ascontiguousarray(total.transpose(0, 2, 1, 3)).reshape(p * q, p * q)


def moment(x: Floats, articles: Floats, rows: Ints, index: Ints, values: Floats) -> Floats:
    """sum_e v_e z_e [pq]."""
    n, m = len(x), len(articles)
    table = np.bincount(rows * m + index, values, n * m).reshape(n, m)
    return np.asarray(x.T @ (table @ articles)).ravel()


@dataclass
class Gaussian:
    """Posterior over vec(B): independent prior mean and precision [d], the data's precision [d, d] and shift [d]."""

    prior_mean: Floats
    prior_precision: Floats
    precision: Floats
    shift: Floats

    @classmethod
    def start(cls, prior_mean: Floats, prior_precision: Floats) -> "Gaussian":
        d = len(prior_mean)
        return cls(prior_mean, prior_precision, np.zeros((d, d)), np.zeros(d))

    def absorb(self, precision: Floats, shift: Floats) -> None:
        """Add what a batch says."""
        self.precision += precision
        self.shift += shift

    def factor(self) -> Floats:
        """Lower Cholesky factor [d, d] of the posterior precision.

        Float64: with 10^5 updates rounding stays below the prior's precision, so the matrix stays positive definite.
        """
        import torch

        factor: Floats = torch.linalg.cholesky(
            torch.from_numpy(self.precision + np.diag(self.prior_precision))
        ).numpy()
        return factor

    def solve(self, factor: Floats) -> Floats:
        """Posterior mean [d]."""
        import torch

        right = self.prior_precision * self.prior_mean + self.shift
        solved: Floats = torch.cholesky_solve(
            torch.from_numpy(right)[:, None], torch.from_numpy(factor)
        )[:, 0].numpy()
        return solved

    def covariance(self, factor: Floats) -> Floats:
        """Posterior covariance [d, d]."""
        import torch

        inverse: Floats = torch.cholesky_inverse(torch.from_numpy(factor)).numpy()
        return inverse

    def state(self) -> State:
        return {
            name: getattr(self, name).copy()
            for name in ("prior_mean", "prior_precision", "precision", "shift")
        }


def draws(mean: Floats, factor: Floats, noise: Floats) -> Floats:
    """Posterior draws [s, d] from standard normal noise [s, d]; planning, so without torch."""
    return np.asarray(mean + solve_triangular(factor, noise.T, trans="T", lower=True).T)
