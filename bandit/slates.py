"""Slates, slot by slot: drawing them and replaying them are one walk, so a propensity has one source."""

from collections.abc import Callable

import numpy as np

from bandit import keys
from bandit.editorial import Desk
from bandit.types import EMPTY, EXPLOIT, EXPLORE, PINNED, Bools, Context, Floats, Ints, Slates, SlotPmf


def draw(plan: SlotPmf, context: Context, seed: int, depth: int | None = None) -> Slates:
    """One slate for each member, by inverse CDF with one keyed uniform for each (seed, campaign, member, slot).

    depth: only the top slots of those slates (default: all).
    """
    k = context.rules.slots if depth is None else min(depth, context.rules.slots)
    uniform = keys.uniforms(seed, context.campaign, "slate", keys.member_keys(context.member_ids), k)
    return _walk(plan, context, k, lambda slot, pmf: _inverse_cdf(pmf, uniform[:, slot]))


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k]: 0 where the plan could not have shown it.

    `choice` may hold only the top slots of the slates.
    """
    return _walk(plan, context, choice.shape[1], lambda slot, pmf: choice[:, slot]).propensity


def _walk(plan: SlotPmf, context: Context, k: int, pick: Callable[[int, Floats], Ints]) -> Slates:
    desk = Desk(context)
    n = len(context.members)
    choice = np.full((n, k), -1, dtype=np.int32)
    propensity = np.ones((n, k))
    role = np.full((n, k), EMPTY, dtype=np.int8)
    relaxed = np.zeros((n, k), dtype=np.int8)
    supported = np.ones((n, k), dtype=bool)
    rows = np.arange(n)
    for slot in range(k):
        open, relaxed[:, slot] = desk.open(slot, choice)
        free = np.asarray(open.any(axis=1))
        pin = desk.pin(slot)
        if pin is not None:
            free = free & ~pin[1]
        pmf = np.where(free[:, None], plan(open, slot), 0.0)
        positive = pmf > 0
        _check_pmf(pmf, positive, open, free, context, slot)
        supported[:, slot] = ~free | (positive == open).all(axis=1)
        if pin is not None:
            article, gets = pin
            pmf[gets, article] = 1.0
            relaxed[gets, slot] = 0
        chosen = pick(slot, pmf)
        filled = chosen >= 0
        # a slot that could be filled but is empty in a replayed slate has propensity 0
        most = pmf.max(axis=1)
        shown = np.where(filled, pmf[rows, chosen], (most == 0).astype(np.float64))
        choice[:, slot], propensity[:, slot] = chosen, shown
        role[free & filled, slot] = EXPLORE
        favourite = (pmf == most[:, None]).sum(axis=1) == 1  # exploiting needs the one best article
        role[free & filled & favourite & (shown == most), slot] = EXPLOIT
        if pin is not None:
            role[pin[1] & filled, slot] = PINNED
    return Slates(choice, propensity, role, relaxed, supported)


def _inverse_cdf(pmf: Floats, uniform: Floats) -> Ints:
    """The first article whose cumulative mass passes the uniform, -1 where there is no mass."""
    cumulative = np.cumsum(pmf, axis=1)
    total = cumulative[:, -1]
    index = (cumulative <= (uniform * total)[:, None]).sum(axis=1)
    beyond = np.flatnonzero((index == pmf.shape[1]) & (total > 0))  # rounding at the very end never leaves the support
    index[beyond] = pmf.shape[1] - 1 - (pmf[beyond, ::-1] > 0).argmax(axis=1)
    return np.where(total > 0, index, -1)


def _check_pmf(pmf: Floats, positive: Bools, open: Bools, free: Bools, context: Context, slot: int) -> None:
    """Refuse a plan whose probabilities are not a distribution over the open articles."""
    total = pmf.sum(axis=1)
    bad = free & ~(np.abs(total - 1) < 1e-9)
    if bad.any() or pmf.min(initial=0.0) < 0 or (positive & ~open).any():
        outside = (pmf < 0) | (positive & ~open)
        row = int((bad | outside.any(axis=1)).argmax())
        raise ValueError(
            f"pmf of member {context.member_ids[row]!r}, slot {slot + 1}: sums to {total[row]}, smallest "
            f"{pmf[row].min()}; must be a distribution over the {int(open[row].sum())} open articles"
        )
