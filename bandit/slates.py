"""Slates, slot by slot: drawing them and replaying them are one walk, so a propensity has one source."""

from collections.abc import Callable

import numpy as np

from bandit import keys
from bandit.editorial import Desk
from bandit.exploration import BLOCK, article_major, cumulated
from bandit.types import EMPTY, EXPLOIT, EXPLORE, PINNED, Bools, Context, Floats, Ints, Slates, SlotPmf

_PIECE = 2048


def draw(plan: SlotPmf, context: Context, seed: int, depth: int | None = None) -> Slates:
    """One slate for each member, by inverse CDF with one keyed uniform for each (seed, campaign, member, slot).

    depth: only the top slots of those slates (default: all).
    """
    k = context.rules.slots if depth is None else min(depth, context.rules.slots)
    uniform = keys.uniforms(seed, context.campaign, "slate", keys.member_keys(context.member_ids), k)
    return _walk(plan, context, k, lambda rows, slot, mass, sums: inverse_cdf(mass, sums, uniform[rows, slot]))


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k]: 0 where the plan could not have shown it.

    `choice` may hold only the top slots of the slates.
    """
    return _walk(plan, context, choice.shape[1], lambda rows, slot, mass, sums: choice[rows, slot]).propensity


Pick = Callable[[slice, int, Floats, Floats], Ints]


def _walk(plan: SlotPmf, context: Context, k: int, pick: Pick) -> Slates:
    """Down the slots. `pick(rows, slot, mass, sums)` chooses for some of the members."""
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
    """Fill in the slates of some of the members. Article-major, as the desk is: mass [m, n], above [k, n]."""
    desk = desk.part(rows)
    weights = None if plan.weights is None else article_major(plan.weights[rows])
    mass = np.zeros((0, 0)) if weights is None else np.zeros_like(weights)
    n, k = slates.choice[rows].shape
    above = np.full((k, n), -1, dtype=np.int32)
    members = np.arange(n)
    for slot in range(k):
        open, slates.relaxed[rows, slot] = desk.opened(slot, above[:slot])
        m = len(open)
        free = np.asarray(open.any(axis=0))
        pin = desk.pin(slot)
        if pin is not None:
            free = free & ~pin[1]
            open = open & free
        if weights is not None:
            np.multiply(weights[:m], open, out=mass[:m])
        else:
            mass = article_major(_checked_pmf(plan, open, free, context, slot))
        sums = cumulated(mass)
        whole = np.ones(n) if weights is None else sums[-1]
        if weights is not None and not ((whole > 0) & np.isfinite(whole) | ~free).all():
            row = int((~np.isfinite(whole) | (free & ~(whole > 0))).argmax())
            who = context.member_ids[rows][row]
            raise ValueError(f"weights of member {who!r}, slot {slot + 1}: sum to {whole[row]}; must be positive")
        slates.supported[rows, slot] = ((mass[:m] > 0) == open).all(axis=0)
        if pin is not None:
            article, gets = pin
            mass[article, gets] = whole[gets] = 1.0
            sums = cumulated(mass)
            slates.relaxed[rows, slot][gets] = 0
        chosen = pick(rows, slot, mass, sums)
        filled = chosen >= 0
        # a slot that could be filled but is empty in a replayed slate has propensity 0
        most = mass.max(axis=0)
        shown = np.where(filled, mass[chosen, members], 0.0)
        above[slot] = slates.choice[rows, slot] = chosen
        possible = filled | (most > 0)
        slates.propensity[rows, slot] = np.where(possible, shown / np.where(whole > 0, whole, 1.0), 1.0)
        role = np.where(free & filled, EXPLORE, EMPTY)
        best = np.flatnonzero(free & filled & (shown == most))  # exploiting needs the one best article
        role[best[(mass[:, best] == most[best]).sum(axis=0) == 1]] = EXPLOIT
        if pin is not None:
            role[pin[1] & filled] = PINNED
        slates.role[rows, slot] = role


def inverse_cdf(mass: Floats, cumulative: Floats, uniform: Floats) -> Ints:
    """The first article [n] whose cumulative mass passes the uniform's share of the whole; -1 where there is no mass.

    mass: article-major [b * BLOCK, n]; cumulative: `cumulated(mass)`. In two steps: the block of articles, then its article.
    """
    n = mass.shape[1]
    members = np.arange(n)
    target = uniform * cumulative[-1]
    block = (cumulative <= target).sum(axis=0)
    beyond = np.flatnonzero(block == len(cumulative))  # rounding at the very end never leaves the support
    block[beyond] = (cumulative[:, beyond] < cumulative[-1, beyond]).sum(axis=0)
    left = target - np.where(block > 0, cumulative[block - 1, members], 0.0)
    index, sums = np.zeros(n, dtype=np.int64), np.zeros(n)
    flat, place = mass.reshape(-1), block * (BLOCK * n) + members
    for _ in range(BLOCK):
        sums += flat[place]
        index += sums <= left
        place += n
    index += block * BLOCK
    beyond = np.flatnonzero(index == (block + 1) * BLOCK)
    if len(beyond):
        held = mass.reshape(-1, BLOCK, n)[block[beyond], ::-1, beyond] > 0
        index[beyond] -= 1 + held.argmax(axis=1)
    return np.where(cumulative[-1] > 0, index, -1)


def _checked_pmf(plan: SlotPmf, open: Bools, free: Bools, context: Context, slot: int) -> Floats:
    """The plan's pmf [n, m], 0 for members whose slot is not free."""
    mask = np.ascontiguousarray(open.T)
    pmf = np.where(free[:, None], plan(mask, slot), 0.0)
    _check_pmf(pmf, pmf > 0, mask, free, context, slot)
    return pmf


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
