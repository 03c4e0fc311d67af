"""Exploration as functions of scores: scores [n, m] and open [n, m] in, a pmf [n, m] out.

Each row sums to 1 over its open articles and is 0 elsewhere; a row with nothing open is all 0. Rows never mix.
"""

from functools import partial

import numpy as np

from bandit.core.types import Bools, Floats, SlotPmf
from bandit.slates.sums import add_up

_FAR = 300.0  # exp(+-300) and their ratio are within float64: no open article's probability is ever rounded to 0


def greedy(scores: Floats, open: Bools) -> Floats:
    """All the mass on the best open article, shared equally between exact ties."""
    masked = np.where(open, scores, -np.inf)
    best = open & (masked == masked.max(axis=1, keepdims=True))
    return _normalise(best.astype(np.float64))


def epsilon_greedy(scores: Floats, open: Bools, epsilon: float) -> Floats:
    """A share `epsilon` uniform over the open articles, the rest greedy."""
    return (1 - epsilon) * greedy(scores, open) + epsilon * _normalise(open.astype(np.float64))


def softmax(scores: Floats, open: Bools, temperature: float) -> Floats:
    """exp(score / temperature), normalised. Drawn slot by slot this is Plackett-Luce (Plackett 1975)."""
    power = np.where(open, scores, 0.0) / temperature
    far = ~(
        np.abs(power).max(axis=1, initial=0.0) <= _FAR
    )  # exponentials would overflow: shift by the best open one
    if far.any():
        top = np.where(open[far], power[far], -np.inf).max(axis=1, keepdims=True)
        power[far] = np.where(open[far], power[far] - top, 0.0)
    weights = np.exp(power) * open
    whole = add_up(weights)[:, None]
    return np.asarray(np.divide(weights, whole, out=np.zeros_like(weights), where=whole != 0))


def plackett_luce(scores: Floats, temperature: float) -> SlotPmf:
    """A plan by `softmax` of scores [n, m]; its weights are computed once for all slots."""
    power = scores / temperature
    near = bool(np.abs(power).max(initial=0.0) <= _FAR)
    return SlotPmf(
        scores, partial(softmax, temperature=temperature), np.exp(power) if near else None
    )


def budgeted(scores: Floats, open: Bools, budget: float, temperature: float) -> Floats:
    """A share `budget` of the slots explores by softmax, the rest is greedy: what exploring may cost is set in advance."""
    return (1 - budget) * greedy(scores, open) + budget * softmax(scores, open, temperature)


def squarecb(scores: Floats, open: Bools, gamma: float) -> Floats:
    """Inverse-gap weighting (Foster & Rakhlin 2020, SquareCB): p(a) = 1 / (m + gamma gap(a)), the best takes the rest.

    Scores are expected rewards; m counts the open articles. Higher gamma explores less.
    """
    masked = np.where(open, scores, -np.inf)
    best = masked.argmax(axis=1)
    m = open.sum(axis=1, keepdims=True)
    gap = np.where(
        open, masked.max(axis=1, keepdims=True, initial=-np.inf) - np.where(open, scores, 0.0), 0.0
    )
    pmf = np.where(open, 1.0 / np.maximum(m + gamma * gap, 1.0), 0.0)
    rows = np.arange(len(scores))
    pmf[rows, best] = 0.0
    pmf[rows, best] = np.where(m[:, 0] > 0, 1.0 - pmf.sum(axis=1), 0.0)
    return pmf


def thompson(draws: Floats, open: Bools, floor: float) -> Floats:
    """The share of posterior draws [s, n, m] in which each open article is best, mixed with a uniform `floor`."""
    rows, wins = np.arange(open.shape[0]), np.zeros(open.shape)
    for draw in draws:
        wins[rows, np.where(open, draw, -np.inf).argmax(axis=1)] += 1
    wins /= len(draws)
    wins[~open.any(axis=1)] = 0.0
    if np.isnan(draws.max(initial=0.0)):  # argmax would take a NaN for the best
        wins[np.isnan(draws).any(axis=(0, 2))] = np.nan
    return (1 - floor) * wins + floor * _normalise(open.astype(np.float64))


def _normalise(weights: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(weights, total, out=np.zeros_like(weights), where=total > 0))
