"""Scores bilinear in attributes and text, x' B a, with a full Gaussian posterior over B [p, q].

Open this file for the sums over clicks and the posterior that the linear policies, `neural` and the
prior of `profile` share. With few articles and many members the Gram matrix of the products x (x) a
is cheap: sum_e w_e (x x') (x) (a a') needs one [p, p] matrix for each article, whatever the number
of members. Posteriors are factorised by LAPACK, in float64.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core.columns import Floats, Ints
from bandit.core.state import State

_SQUARE = 64  # rows and columns that fit the processor's cache both as they are and turned


def gram(x: Floats, articles: Floats, rows: Ints, index: Ints, weights: Floats) -> Floats:
    """sum_e w_e z_e z_e' [pq, pq] with z_e = x[rows_e] (x) articles[index_e], flattened as B is.

    x: [n, p], of members
    articles: [m, q]
    rows, index: [e], the member and the article of each look
    weights: [e], w
    """
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
    """sum_e v_e z_e [pq], with z_e as in `gram` and values v [e]."""
    n, m = len(x), len(articles)
    table = np.bincount(rows * m + index, values, n * m).reshape(n, m)
    return np.asarray(x.T @ (table @ articles)).ravel()


@dataclass
class Gaussian:
    """Posterior over vec(B), of length d = p q.

    prior_mean, prior_precision: [d], of independent entries
    precision, shift: [d, d] and [d], what the data says
    """

    prior_mean: Floats
    prior_precision: Floats
    precision: Floats
    shift: Floats

    @classmethod
    def start(cls, prior_mean: Floats, prior_precision: Floats) -> "Gaussian":
        """The prior, before any data."""
        d = len(prior_mean)
        return cls(prior_mean, prior_precision, np.zeros((d, d)), np.zeros(d))

    def absorb(self, precision: Floats, shift: Floats) -> None:
        """Add what a batch says: its precision [d, d] and shift [d]."""
        self.precision += precision
        self.shift += shift

    def factor(self) -> Floats:
        """Lower Cholesky factor [d, d] of the posterior precision.

        In float64 rounding stays below the prior's precision even with 10^5 updates, so the matrix
        stays positive definite.
        """
        total = self.precision.copy()
        total[np.diag_indices_from(total)] += self.prior_precision
        return factorise(total)

    def solve(self, factor: Floats) -> Floats:
        """Posterior mean [d], given what `factor` returned."""
        return solve(factor, self.prior_precision * self.prior_mean + self.shift)

    def covariance(self, factor: Floats) -> Floats:
        """Posterior covariance [d, d], given what `factor` returned."""
        from scipy.linalg import lapack  # the sender has no need of it

        inverse = np.array(lapack.dpotri(factor, lower=1)[0])
        for at in range(0, len(inverse), _SQUARE):  # LAPACK leaves one half of it
            rows, rest = slice(at, at + _SQUARE), slice(at + _SQUARE, None)
            corner = inverse[rows, rows]
            corner[:] = np.tril(corner) + np.tril(corner, -1).T
            inverse[rows, rest] = inverse[rest, rows].T
        return inverse

    def state(self) -> State:
        """The four arrays, by their names."""
        return {name: array.copy() for name, array in vars(self).items()}


def factorise(precision: Floats) -> Floats:
    """Lower Cholesky factor [d, d] of a precision, by LAPACK's `dpotrf`, column after column.

    In 1,050 dimensions it takes half as long as torch's, which copies the matrix from rows to
    columns and back. Raises numpy's LinAlgError where the matrix is not positive definite.
    """
    from scipy.linalg import lapack  # the sender has no need of it

    factor, failed = lapack.dpotrf(precision.T, lower=1)
    if failed:
        raise np.linalg.LinAlgError(
            f"precision [{len(precision)}, {len(precision)}] is not positive definite: "
            f"its leading minor of order {failed} is not"
        )
    return np.asarray(factor)


def solve(factor: Floats, right: Floats) -> Floats:
    """A^-1 b [d], given the lower Cholesky factor [d, d] of A, and b [d]."""
    from scipy.linalg import lapack  # the sender has no need of it

    return np.asarray(lapack.dpotrs(factor, right, lower=1)[0])


def draw_gaussian(mean: Floats, factor: Floats, noise: Floats) -> Floats:
    """Draws [s, d] from a posterior, made from standard normal noise [s, d].

    Planning calls this, and planning needs neither torch nor scipy, so this is numpy.

    mean: [d], as `Gaussian.solve` returns it
    factor: [d, d], as `Gaussian.factor` returns it
    """
    return np.asarray(mean + np.linalg.solve(factor.T, noise.T).T)
