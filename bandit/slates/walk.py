"""Slates, slot by slot: drawing them and replaying them are one walk, so a propensity has one source."""

from collections.abc import Callable

import numpy as np

from bandit.core import keys
from bandit.core.types import (
    EMPTY,
    EXPLOIT,
    EXPLORE,
    PINNED,
    Bools,
    Context,
    Floats,
    Ints,
    Slates,
    SlotPmf,
)
from bandit.slates.editorial import Desk
from bandit.slates.mass import Mass

_PIECE = 6000


def draw(plan: SlotPmf, context: Context, seed: int, depth: int | None = None) -> Slates:
    """One slate for each member, by inverse CDF with one keyed uniform for each (seed, campaign, member, slot).

    depth: only the top slots of those slates (default: all).
    """
    k = context.rules.slots if depth is None else min(depth, context.rules.slots)
    uniform = keys.uniforms(
        seed, context.campaign, "slate", keys.member_keys(context.member_ids), k
    )
    return _walk(plan, context, k, lambda rows: lambda slot, mass: mass.drawn(uniform[rows, slot]))


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k]: 0 where the plan could not have shown it.

    `choice` may hold only the top slots of the slates.
    """
    return _walk(
        plan, context, choice.shape[1], lambda rows: lambda slot, mass: choice[rows, slot]
    ).propensity


Pick = Callable[[int, Mass], Ints]


def _walk(plan: SlotPmf, context: Context, k: int, picks: Callable[[slice], Pick]) -> Slates:
    """Down the slots. `picks(rows)(slot, mass)` chooses for some of the members."""
    n, desk = len(context.members), Desk(context)
    slates = Slates(  # slot after slot in memory, as they are filled
        choice=np.empty((k, n), dtype=np.int32).T,
        propensity=np.empty((k, n)).T,
        role=np.empty((k, n), dtype=np.int8).T,
        relaxed=np.zeros((k, n), dtype=np.int8).T,
        supported=np.ones((k, n), dtype=bool).T,
    )
    # a pmf is planned for all members at once; weights are at hand and walked in pieces that fit the processor's cache
    rounds = 1 if plan.weights is None else -(-n // _PIECE)
    size = max(-(-n // max(rounds, 1)), 1)
    for at in range(0, n, size):
        rows = slice(at, min(at + size, n))
        part = Slates(*(table[rows] for table in vars(slates).values()))
        _walk_piece(plan, context, rows, desk.part(rows), picks(rows), part)
    return slates


def _walk_piece(
    plan: SlotPmf, context: Context, rows: slice, desk: Desk, pick: Pick, slates: Slates
) -> None:
    """Fill in the slates of some of the members.

    With weights, most members only lose the article they were shown from slot to slot: the desk is asked about the others.
    """
    weights = None if plan.weights is None else plan.weights[rows]
    choice, relaxed, supported = slates.choice.T, slates.relaxed.T, slates.supported.T
    (k, n), pinned = choice.shape, np.zeros(choice.shape, dtype=bool)
    shown, (others, whole) = slates.propensity.T, np.empty((2, k, n))
    mass, closing = Mass(context.eligible.shape[1], n), None
    positive = weights is not None and weights.min() > 0
    if weights is not None and not positive:
        _check_weights(weights, context, rows)
    for slot in range(k):
        which: slice | Ints = slice(None)
        anew = True
        if closing is not None:
            for some, articles in closing:
                mass.close(some, articles)
            whole[slot] = mass.whole()
            which = stuck = np.flatnonzero((relaxed[slot - 1] > 0) | ~(whole[slot] > 0))
            anew = len(stuck) > 0
            supported[slot] = supported[slot - 1]
        if anew:
            open, relaxed[slot, which] = desk.part(which).opened(slot, choice[:slot, which])
            pin = desk.pin(slot)
            if pin is not None:
                open = open & ~pin[1][:, None]
            given = _pmf(plan, open, context, slot) if weights is None else weights[which] * open
            if not positive:
                supported[slot, which] = ((given > 0) == open).all(axis=1)
            if pin is not None:
                article, pinned[slot] = pin
                given[pinned[slot], article] = 1.0
            mass.put(which, given)
            whole[slot] = mass.whole()
            if weights is not None:
                _check_whole(whole[slot, which], open, context, rows, which, slot)
        choice[slot] = picked = pick(slot, mass)
        shown[slot], others[slot] = mass.taken(picked)
        # where a weight is 0, closing an article may leave a slot supported that was not: look anew
        closing = (
            None if not positive or slot + 1 == k else desk.closing(slot + 1, choice[: slot + 1])
        )
    filled, free = choice >= 0, whole > 0
    role = slates.role.T
    role[:] = EXPLORE + (EXPLOIT - EXPLORE) * (shown > others).astype(np.int8)
    role[~(filled & free)] = EMPTY
    role[pinned & filled] = PINNED
    relaxed[pinned] = 0
    if weights is not None:
        whole[~free] = 1.0
        shown /= whole
    shown[~(filled | free)] = 1.0  # an empty slot that could be filled has 0, like any other miss


def _pmf(plan: SlotPmf, open: Bools, context: Context, slot: int) -> Floats:
    """The plan's pmf over the open articles [n, m], checked."""
    free = np.asarray(open.any(axis=1))
    pmf = np.where(free[:, None], plan(open, slot), 0.0)
    _check_pmf(pmf, pmf > 0, open, free, context, slot)
    return pmf


def _check_weights(weights: Floats, context: Context, rows: slice) -> None:
    """Refuse a negative weight."""
    if (weights < 0).any():
        row, j = np.argwhere(weights < 0)[0]
        who, article = context.member_ids[rows].tolist()[row], context.article_ids[j]
        raise ValueError(
            f"weight of article {article!r} for member {who!r} = {weights[row, j]}; must be at least 0"
        )


def _check_whole(
    whole: Floats, open: Bools, context: Context, rows: slice, which: slice | Ints, slot: int
) -> None:
    """Refuse weights that are no distribution over the open articles."""
    for row in np.flatnonzero(~((whole > 0) & np.isfinite(whole))):
        if open[row].any() or not np.isfinite(whole[row]):
            who = context.member_ids[rows][which][row]
            raise ValueError(
                f"weights of member {who!r}, slot {slot + 1}: sum to {whole[row]}; must be positive"
            )


def _check_pmf(
    pmf: Floats, positive: Bools, open: Bools, free: Bools, context: Context, slot: int
) -> None:
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
