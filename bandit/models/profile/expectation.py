"""Clicks on a logit that is only known up to a Gaussian.

Open this file for averages over that doubt, and for what a click says about the logit. A slot is
clicked with probability e sigmoid(f): it was looked at (e) and wanted (f ~ Normal). No click may
mean that it was not looked at or not wanted, and the likelihood 1 - e sigmoid(f) says so exactly.
All averages are Gauss-Hermite sums of nine nodes.
"""

import numpy as np

from bandit.core.columns import Floats
from bandit.models.link import expit

_NODES, _weights = np.polynomial.hermite_e.hermegauss(9)
_WEIGHTS = _weights / _weights.sum()
_MIRRORED, _COLUMN = -_NODES, _WEIGHTS[:, None]
_NODES_AND_WEIGHTS = list(zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True))
_PIECE = 8000  # logits whose nine nodes fit the processor's cache


def average(eta: Floats, variance: Floats) -> Floats:
    """E sigmoid(f) for f ~ Normal(eta, variance); both of one shape, which may be any."""
    flat, sd = np.ravel(eta), np.ravel(np.sqrt(variance))
    if len(flat) <= _PIECE:
        return _average(flat, sd).reshape(np.shape(eta))
    mean = np.empty(len(flat))
    for at in range(0, len(flat), _PIECE):
        here = slice(at, at + _PIECE)
        mean[here] = _average(flat[here], sd[here])
    return mean.reshape(np.shape(eta))


def _average(eta: Floats, sd: Floats) -> Floats:
    """`average` of a piece, [m]."""
    p = np.multiply.outer(_MIRRORED, sd)
    p -= eta
    with np.errstate(over="ignore"):  # exp(800) is inf, and the chance 0
        np.exp(p, out=p)
    p += 1
    np.divide(1, p, out=p)
    p *= _COLUMN
    return np.asarray(np.add.reduce(p, axis=0))


def average_with_slope(eta: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """What `average` gives, and its derivative in eta."""
    mean, slope, sd = np.zeros_like(eta), np.zeros_like(eta), np.sqrt(variance)
    for node, weight in _NODES_AND_WEIGHTS:
        p = expit(eta + node * sd)
        mean += weight * p
        slope += weight * p * (1 - p)
    return mean, slope


def score(p: Floats, slope: Floats, clicked: Floats, looked: Floats) -> tuple[Floats, Floats]:
    """Derivative and Fisher information of the log-likelihood of clicks, any shape.

    Unlike the curvature, the information does not depend on luck and is never negative.

    p, slope: P(click | examined), and its derivative, as `average_with_slope` returns them
    clicked: 1.0 or 0.0
    looked: P(examined), so that P(click) = looked * p
    """
    miss = 1 - looked * p
    gradient = np.where(clicked > 0, slope / p, -looked * slope / miss)
    return gradient, looked * slope**2 / (p * miss)


def propagate(
    eta: Floats, K: Floats, clicked: Floats, looked: Floats, sweeps: int = 4
) -> tuple[Floats, Floats]:
    """Expectation propagation for k slots of each of n members, in the space of the k logits.

    Gaussian sites, all updated at once in each sweep (Minka 2001; Rasmussen & Williams 2006, sec.
    3.6); a site never takes certainty away.

    eta: [n, k], the logits' prior means
    K: [n, k, k], their prior covariance
    clicked: [n, k], 1.0 or 0.0
    looked: [n, k], P(examined), 0 for an empty slot

    Returns g [n, k] and M [n, k, k]: the posterior mean is eta + K g, the covariance K - K M K.
    """
    eye = np.eye(eta.shape[1])
    diagonal = np.einsum("nii->ni", K)
    precision, shift = np.zeros_like(eta), np.zeros_like(eta)  # of the sites
    mean, variance = eta, diagonal
    for _ in range(sweeps):
        rest = 1 / variance - precision  # the cavity: everything but the site itself
        hollow = (mean / variance - shift) / rest
        wanted, spread = _match_moments(hollow, 1 / rest, clicked, looked)
        precision = np.maximum(1 / spread - rest, 0.0)
        shift = wanted * (rest + precision) - hollow * rest
        root = np.sqrt(precision)
        system = eye + root[:, :, None] * K * root[:, None, :]
        M = root[:, :, None] * np.linalg.solve(system, eye * root[:, None, :])
        pull = shift - precision * eta
        g = pull - np.einsum("nij,nj->ni", M, np.einsum("nij,nj->ni", K, pull))
        mean = eta + np.einsum("nij,nj->ni", K, g)
        variance = np.maximum(diagonal - np.einsum("nij,nji->ni", K, M @ K), 1e-9 * diagonal)
    return g, M


def _match_moments(
    mean: Floats, variance: Floats, clicked: Floats, looked: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance of Normal(mean, variance) times the likelihood of one slot."""
    sd = np.sqrt(variance)
    total, first, second = np.zeros_like(mean), np.zeros_like(mean), np.zeros_like(mean)
    for node, weight in _NODES_AND_WEIGHTS:
        p = expit(mean + node * sd)
        fit = weight * np.where(clicked > 0, p, 1 - looked * p)
        total += fit
        first += node * fit
        second += node**2 * fit
    shift = first / total
    return mean + sd * shift, variance * np.maximum(second / total - shift**2, 1e-6)
