"""One walk down the slots of an opened newsletter, for any examination model.

A slot is clicked when it is looked at and its article is wanted there, P(click | examined) = p. The
models differ only in P(slot j examined | what came before), and for all of them "before" is two
things: whether the slot above was looked at and which slot was clicked last. So a model
(`simulators.examination.models`) is one small table, `chances(slots)`, and the walk, expected
clicks, likelihood and EM (`em.fit`) are written once, for the table. Open this to simulate clicks,
or to ask how likely they are.

Source: Chuklin, Markov & de Rijke 2015, "Click models for web search", chapters 3 to 5. An empty
slot is one with p = 0: the reader still has to pass it.
"""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats


@runtime_checkable
class Examine(Protocol):
    """An examination model: a frozen dataclass whose every number is a probability."""

    def chances(self, slots: int) -> Floats:
        """P(slot j examined | the slot above was looked at or not, the last click).

        The table is [2, slots + 1, slots]. First axis: 0 not looked at, 1 looked at (above the
        first slot stands 1). Second axis: 0 no click so far, r the last click was in slot r,
        counted from 1. Raises ValueError where the model is made for fewer slots.
        """

    def maximise(self, tried: Floats, looked: Floats) -> Self:
        """The M-step: the most likely model of this kind.

        tried: visits to each state, as `chances`
        looked: how many of them went on to an examined slot
        """

    def fix_scale(self) -> Self:
        """The same with the first slot's chance at 1, where clicks alone do not tell the scale."""


def walk(
    model: Examine, wants: Bools, uniform: Floats, slots: int | None = None
) -> tuple[Bools, Bools]:
    """Down the slots: (examined, clicked), both [n, k]. Rows are independent, bit for bit.

    wants: [n, k], would click, if examined; False in an empty slot
    uniform: [n, k] in [0, 1), float32 or float64, one keyed number for each slot
    slots: of the layout, where `wants` holds only its top k
    """
    check.shape("uniform", uniform, wants.shape)
    n, k = wants.shape
    chances = tabulate(model, k, slots).astype(uniform.dtype)
    if _depends_on_position_only(chances):
        examined = uniform < chances[0, 0, :k]
        return examined, examined & wants
    examined = np.zeros((n, k), dtype=bool)
    above, last = np.ones(n, dtype=bool), np.zeros(n, dtype=np.intp)
    for j in range(k):
        chance = np.where(above, chances[1, last, j], chances[0, last, j])
        examined[:, j] = above = uniform[:, j] < chance
        last[above & wants[:, j]] = j + 1
    return examined, examined & wants


def expect_clicks(model: Examine, p: Floats, slots: int | None = None) -> Floats:
    """P(click in slot j of an opened newsletter) [n, k], exact, for p [n, k] = P(click | examined).

    The last click is a renewal: from a click in slot r on, only r and whether the slot above was
    looked at matter.

    slots: of the layout, where p holds only its top k
    """
    k = p.shape[1]
    chances = tabulate(model, k, slots).astype(p.dtype)
    if _depends_on_position_only(chances):
        return np.asarray(chances[0, 0, :k] * p)
    clicked = np.zeros_like(p)
    for last in range(k):
        # by now all clicks above slot `last` have been added
        seen = clicked[:, last - 1].copy() if last else np.ones_like(p[:, 0])
        unseen = np.zeros_like(seen)
        for j in range(last, k):
            looks = seen * chances[1, last, j] + unseen * chances[0, last, j]
            unseen = seen + unseen - looks
            clicks = looks * p[:, j]
            clicked[:, j] += clicks
            seen = looks - clicks
    return clicked


def chance_of_click(model: Examine, p: Floats, clicks: Bools, slots: int | None = None) -> Floats:
    """P(click in slot j | the clicks and their absence above) [n, k].

    Divided by p, it is P(examined | the same).
    """
    _check_log(p, clicks)
    n, k = p.shape
    chances = tabulate(model, k, slots)
    if _depends_on_position_only(chances):
        return np.asarray(chances[0, 0, :k] * p)
    result = np.empty((n, k))
    above = np.ones(n)  # P(the slot above was looked at)
    last = np.zeros(n, dtype=np.intp)  # the last click
    for j in range(k):
        looks = above * chances[1, last, j] + (1 - above) * chances[0, last, j]
        result[:, j] = chance = looks * p[:, j]
        above = np.where(clicks[:, j], 1.0, (looks - chance) / np.maximum(1 - chance, 1e-300))
        last = np.where(clicks[:, j], j + 1, last)
    return result


def log_likelihood(model: Examine, p: Floats, clicks: Bools, slots: int | None = None) -> float:
    """ln P(clicks [n, k]), for p [n, k] = P(click | examined).

    It is minus infinity where the model rules a click out (a second one under `Cascade`).
    """
    return float(_log_chances(model, p, clicks, slots).sum())


@dataclass(frozen=True)
class Perplexity:
    """How well clicks were foreseen: 1 is every click and non-click, 2 is no better than a coin.

    slots: [k], of each slot; nan where it was never filled
    overall: over all filled slots
    """

    slots: Floats
    overall: float


def perplexity(
    model: Examine, p: Floats, clicks: Bools, shown: Bools | None = None, slots: int | None = None
) -> Perplexity:
    """2 ^ -(mean log2 P(click or not in slot j | clicks above)), over filled slots.

    Dupret & Piwowarski 2008; what Chuklin et al. 2015 (chapter 5) call the conditional perplexity.
    Infinite where the model rules out what happened; nan for a slot that was never filled.

    shown: [n, k], which slots are filled; default: where p > 0

    Raises ValueError for a click in an empty slot.
    """
    shown = p > 0 if shown is None else shown
    check.shape("shown", shown, p.shape)
    if (clicks & ~shown).any():
        i, j = np.argwhere(clicks & ~shown)[0]
        raise ValueError(f"clicks[{i}, {j}] is true; slot {j + 1} is empty there")
    surprise = np.where(shown, -_log_chances(model, p, clicks, slots), 0.0)
    filled = shown.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_slot = np.exp(surprise.sum(axis=0) / filled)
        return Perplexity(by_slot, float(np.exp(surprise.sum() / np.float64(filled.sum()))))


def _log_chances(model: Examine, p: Floats, clicks: Bools, slots: int | None) -> Floats:
    chance = chance_of_click(model, p, clicks, slots)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.where(clicks, chance, 1 - chance)))


def tabulate(model: Examine, k: int, slots: int | None = None) -> Floats:
    """`model.chances` for a layout of `slots` (default k), of which the top k are asked about."""
    check.at_least("slots of the layout", slots or k, k)
    return model.chances(slots or k)


def _depends_on_position_only(chances: Floats) -> bool:
    """Whether neither clicks nor looks matter.

    What no state can reach (a last click at or below the slot) is 0, and ignored.
    """
    slots = chances.shape[2]
    reached = np.arange(slots + 1)[:, None] <= np.arange(slots)
    return bool(np.all((chances == chances[0, 0]) | ~reached))


def _check_log(p: Floats, clicks: Bools) -> None:
    check.shape("clicks", clicks, p.shape)
    bad = ~((p >= 0) & (p <= 1))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise ValueError(f"p[{i}, {j}] = {p[i, j]}; must be in [0, 1]")
