"""Slates, slot by slot. Drawing and replaying are one walk, so a propensity has one source.

Open this file to see how a plan becomes what each member is shown, and where the logged propensity
comes from. In each slot the editor's desk says what is open, the plan's exploration makes a pmf of
it, and one article is taken out of that. An exploration that says what it is made of (`Shares`) is
walked in pieces of the members, and for long lists by a compiled loop, to the same bits.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from bandit.compiling import is_worth
from bandit.core import keys
from bandit.core.rules import Rules
from bandit.core.types import (
    EMPTY,
    EXPLOIT,
    EXPLORE,
    PINNED,
    Bools,
    Context,
    Explore,
    Floats,
    Ints,
    Slates,
    SlotPmf,
)
from bandit.slates.alone import Alone
from bandit.slates.editorial import MINIMUM, Desk
from bandit.slates.exploration import Shares, weigh
from bandit.slates.layout import Layout
from bandit.slates.sums import FEW
from bandit.slates.taking import Taken, choose, is_uniform, read_off

_PIECE = 200_000  # scores that fit the processor's cache, which so many members have
_FEWEST = 3  # members who are walked through one by one, in fewer calls together
_FEW = 250  # members, below whom calls would cost more than the cache saves


# by the digits of a binary number: the slot is filled by a pin, by an open article, by its leader
_ROLES = np.array([EMPTY, EMPTY, EXPLORE, EXPLOIT] + 4 * [PINNED], dtype=np.int8)
_TYPES = (np.int32, np.float64, np.int8, np.int8, np.bool_)  # of the columns of `Slates`


def draw(
    plan: SlotPmf,
    context: Context,
    seed: int,
    depth: int | None = None,
    layout: Layout | None = None,
) -> Slates:
    """One slate for each member, by inverse CDF with a keyed uniform number for each slot.

    The numbers depend on (seed, campaign, member, slot) and nothing else.

    depth: draw only the top slots of those slates (default: all)
    layout: what the rules say of the pool, where that is at hand

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
    return _walk(plan, context, uniform, layout)


def replay(plan: SlotPmf, context: Context, choice: Ints) -> Floats:
    """P(slot j shows choice[i, j] | the slots above it in `choice`), [n, k].

    It is 0 where the plan could not have shown the article, and for an empty slot that could have
    been filled.

    choice: [n, k], or only the top slots of the slates; -1 is an empty slot

    Raises ValueError as `draw` does.
    """
    return _walk(plan, context, np.asarray(choice)).propensity


def _walk(
    plan: SlotPmf, context: Context, by: Floats | Ints, layout: Layout | None = None
) -> Slates:
    """The slates of every member, filled from the top.

    by: [n, k], uniform numbers or articles, as `taking.take` wants them
    """
    n, k = by.shape
    if n <= _FEWEST and (few := _walk_few(plan, context, by, layout)):
        return few
    slates = Slates(  # slot after slot in memory, as they are filled
        choice=np.empty((k, n), dtype=np.int32).T,
        propensity=np.empty((k, n)).T,
        role=np.empty((k, n), dtype=np.int8).T,
        relaxed=np.zeros((k, n), dtype=np.int8).T,
        supported=np.ones((k, n), dtype=bool).T,
    )
    if not n:
        return slates
    desk = Desk(context, layout)
    if not isinstance(plan.explore, Shares):  # nobody but itself can divide it
        _walk_piece(plan, None, context, slice(None), desk, by, slates)
    else:
        size = context.eligible.shape[1] * plan.explore.count_tables()
        compiled, piece = _find_compiled(n * size * k), max(_PIECE // max(size, 1), _FEW)
        for at in range(0, n, piece):
            rows = slice(at, min(at + piece, n))
            part = SlotPmf(plan.scores[rows], plan.explore.take(rows))
            if n <= piece:  # all of them
                _walk_piece(part, compiled, context, rows, desk, by, slates)
            else:
                desks, places = desk.take(rows), slates.take(rows)
                _walk_piece(part, compiled, context, rows, desks, by[rows], places)
    return slates


def _walk_few(
    plan: SlotPmf, context: Context, by: Floats | Ints, layout: Layout | None
) -> Slates | None:
    """The slates of few members, one by one in fewer calls; None where that cannot be."""
    if not len(by) or plan.scores.ndim == 3 or not isinstance(plan.explore, Shares):
        return None
    if not plan.explore.is_plain() or (weights := weigh(plan.scores, plan.explore)) is None:
        return None
    drawn, desks, shown = is_uniform(by), [], []
    layout = layout or Layout(context.articles, context.rules, context.stories)
    make = compiled.One if (compiled := _find_compiled(plan.scores.size * by.shape[1])) else Alone
    for row, numbers in enumerate(by.tolist()):
        desk, own = Desk(context, layout, row), plan.explore.take(slice(row, row + 1))
        alone, told = make(plan.scores[row], own.list_parts(), weights[row], len(numbers)), []
        for slot, number in enumerate(numbers):
            open, given_up = desk.open(slot)
            article, pinned = desk.find_pin(slot)
            if pinned:
                choice = alone.pin(article, article if drawn else number)
            else:
                choice = alone.draw(open, number) if drawn else alone.follow(open, number)
            desk.fill(choice)
            told.append((pinned, given_up))
        slots = []
        for one, (pinned, given_up) in zip(alone.read_off(), told, strict=True):
            choice, mass, most, free, supported = one
            role = _ROLES.item(_code(choice >= 0, pinned, free, mass > most))
            mass = mass if choice >= 0 or free else 1.0
            slots.append((choice, mass, role, 0 if pinned else given_up, supported))
        shown.append(list(zip(*slots, strict=True)))
        desks.append(desk)
    slates = Slates(*map(np.array, zip(*shown, strict=True), _TYPES))
    for row, desk in enumerate(desks):
        _tell_unmet(desk, context.rules, slates, slice(row, row + 1))
    return slates


def _tell_unmet(desk: Desk, rules: Rules, slates: Slates, rows: slice = slice(None)) -> None:
    """Say that a minimum count was given up where it is missed, and nowhere else.

    A slate may meet all counts though a slot looked as if it could not, when one article counts for
    two of them. Where one is missed and no open slot says so, the last slot does: pins fill every
    slot, or nothing at all may be shown in the others. Of the top slots alone nothing is known.
    """
    relaxed = slates.relaxed[rows]
    if relaxed.shape[1] < rules.slots or not (rules.at_least or rules.only):
        return
    missed: Bools = np.atleast_1d(desk.find_unmet())
    relaxed[~missed[:, None] & (relaxed == MINIMUM)] = 0
    relaxed[missed & ~relaxed.any(axis=1), -1] = MINIMUM


def _find_compiled(size: float) -> ModuleType | None:
    """The compiled loop, where there is one and lists are long; it is loaded once a process."""
    if not is_worth(size):
        return None
    from bandit.slates import compiled

    return compiled


def _walk_piece(
    plan: SlotPmf,
    compiled: ModuleType | None,
    context: Context,
    rows: slice,
    desk: Desk,
    by: Floats | Ints,
    slates: Slates,
) -> None:
    """Fill the slates of the members in `rows`; plan, desk, `by` and slates are theirs alone.

    Of few members it is the calls that cost: what their slots took is read off all at once.
    """
    all_taken, all_pinned, unread = [], [], []
    k, few = slates.choice.shape[1], len(by) <= FEW and compiled is None
    for slot in range(k):
        open, slates.relaxed[:, slot] = desk.open(slot)
        article, pinned = desk.find_pin(slot)
        if article >= 0:
            open[pinned] = False
        if slot == 0 or plan.scores.ndim == 3:
            loop, share_out = _prepare(plan.choose_scores(slot), plan.explore, compiled)
        if loop is not None:
            all_taken.append(loop.take(open, np.where(pinned, article, -1), by[:, slot]))
            choice = all_taken[-1].choice
        else:
            pmf = share_out(open) if share_out else _ask(plan, open, context, rows, slot)
            if article >= 0:
                pmf[pinned, article] = 1.0
            choice = choose(pmf, by[:, slot])
            if few:
                unread.append((pmf, open, choice))
            else:
                all_taken.append(read_off(pmf, open, choice))
        desk.fill(choice)
        all_pinned.append(pinned)
    if unread:
        all_taken.append(read_off(*map(np.concatenate, zip(*unread, strict=True))))
    if all_taken:
        together = map(np.concatenate, zip(*all_taken, strict=True))
        shape = k, len(by)
        _fill(slates, Taken._make(each.reshape(shape) for each in together), np.array(all_pinned))
    _tell_unmet(desk, context.rules, slates)


def _prepare(
    scores: Floats, explore: Explore, compiled: ModuleType | None
) -> tuple[Any, Callable[[Bools], Floats] | None]:
    """The compiled loop for slots with these scores, and what makes a pmf of what is open.

    Either is None where it does not serve: numba is not there, or an exploration has to be asked,
    and its answer checked, in each slot.
    """
    if not isinstance(explore, Shares) or (weights := weigh(scores, explore)) is None:
        return None, None
    loop = compiled.Loop(scores, explore, weights) if compiled else None
    return loop, partial(explore, scores, weights=weights)


def _code(filled: Any, pinned: Any, free: Any, ahead: Any) -> Any:
    """Where a slot's role stands in `_ROLES`: of one member, or of many."""
    return 4 * (filled & pinned) + 2 * (filled & free) + ahead


def _fill(slates: Slates, taken: Taken, pinned: Bools) -> None:
    """Write down what each slot shows, how likely that was, and in which role.

    taken: [k, n], as the slots were filled
    pinned: [k, n], the members who get the editor's article
    """
    filled = taken.choice >= 0
    ahead = taken.mass > taken.most_left
    slates.role.T[:] = _ROLES[_code(filled, pinned, taken.free, ahead)]
    slates.choice.T[:] = taken.choice
    slates.relaxed.T[pinned] = 0
    slates.supported.T[:] = taken.supported
    # an empty slot that could be filled has 0, like any other miss
    slates.propensity.T[:] = np.where(filled | taken.free, taken.mass, 1.0)


def _ask(plan: SlotPmf, open: Bools, context: Context, rows: slice, slot: int) -> Floats:
    """The plan's pmf over the open articles [n, m] of the members in `rows`, checked."""
    free = np.asarray(open.any(axis=1))
    pmf = np.where(free[:, None], plan(open, slot), 0.0)
    _check_pmf(pmf, pmf > 0, open, free, context, rows, slot)
    return pmf


def _check_pmf(
    pmf: Floats,
    positive: Bools,
    open: Bools,
    free: Bools,
    context: Context,
    rows: slice,
    slot: int,
) -> None:
    """Raise ValueError at the first pmf that is no distribution over the open articles."""
    total = pmf.sum(axis=1)
    bad = free & ~(np.abs(total - 1) < 1e-9)
    if bad.any() or pmf.min(initial=0.0) < 0 or (positive & ~open).any():
        outside = (pmf < 0) | (positive & ~open)
        row = int((bad | outside.any(axis=1)).argmax())
        who = context.member_ids[rows][row]
        raise ValueError(
            f"pmf of member {who!r}, slot {slot + 1}: sums to {total[row]}, "
            f"smallest {pmf[row].min()}; must be a distribution over the {int(open[row].sum())} "
            "open articles"
        )
