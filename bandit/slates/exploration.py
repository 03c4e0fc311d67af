"""Exploration: how the scores of the open articles become the chances that a slot is drawn by.

An exploration is a value that says what it is made of, `Shares`. Called with scores [n, m] and open
[n, m] it gives a pmf [n, m]. A row sums to 1 over its open articles and is 0 elsewhere; a row with
nothing open is all 0. No row depends on another one, and articles with the same scores have the
same chance, whichever comes first in the pool. Open this file to choose an exploration for a
policy, or to add one. `bandit.slates.compiled` computes the same, to the bit, in a compiled loop.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from bandit.core.types import Bools, Floats, Ints
from bandit.slates.sums import NO_WEIGHT, add_up

# exp(+-300) and their ratio are within float64: no open article's probability is rounded to 0
FAR = 300.0

Share = float | Floats  # of a slot: one for all members, or each member's own [n, 1]


class Draws(NamedTuple):
    """Scores in which the best is looked for, worked out for some members when they are needed.

    Those of a whole list would leave the processor's cache before they are looked at.

    number: s, how many draws there are
    give: of some rows, their scores [s, rows, m]
    """

    number: int
    give: Callable[[slice | Ints], Floats]


@dataclass(frozen=True)
class Shares:
    """What an exploration is made of: three shares of a slot, which together are 1.

    best: goes to the best open article; exact ties share it equally
    soft: goes to the open articles by exp(score / temperature) over its sum
    uniform: goes to the open articles, to each as much
    temperature: of `soft`, in units of the scores; a higher one explores more
    gamma: how little of `best` goes to its rivals instead, to each 1 / (m + gamma gap): m counts
        the open articles, gap is how far the rival's score is below the best (Foster & Rakhlin
        2020, SquareCB); inf leaves them nothing
    draws: [s, n, m], scores in which the best is looked for, an equal part of `best` for each, or
        what works them out; None: in the plan's own

    >>> scores, open = np.array([[0.5, 0.3, 0.2, 9.0]]), np.array([[True, True, True, False]])
    >>> Shares(best=0.7, uniform=0.3)(scores, open).round(3).tolist()
    [[0.8, 0.1, 0.1, 0.0]]
    """

    best: Share = 0.0
    soft: Share = 0.0
    uniform: Share = 0.0
    temperature: float = 1.0
    gamma: float = np.inf
    draws: Floats | Draws | None = None

    def __call__(self, scores: Floats, open: Bools, weights: Floats | None = None) -> Floats:
        """The pmf [n, m] over the open articles.

        weights: what `weigh` gives, where it is at hand
        """
        if not is_some(self.soft):
            pmf: Floats = np.zeros(open.shape)
        elif weights is None:
            pmf = self.soft * _soften(scores, open, self.temperature)
        else:
            pmf = self.soft * _share_by(weights * open)
        if is_some(self.best) and self.draws is None:
            _favour(pmf, scores, open, self.gamma, self.best)
        elif is_some(self.best):
            won = np.zeros(open.shape)
            for table in self.list_tables(scores):
                _favour(won, table, open, self.gamma, 1.0)
            pmf += self.best * (won / self.count_tables())
        if is_some(self.uniform):
            _share_out(pmf, open, self.uniform)
        return pmf

    def count_tables(self) -> int:
        """In how many tables of scores the best is looked for."""
        if isinstance(self.draws, Draws):
            return self.draws.number
        return 1 if self.draws is None else len(self.draws)

    def list_tables(self, scores: Floats) -> Floats:
        """The scores in which the best is looked for [s, n, m]; `scores` are the plan's."""
        if isinstance(self.draws, Draws):
            return self.draws.give(slice(None))
        return scores[None] if self.draws is None else self.draws

    def take(self, rows: slice | Ints) -> Self:
        """The shares of some of the members, whose draws are worked out."""
        parts = (self.best, self.soft, self.uniform, self.draws)
        if not any(isinstance(part, np.ndarray | Draws) for part in parts):
            return self  # all members have the same
        best, soft, uniform = (
            share[rows] if isinstance(share, np.ndarray) else share
            for share in (self.best, self.soft, self.uniform)
        )
        draws = self.draws.give(rows) if isinstance(self.draws, Draws) else self.draws
        draws = draws[:, rows] if draws is self.draws and draws is not None else draws
        return replace(self, best=best, soft=soft, uniform=uniform, draws=draws)

    def is_plain(self) -> bool:
        """Whether the best is that of the plan's own scores, and leaves its rivals nothing."""
        parts = (self.best, self.soft, self.uniform)
        return self.draws is None and self.gamma == np.inf and all(map(_is_part, parts))

    def list_parts(self) -> tuple[float, float, float]:
        """The shares best, soft and uniform of one member, whose they are."""
        best, soft, uniform = map(_to_number, (self.best, self.soft, self.uniform))
        return best, soft, uniform

    def mix_in(self, share: Share) -> Self:
        """The same with another share of the slots uniform over the open articles."""
        best, soft, uniform = ((1 - share) * own for own in (self.best, self.soft, self.uniform))
        return replace(self, best=best, soft=soft, uniform=uniform + share)


greedy = Shares(best=1.0)  # the best open article; exact ties share equally


def epsilon_greedy(epsilon: float) -> Shares:
    """A share `epsilon` of the slots is uniform over the open articles, the rest is greedy."""
    return Shares(best=1 - epsilon, uniform=epsilon)


def softmax(temperature: float, floor: float = 0.0) -> Shares:
    """exp(score / temperature) over its sum.

    Drawn slot by slot this is the Plackett-Luce model (Plackett 1975).

    temperature: in units of the scores; a higher one explores more
    floor: this share of the slots is uniform over the open articles instead

    >>> scores = np.log([[1.0, 2.0, 7.0], [1.0, 2.0, 7.0]])
    >>> open = np.array([[True, True, True], [True, True, False]])
    >>> softmax(temperature=1.0)(scores, open).round(3).tolist()
    [[0.1, 0.2, 0.7], [0.333, 0.667, 0.0]]
    """
    return Shares(soft=1 - floor, uniform=floor, temperature=temperature)


def budgeted(budget: float, temperature: float) -> Shares:
    """A share `budget` of the slots explores by softmax, the rest is greedy.

    So what exploring may cost is set in advance.
    """
    return Shares(best=1 - budget, soft=budget, temperature=temperature)


def squarecb(gamma: float) -> Shares:
    """Inverse-gap weighting (Foster & Rakhlin 2020, SquareCB), of expected rewards.

    gamma: a higher one explores less
    """
    return Shares(best=1.0, gamma=gamma)


def thompson(draws: Floats | Draws, floor: float) -> Shares:
    """The share of posterior draws in which each open article is best.

    Articles that tie in a draw, such as two with the same text, share it.

    draws: [s, n, m], s draws of the scores, or what works them out
    floor: this share of the slots is uniform over the open articles instead
    """
    return Shares(best=1 - floor, uniform=floor, draws=draws)


def _is_part(share: Share) -> bool:
    return bool((share >= 0).all()) if isinstance(share, np.ndarray) else share >= 0


def _to_number(share: Share) -> float:
    return share.item() if isinstance(share, np.ndarray) else share


def is_some(share: Share) -> bool:
    """Whether anybody's share is not 0."""
    return bool(share.any() if isinstance(share, np.ndarray) else share)


def weigh(scores: Floats, shares: Shares) -> Floats | None:
    """exp(score / temperature) [n, m], which `soft` shares out by in one slot after the other.

    Closed articles have weights, too. Nobody's are needed where `soft` is 0: [n, 0]. The answer is
    None where somebody's scores are not finite, or so far from 0 that they need more care.
    """
    soft = is_some(shares.soft)
    if is_some(shares.best) and not (soft and shares.draws is None):  # what is near is finite
        finite = np.isfinite(shares.list_tables(scores))
        if np.count_nonzero(finite) < finite.size:
            return None
    if not soft:
        return np.zeros((len(scores), 0))
    power = scores / shares.temperature
    most, least = (each.reduce(power, axis=None, initial=0.0) for each in (np.maximum, np.minimum))
    near = most <= FAR and least >= -FAR
    return np.exp(power, out=power) if near else None


def _favour(pmf: Floats, scores: Floats, open: Bools, gamma: float, share: Share) -> None:
    """Add a share to `pmf` [n, m]: to the best open article, less what that leaves its rivals."""
    masked = np.where(open, scores, -np.inf)
    most = np.maximum.reduce(masked, axis=1, keepdims=True)
    best = masked == most  # none where a score is NaN
    best &= open
    if gamma == np.inf:
        _share_out(pmf, best, share)
        return
    gap = np.where(open, most - np.where(open, scores, 0.0), 0.0)
    m = open.sum(axis=1, keepdims=True)
    won = np.where(open & ~best, 1.0 / np.maximum(m + gamma * gap, 1.0), 0.0)
    _share_out(won, best, 1.0 - add_up(won)[:, None])
    pmf += share * won


def _soften(scores: Floats, open: Bools, temperature: float) -> Floats:
    """exp(score / temperature) over its sum, among what is open [n, m]."""
    power = np.where(open, scores, 0.0) / temperature
    # where exponentials would overflow: shift by the best open one
    far = ~(np.abs(power).max(axis=1, initial=0.0) <= FAR)
    if far.any():
        top = np.where(open[far], power[far], -np.inf).max(axis=1, keepdims=True)
        power[far] = np.where(open[far], power[far] - top, 0.0)
    return _share_by(np.exp(power) * open)


def _share_by(weights: Floats) -> Floats:
    """1 in each row [n, m], in proportion to the weights; 0 where there are none."""
    whole = add_up(weights)[:, None]
    return np.asarray(weights / np.maximum(whole, NO_WEIGHT))


def _share_out(pmf: Floats, which: Bools, share: Share) -> None:
    """Add a share to each row of `pmf` [n, m], in equal parts for those in `which`, if any are."""
    count = np.add.reduce(which, axis=1, keepdims=True)
    np.add(pmf, share * (1.0 / np.maximum(count, 1)), out=pmf, where=which)
