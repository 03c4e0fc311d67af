"""Exploration: how the scores of the open articles become the chances that a slot is drawn by.

Each function takes scores [n, m] and open [n, m] and gives a pmf [n, m]. A row sums to 1 over its
open articles and is 0 elsewhere; a row with nothing open is all 0. No row depends on another one,
and articles with the same scores have the same chance, whichever comes first in the pool. Open this
file to choose an exploration for a policy, or to add one.
"""

from functools import partial

import numpy as np

from bandit.core.types import Bools, Floats, SlotPmf
from bandit.slates.sums import add_up

# exp(+-300) and their ratio are within float64: no open article's probability is rounded to 0
_FAR = 300.0


def greedy(scores: Floats, open: Bools) -> Floats:
    """Probability 1 for the best open article; exact ties share it equally."""
    return _share_out(_find_best(scores, open))


def epsilon_greedy(scores: Floats, open: Bools, epsilon: float) -> Floats:
    """A share `epsilon` of the slots is uniform over the open articles, the rest is greedy."""
    return (1 - epsilon) * greedy(scores, open) + epsilon * _share_out(open)


def softmax(scores: Floats, open: Bools, temperature: float) -> Floats:
    """exp(score / temperature) over its sum.

    Drawn slot by slot this is the Plackett-Luce model (Plackett 1975).

    temperature: in units of the scores; a higher one explores more

    >>> scores = np.log([[1.0, 2.0, 7.0], [1.0, 2.0, 7.0]])
    >>> open = np.array([[True, True, True], [True, True, False]])
    >>> softmax(scores, open, temperature=1.0).round(3).tolist()
    [[0.1, 0.2, 0.7], [0.333, 0.667, 0.0]]
    """
    power = np.where(open, scores, 0.0) / temperature
    # where exponentials would overflow: shift by the best open one
    far = ~(np.abs(power).max(axis=1, initial=0.0) <= _FAR)
    if far.any():
        top = np.where(open[far], power[far], -np.inf).max(axis=1, keepdims=True)
        power[far] = np.where(open[far], power[far] - top, 0.0)
    weights = np.exp(power) * open
    whole = add_up(weights)[:, None]
    return np.asarray(np.divide(weights, whole, out=np.zeros_like(weights), where=whole != 0))


def plackett_luce(scores: Floats, temperature: float) -> SlotPmf:
    """A plan by `softmax` of scores [n, m], whose weights are computed once for all slots.

    temperature: in units of the scores; a higher one explores more
    """
    power = scores / temperature
    near = bool(np.abs(power).max(initial=0.0) <= _FAR)
    return SlotPmf(
        scores, partial(softmax, temperature=temperature), np.exp(power) if near else None
    )


def budgeted(scores: Floats, open: Bools, budget: float, temperature: float) -> Floats:
    """A share `budget` of the slots explores by softmax, the rest is greedy.

    So what exploring may cost is set in advance.
    """
    return (1 - budget) * greedy(scores, open) + budget * softmax(scores, open, temperature)


def squarecb(scores: Floats, open: Bools, gamma: float) -> Floats:
    """Inverse-gap weighting (Foster & Rakhlin 2020, SquareCB): p(a) = 1 / (m + gamma gap(a)).

    The best article takes the rest; exact ties share it equally. m counts the open articles; gap(a)
    is how far a's score is below the best one.

    scores: expected rewards
    gamma: a higher one explores less
    """
    best, m = _find_best(scores, open), open.sum(axis=1, keepdims=True)
    most = np.where(open, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    gap = np.where(open, most - np.where(open, scores, 0.0), 0.0)
    others = np.where(open & ~best, 1.0 / np.maximum(m + gamma * gap, 1.0), 0.0)
    rest = 1.0 - others.sum(axis=1, keepdims=True)
    return np.asarray(others + rest * _share_out(best))


def thompson(draws: Floats, open: Bools, floor: float) -> Floats:
    """The share of posterior draws in which each open article is best.

    Articles that tie in a draw, such as two with the same text, share it.

    draws: [s, n, m], s draws of the scores
    floor: this share of the slots is uniform over the open articles instead
    """
    wins = np.zeros(open.shape)
    for draw in draws:
        wins += greedy(draw, open)
    return (1 - floor) * (wins / len(draws)) + floor * _share_out(open)


def _find_best(scores: Floats, open: Bools) -> Bools:
    """Where the best open article stands, [n, m]: several in a tie, none where a score is NaN."""
    masked = np.where(open, scores, -np.inf)
    return np.asarray(open & (masked == masked.max(axis=1, keepdims=True)))


def _share_out(which: Bools) -> Floats:
    """1 in each row [n, m], in equal shares for those in `which`; 0 where there is none."""
    return np.asarray(which / np.maximum(which.sum(axis=1, keepdims=True), 1))
