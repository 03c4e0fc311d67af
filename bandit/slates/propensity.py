"""Slates, slot by slot. Drawing and replaying are one walk, so a propensity has one source.

Open this file to see how a plan becomes what each member is shown, and where the logged propensity
comes from. A plan is walked in one of two ways: a pmf is asked for anew in every slot, weights stay
and only lose what can no longer be shown. Both write each slot down by `_fill`.
"""

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
from bandit.slates.editorial import MINIMUM, Desk
from bandit.slates.mass import Mass, Taken

# Chooses one article for each of some members, in one slot, and takes it out of their masses.
# Arguments: the masses of these members, what `Mass.cumulate` gives for them, their rows in the
# context, and the slot from 0.
Pick = Callable[[Mass, Floats, slice, int], Taken]

_PIECE = 6000  # members whose weights fit the processor's cache


def draw(plan: SlotPmf, context: Context, seed: int, depth: int | None = None) -> Slates:
    """One slate for each member, by inverse CDF with a keyed uniform number for each slot.

    The numbers depend on (seed, campaign, member, slot) and nothing else.

    depth: draw only the top slots of those slates (default: all)

    Raises ValueError naming a member for whom the plan is no distribution over the open articles.

    >>> import pandas as pd
    >>> from bandit.core.rules import Rules
    >>> members, anyone = pd.DataFrame({"member": [204, 117]}), np.ones((2, 3), dtype=bool)
    >>> pool = pd.DataFrame({"article": ["a", "b", "c"], "title": "", "kind": "", "source": ""})
    >>> pool["summary"], ones = "", np.ones((3, 1))
    >>> context = Context("may", 7, members, pool, ones[:2], ones, anyone, ~anyone, Rules(slots=2))
    >>> plan = SlotPmf(np.zeros((2, 3)), lambda scores, open: open / open.sum(axis=1)[:, None])
    >>> slates = draw(plan, context, seed=1)
    >>> slates.choice.tolist(), slates.propensity.round(3).tolist()
    ([[2, 1], [0, 2]], [[0.333, 0.5], [0.333, 0.5]])
    """
    k = context.rules.slots if depth is None else min(depth, context.rules.slots)
    members = keys.member_keys(context.member_ids)
    uniform = keys.uniforms(seed, context.campaign, "slate", members, k)

    def pick(mass: Mass, ends: Floats, rows: slice, slot: int) -> Taken:
        return mass.draw(uniform[rows, slot], ends)

    return _walk(plan, context, k, pick)


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k].

    It is 0 where the plan could not have shown the article, and for an empty slot that could have
    been filled.

    choice: [n, k], or only the top slots of the slates; -1 is an empty slot

    Raises ValueError as `draw` does.
    """

    def pick(mass: Mass, _: Floats, rows: slice, slot: int) -> Taken:
        return mass.take(choice[rows, slot])

    return _walk(plan, context, choice.shape[1], pick).propensity


def _walk(plan: SlotPmf, context: Context, k: int, pick: Pick) -> Slates:
    """The top k slots of every member, filled from the top by what `pick` takes."""
    n, desk = len(context.members), Desk(context)
    slates = Slates(  # slot after slot in memory, as they are filled
        choice=np.empty((k, n), dtype=np.int32).T,
        propensity=np.empty((k, n)).T,
        role=np.empty((k, n), dtype=np.int8).T,
        relaxed=np.zeros((k, n), dtype=np.int8).T,
        supported=np.ones((k, n), dtype=bool).T,
    )
    if not n:
        return slates
    if plan.weights is None:
        _walk_pmf(plan, context, desk, pick, slates)
        _tell_unmet(desk, slates, context.rules.slots)
        return slates
    size = -(-n // -(-n // _PIECE))
    for at in range(0, n, size):
        rows = slice(at, min(at + size, n))
        parts = desk.take(rows), pick, slates.take(rows)
        _walk_weights(plan.weights[rows], context, rows, *parts)
    _tell_unmet(desk, slates, context.rules.slots)
    return slates


def _tell_unmet(desk: Desk, slates: Slates, k: int) -> None:
    """Say in the last slot that a minimum count is missed, where no slot that was open says so.

    That is where pins fill every slot, or nothing at all may be shown in the others.
    """
    if slates.choice.shape[1] == k:
        unmet = desk.find_unmet(slates.choice) & ~slates.relaxed.any(axis=1)
        slates.relaxed[unmet, -1] = MINIMUM


def _walk_pmf(plan: SlotPmf, context: Context, desk: Desk, pick: Pick, slates: Slates) -> None:
    """Fill the slates of all members, asking the plan for a pmf in each slot."""
    everybody, mass = slice(None), Mass(*context.eligible.shape)
    for slot in range(slates.choice.shape[1]):
        open, slates.relaxed[:, slot] = desk.open(slot, slates.choice)
        article, pinned = desk.find_pin(slot)
        open[pinned] = False
        pmf = _ask(plan, open, context, slot)
        slates.supported[:, slot] = ((pmf > 0) == open).all(axis=1)
        pmf[pinned, article] = 1.0
        mass.put(everybody, pmf)
        ends = mass.cumulate()
        taken = pick(mass, ends, everybody, slot)
        _fill(slates, slot, taken, taken.mass, ends[-1] > 0, pinned)


def _walk_weights(
    weights: Floats, context: Context, rows: slice, desk: Desk, pick: Pick, slates: Slates
) -> None:
    """Fill the slates of the members in `rows`; weights, desk and slates are theirs alone.

    From one slot to the next most members only lose the article that they were shown, and what a
    maximum count closes. The desk is asked about the others. Where a weight is 0 it is asked about
    everybody: once the article without a chance is closed, all that are open have one, and the slot
    is `supported`.
    """
    mass, positive = Mass(*weights.shape), weights.min() > 0
    if not positive:
        _check_weights(weights, context, rows)
    for slot in range(slates.choice.shape[1]):
        article, pinned = desk.find_pin(slot)
        stale: slice | Ints = slice(None)  # whose masses must be made anew
        closed = desk.find_closed(slot, slates.choice) if slot and positive else None
        if closed is not None:
            for some, articles in closed:
                mass.close(some, articles)
            ends = mass.cumulate()
            stale = np.flatnonzero((slates.relaxed[:, slot - 1] > 0) | ~(ends[-1] > 0))
        if isinstance(stale, slice) or len(stale):
            open, slates.relaxed[stale, slot] = desk.take(stale).open(slot, slates.choice[stale])
            open[pinned[stale]] = False
            given = weights[stale] * open
            if not positive:
                slates.supported[stale, slot] = ((given > 0) == open).all(axis=1)
            given[pinned[stale], article] = 1.0
            mass.put(stale, given)
            ends = mass.cumulate()
            _check_totals(ends[-1, stale], open, context, rows, stale, slot)
        taken, total = pick(mass, ends, rows, slot), ends[-1]
        propensity = taken.mass / np.where(total > 0, total, 1.0)
        _fill(slates, slot, taken, propensity, total > 0, pinned)


def _fill(
    slates: Slates, slot: int, taken: Taken, propensity: Floats, free: Bools, pinned: Bools
) -> None:
    """Write one slot down: what it shows, how likely that was, and in which role.

    free: [n], the members for whom some article had a chance
    pinned: [n], the members who get the editor's article
    """
    filled = taken.choice >= 0
    role = np.where(taken.mass > taken.most_left, EXPLOIT, EXPLORE)
    role[~(filled & free)] = EMPTY
    role[pinned & filled] = PINNED
    slates.choice[:, slot], slates.role[:, slot] = taken.choice, role
    slates.relaxed[pinned, slot] = 0
    # an empty slot that could be filled has 0, like any other miss
    slates.propensity[:, slot] = np.where(filled | free, propensity, 1.0)


def _ask(plan: SlotPmf, open: Bools, context: Context, slot: int) -> Floats:
    """The plan's pmf over the open articles [n, m], checked."""
    free = np.asarray(open.any(axis=1))
    pmf = np.where(free[:, None], plan(open, slot), 0.0)
    _check_pmf(pmf, pmf > 0, open, free, context, slot)
    return pmf


def _check_weights(weights: Floats, context: Context, rows: slice) -> None:
    """Raise ValueError at the first negative weight."""
    if (weights < 0).any():
        row, j = np.argwhere(weights < 0)[0]
        who, article = context.member_ids[rows].tolist()[row], context.article_ids[j]
        raise ValueError(
            f"weight of article {article!r} for member {who!r} = {weights[row, j]}; "
            "must be at least 0"
        )


def _check_totals(
    total: Floats, open: Bools, context: Context, rows: slice, which: slice | Ints, slot: int
) -> None:
    """Raise ValueError at the first member whose weights are no distribution over what is open."""
    for row in np.flatnonzero(~((total > 0) & np.isfinite(total))):
        if open[row].any() or not np.isfinite(total[row]):
            who = context.member_ids[rows][which][row]
            raise ValueError(
                f"weights of member {who!r}, slot {slot + 1}: sum to {total[row]}; must be positive"
            )


def _check_pmf(
    pmf: Floats, positive: Bools, open: Bools, free: Bools, context: Context, slot: int
) -> None:
    """Raise ValueError at the first pmf that is no distribution over the open articles."""
    total = pmf.sum(axis=1)
    bad = free & ~(np.abs(total - 1) < 1e-9)
    if bad.any() or pmf.min(initial=0.0) < 0 or (positive & ~open).any():
        outside = (pmf < 0) | (positive & ~open)
        row = int((bad | outside.any(axis=1)).argmax())
        raise ValueError(
            f"pmf of member {context.member_ids[row]!r}, slot {slot + 1}: sums to {total[row]}, "
            f"smallest {pmf[row].min()}; must be a distribution over the {int(open[row].sum())} "
            "open articles"
        )
