"""Slates, slot by slot: drawing them and replaying them are one walk, so a propensity has one source."""

from collections.abc import Callable

import numpy as np

from bandit import keys
from bandit.editorial import Desk
from bandit.exploration import cumulated
from bandit.types import EMPTY, EXPLOIT, EXPLORE, PINNED, Bools, Context, Floats, Ints, Slates, SlotPmf

_PIECE = 4096


def draw(plan: SlotPmf, context: Context, seed: int, depth: int | None = None) -> Slates:
    """One slate for each member, by inverse CDF with one keyed uniform for each (seed, campaign, member, slot).

    depth: only the top slots of those slates (default: all).
    """
    k = context.rules.slots if depth is None else min(depth, context.rules.slots)
    uniform = keys.uniforms(seed, context.campaign, "slate", keys.member_keys(context.member_ids), k)
    return _walk(plan, context, k, lambda rows, slot, sums: inverse_cdf(sums, uniform[rows, slot]))


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k]: 0 where the plan could not have shown it.

    `choice` may hold only the top slots of the slates.
    """
    return _walk(plan, context, choice.shape[1], lambda rows, slot, sums: choice[rows, slot]).propensity


Pick = Callable[[slice, int, Floats], Ints]


def _walk(plan: SlotPmf, context: Context, k: int, pick: Pick) -> Slates:
    """Down the slots. `pick(rows, slot, sums)` chooses for some of the members."""
    n, desk = len(context.members), Desk(context)
    slates = Slates(
        choice=np.full((n, k), -1, dtype=np.int32),
        propensity=np.ones((n, k)),
        role=np.full((n, k), EMPTY, dtype=np.int8),
        relaxed=np.zeros((n, k), dtype=np.int8),
        supported=np.ones((n, k), dtype=bool),
    )
    # a pmf is planned for all members at once; weights are at hand and walked in pieces that fit the processor's cache
    size = max(n, 1) if plan.weights is None else _PIECE
    for at in range(0, n, size):
        _walk_piece(plan, context, slice(at, at + size), desk, pick, slates)
    return slates


def _walk_piece(plan: SlotPmf, context: Context, rows: slice, desk: Desk, pick: Pick, slates: Slates) -> None:
    """Fill in the slates of some of the members. Article-major, as the desk is: mass [m, n], slates [k, n]."""
    desk = desk.part(rows)
    weights = None if plan.weights is None else np.ascontiguousarray(plan.weights[rows].T)
    part = {name: np.ascontiguousarray(table[rows].T) for name, table in vars(slates).items()}
    choice, propensity, role, relaxed = (part[name] for name in ("choice", "propensity", "role", "relaxed"))
    members = np.arange(choice.shape[1])
    for slot in range(len(choice)):
        open, relaxed[slot] = desk.opened(slot, choice[:slot])
        free = np.asarray(open.any(axis=0))
        pin = desk.pin(slot)
        if pin is not None:
            free = free & ~pin[1]
            open = open & free
        mass = _mass(plan, weights, open, free, context, slot)
        sums = cumulated(mass)
        whole = np.ones(len(members)) if weights is None else sums[-1].copy()
        if weights is not None:
            _check_whole(whole, free, context, rows, slot)
        part["supported"][slot] = ((mass > 0) == open).all(axis=0)
        if pin is not None:
            article, gets = pin
            mass[article, gets] = whole[gets] = 1.0
            relaxed[slot, gets] = 0
            sums = cumulated(mass)
        choice[slot] = chosen = pick(rows, slot, sums)
        filled = chosen >= 0
        # a slot that could be filled but is empty in a replayed slate has propensity 0
        most = mass.max(axis=0)
        shown = np.where(filled, mass[chosen, members], 0.0)
        propensity[slot] = np.where(filled | (most > 0), shown / np.where(whole > 0, whole, 1.0), 1.0)
        role[slot, free & filled] = EXPLORE
        best = np.flatnonzero(free & filled & (shown == most))  # exploiting needs the one best article
        role[slot, best[(mass[:, best] == most[best]).sum(axis=0) == 1]] = EXPLOIT
        if pin is not None:
            role[slot, pin[1] & filled] = PINNED
    for name, table in vars(slates).items():
        table[rows] = part[name].T


def inverse_cdf(sums: Floats, uniform: Floats) -> Ints:
    """The first article [n] whose cumulative mass passes the uniform's share of the whole; -1 where there is no mass.

    sums: `cumulated` [m, n].
    """
    index = (sums <= uniform * sums[-1]).sum(axis=0, dtype=np.int32)
    beyond = np.flatnonzero(index == len(sums))  # rounding at the very end never leaves the support
    index[beyond] = (sums[:, beyond] < sums[-1, beyond]).sum(axis=0)
    return np.where(sums[-1] > 0, index, -1)


def _mass(plan: SlotPmf, weights: Floats | None, open: Bools, free: Bools, context: Context, slot: int) -> Floats:
    """What the slot is drawn from [m, n]: the plan's weights over the open articles, or its pmf, which is checked."""
    if weights is not None:
        return weights * open
    mask = np.ascontiguousarray(open.T)
    pmf = np.where(free[:, None], plan(mask, slot), 0.0)
    _check_pmf(pmf, pmf > 0, mask, free, context, slot)
    return np.ascontiguousarray(pmf.T)


def _check_whole(whole: Floats, free: Bools, context: Context, rows: slice, slot: int) -> None:
    """Refuse weights that are no distribution over the open articles."""
    bad = ~np.isfinite(whole) | (free & ~(whole > 0))
    if bad.any():
        row = int(bad.argmax())
        who = context.member_ids[rows][row]
        raise ValueError(f"weights of member {who!r}, slot {slot + 1}: sum to {whole[row]}; must be positive")


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
