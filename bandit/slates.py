"""Slates, slot by slot: drawing them and replaying them are one walk, so a propensity has one source."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bandit import check, keys
from bandit.editorial import Desk
from bandit.mass import Mass
from bandit.types import EMPTY, EXPLOIT, EXPLORE, PINNED, Bools, Context, Floats, Ints, Slates, SlotPmf

_PIECE = 6000
_FREE = np.array([EXPLORE, EXPLOIT], dtype=np.int8)


def draw(plan: SlotPmf, context: Context, seed: int, depth: int | None = None, threads: int = 1) -> Slates:
    """One slate for each member, by inverse CDF with one keyed uniform for each (seed, campaign, member, slot).

    depth: only the top slots of those slates (default: all). threads: how many work on a plan that brings weights; the
    slates are the same to the bit.
    """
    k = context.rules.slots if depth is None else min(depth, context.rules.slots)
    members = keys.member_keys(context.member_ids)

    def by_luck(rows: slice) -> Pick:
        uniform = keys.uniforms(seed, context.campaign, "slate", members[rows], k)
        return lambda slot, mass: mass.drawn(uniform[:, slot])

    return _walk(plan, context, k, by_luck, threads)


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k]: 0 where the plan could not have shown it.

    `choice` may hold only the top slots of the slates.
    """
    return _walk(plan, context, choice.shape[1], lambda rows: lambda slot, mass: choice[rows, slot]).propensity


Pick = Callable[[int, Mass], Ints]


def _walk(plan: SlotPmf, context: Context, k: int, picks: Callable[[slice], Pick], threads: int = 1) -> Slates:
    """Down the slots. `picks(rows)(slot, mass)` chooses for some of the members."""
    check.at_least("threads", threads, 1)
    n, desk = len(context.members), Desk(context)
    slates = Slates(
        choice=np.empty((n, k), dtype=np.int32),
        propensity=np.empty((n, k)),
        role=np.empty((n, k), dtype=np.int8),
        relaxed=np.empty((n, k), dtype=np.int8),
        supported=np.empty((n, k), dtype=bool),
    )

    def walk(rows: slice) -> None:
        part = _walk_piece(plan, context, rows, desk.part(rows), k, picks(rows))
        for name, table in vars(slates).items():
            table[rows] = getattr(part, name).T

    # a pmf is planned for all members at once; weights are at hand and walked in pieces that fit the processor's cache
    rounds = 1 if plan.weights is None else -(-n // (_PIECE * threads)) * threads
    size = max(-(-n // max(rounds, 1)), 1)
    pieces = [slice(at, min(at + size, n)) for at in range(0, n, size)]
    if threads == 1 or plan.weights is None:
        for rows in pieces:
            walk(rows)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(walk, pieces))  # the list lets errors out
    return slates


def _walk_piece(plan: SlotPmf, context: Context, rows: slice, desk: Desk, k: int, pick: Pick) -> Slates:
    """The slates of some of the members, slot-major: [k, n].

    With weights, most members only lose the article they were shown from slot to slot: the desk is asked about the others.
    """
    n, weights = rows.stop - rows.start, None if plan.weights is None else plan.weights[rows]
    choice, supported, pinned = np.empty((k, n), dtype=np.intp), np.ones((k, n), dtype=bool), np.zeros((k, n), dtype=bool)
    relaxed, (shown, others, whole) = np.zeros((k, n), dtype=np.int8), np.zeros((3, k, n))
    mass, closing = Mass(context.eligible.shape[1], n), None
    positive = weights is not None and weights.min() > 0
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
        choice[slot] = pick(slot, mass)
        shown[slot], others[slot] = mass.taken(choice[slot])
        closing = None if weights is None or slot + 1 == k else desk.closing(slot + 1, choice[: slot + 1])
    filled, some = choice >= 0, whole > 0
    chance = shown if weights is None else shown / np.where(some, whole, 1.0)
    propensity = np.where(filled | some, chance, 1.0)  # an empty slot that could be filled has 0, like any other miss
    role = np.where(filled & some, _FREE.take((shown > others).view(np.int8)), EMPTY)
    role[pinned & filled] = PINNED
    relaxed[pinned] = 0
    return Slates(choice, propensity, role, relaxed, supported)


def _pmf(plan: SlotPmf, open: Bools, context: Context, slot: int) -> Floats:
    """The plan's pmf over the open articles [n, m], checked."""
    free = np.asarray(open.any(axis=1))
    pmf = np.where(free[:, None], plan(open, slot), 0.0)
    _check_pmf(pmf, pmf > 0, open, free, context, slot)
    return pmf


def _check_whole(whole: Floats, open: Bools, context: Context, rows: slice, which: slice | Ints, slot: int) -> None:
    """Refuse weights that are no distribution over the open articles."""
    for row in np.flatnonzero(~((whole > 0) & np.isfinite(whole))):
        if open[row].any() or not np.isfinite(whole[row]):
            who = context.member_ids[rows][which][row]
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
