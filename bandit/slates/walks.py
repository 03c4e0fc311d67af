"""Walks beside the log: what else a plan might have shown, and how likely it shows one article.

A log holds the chance of each choice given the slots above. What a newsletter as a whole earns can
be estimated from far fewer sends where the chance of an article in a slot is known whatever stands
above: its marginal chance. Rules, caps and no repeats leave no closed form for it, so it is the
mean, over slates that the plan may show, of the chance given the slots above. Open this file to see
how these slates are found: all of them where they are few, else some that are drawn.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bandit.core import check, keys
from bandit.core.types import Bools, Context, Floats, Ints, SlotPmf
from bandit.slates.editorial import Desk
from bandit.slates.exploration import Shares
from bandit.slates.taking import choose

FEW = 300  # of slates a member may be shown: so many are gone through one by one
_PIECE = 2000  # slates that are walked side by side, so that their pmfs fit the processor's cache
_TOGETHER = 64  # members whose every slate is gone through side by side


class Walks(NamedTuple):
    """Slates of some members. Axes: d slates a member, e members, k slots, c kinds of appeal.

    choice: [d, e, k], indices into the pool, -1 for an empty slot
    chance: [d, e, k, k], chance[w, i, j, l] is P(slot l shows asked[i, j] | slots above in w)
    mean: [e, k, c], of the slates asked about: the mean appeal at the slot, given the slots above
    """

    choice: Ints
    chance: Floats
    mean: Floats


def find_chances(
    plan: SlotPmf,
    context: Context,
    asked: Ints,
    rows: Ints,
    seed: int,
    draws: int = 16,
    walks: Walks | None = None,
) -> Floats:
    """chance[i, j, l] = P(slot l shows asked[i, j] | context), whatever stands above, [e, k, k].

    It is exact for members who may be shown at most 300 slates, else the mean over drawn ones of
    the chance given the slots above. That has the right mean, and an error that differs from member
    to member as clicks do, so an interval over members holds it. An empty slot asked about has
    chance 1 where it is, and 0 elsewhere.

    asked: [e, k], articles as indices into the pool, -1 for an empty slot
    rows: [e], the rows of the members in the context
    seed: keys the draws
    draws: slates drawn for each member; more of them cost as much more time
    walks: drawn before, by `walk_beside` with `own`; None: they are drawn where they are needed.
        The sent slate is one of them down to where it shows the article. It cannot show it again
        below; counted there, it would make 1 / chance of several slots together too large

    Raises ValueError for draws below 1.
    """
    check.at_least("draws", draws, 1)
    found = _go_through(plan, context, asked, rows)
    if found is None:
        drawn = walks or walk_beside(plan, context, asked, rows, seed, draws)
        found = drawn.chance.mean(axis=0)
        if walks:
            below = np.triu(np.ones(found.shape[1:], dtype=bool), 1)
            found = np.where(below, walks.chance[1:].mean(axis=0), found)
    at = np.arange(asked.shape[1])
    empty = asked < 0
    found[empty] = 0.0
    found[:, at, at] = np.where(empty, 1.0, found[:, at, at])
    return found


def walk_beside(
    plan: SlotPmf,
    context: Context,
    asked: Ints,
    rows: Ints,
    seed: int,
    draws: int = 16,
    own: bool = False,
    appeal: Floats | None = None,
) -> Walks:
    """`draws` slates of each member in `rows`, and how likely each showed the articles asked about.

    own: `asked` are slates that this plan has drawn. They come first, one more than `draws`. Given
        all of them, each was as likely to be the one sent; so the mean of their chances may stand
        in a denominator, and leaves no bias there
    appeal: [e, m, c], of each article to each member; None: there are no kinds
    The other arguments, and the errors, are those of `find_chances`.
    """
    (e, k), member = asked.shape, keys.member_keys(context.member_ids)
    appeal = np.zeros((e, context.eligible.shape[1], 0)) if appeal is None else appeal
    if not e:
        shape = (draws + own, 0, k)
        nothing = np.zeros((0, k, appeal.shape[2]))
        return Walks(np.zeros(shape, dtype=np.int32), np.zeros((*shape, k)), nothing)
    desk, parts = Desk(context), []
    numbers = np.stack(
        [keys.uniforms(seed, context.campaign, f"walk {d} {own}", member, k) for d in range(draws)]
    )
    if isinstance(plan.explore, Shares):
        per = max(_PIECE // (draws + own), 1)
        for at in range(0, e, per):
            who = rows[at : at + per]
            many = np.tile(who, draws + own)
            part = SlotPmf(plan.scores[many], plan.explore.take(many))
            follow = asked[at : at + per]
            drawn = numbers[:, who]
            parts.append(_walk(part, desk.take(many), follow, drawn, own, appeal[at : at + per]))
    else:  # nobody but the plan can divide it: everybody is walked, and asked one slate at a time
        everybody = np.full((len(member), k), -1)
        everybody[rows] = asked
        liked = np.zeros((len(member), *appeal.shape[1:]))
        liked[rows] = appeal
        whole = slice(None)
        each = [
            _walk(plan, desk.take(whole), everybody, drawn[None], False, liked) for drawn in numbers
        ]
        if own:
            each.insert(0, _walk(plan, desk.take(whole), everybody, numbers[:0], True, liked))
        choice, chance = (np.concatenate(a)[:, rows] for a in list(zip(*each, strict=True))[:2])
        return Walks(choice, chance, each[0].mean[rows])
    return Walks(
        np.concatenate([part.choice for part in parts], axis=1),
        np.concatenate([part.chance for part in parts], axis=1),
        np.concatenate([part.mean for part in parts]),
    )


def _walk(
    plan: SlotPmf, desk: Desk, asked: Ints, numbers: Floats, own: bool, appeal: Floats
) -> Walks:
    """Slates of e members, first (`own`) the one asked about, then one by each of `numbers`.

    numbers: [draws, e, k], to draw by
    plan, desk: of d e members, all of the first slate, all of the second, ...; the desk is left
        with all slots filled
    """
    (e, k), d = asked.shape, len(numbers) + own
    choice = np.full((k, d * e), -1, dtype=np.int32).T  # slot after slot in memory
    chance, mean = np.zeros((d, e, k, k)), np.zeros((e, k, appeal.shape[2]))
    known = np.tile(np.maximum(asked, 0), (d, 1))
    for slot in range(k):
        pmf = _ask(plan, desk, slot)
        chance[..., slot] = np.take_along_axis(pmf, known, axis=1).reshape(d, e, k)
        if own:
            mean[:, slot] = np.einsum("em,emc->ec", pmf[:e], appeal)
            choice[:e, slot] = asked[:, slot]
        rest = pmf[e * own :]
        if len(rest):
            uniform = numbers[:, :, slot].ravel()
            choice[e * own :, slot] = choose(rest, uniform)
        desk.fill(choice[:, slot])
    return Walks(choice.reshape(d, e, k), chance, mean)


def walk_down(plan: SlotPmf, context: Context, choice: Ints) -> Iterator[tuple[Ints, int, Floats]]:
    """The pmf of each slot given the slots above in `choice`, pins included.

    Yields rows of the context [r], the slot (from 0) and the pmf [r, m] of these members: some
    thousand members at a time where the plan can be divided, else everybody at once.

    choice: [n, k], indices into the pool, -1 for an empty slot
    """
    desk, (n, k) = Desk(context), choice.shape
    size = _PIECE if isinstance(plan.explore, Shares) else n
    for at in range(0, n, size):
        rows = np.arange(at, min(at + size, n))
        part, here = plan, desk
        if isinstance(plan.explore, Shares):
            part = SlotPmf(plan.scores[rows], plan.explore.take(rows))
            here = desk.take(rows)
        for slot in range(k):
            yield rows, slot, _ask(part, here, slot)
            here.fill(choice[rows, slot])


def expect_first(plan: SlotPmf, context: Context, values: Floats) -> Floats:
    """The mean of the articles' values [n, m] over what the first slot may show, pins included."""
    nothing: Ints = np.full((len(values), 1), -1)
    found = np.zeros(len(values))
    for rows, _, pmf in walk_down(plan, context, nothing):
        found[rows] = np.einsum("nm,nm->n", pmf, values[rows])
    return found


def _ask(plan: SlotPmf, desk: Desk, slot: int) -> Floats:
    """The pmf [r, m] of a slot, pins included; the desk knows what fills the slots above."""
    open, _ = desk.open(slot)
    article, pinned = desk.find_pin(slot)
    open[pinned] = False
    free: Bools = np.asarray(open.any(axis=1))
    pmf = np.where(free[:, None], plan(open, slot), 0.0)
    pmf[pinned, article] = 1.0
    return pmf


def _go_through(plan: SlotPmf, context: Context, asked: Ints, rows: Ints) -> Floats | None:
    """`find_chances` from every slate that may be shown; None where these are not few."""
    if not isinstance(plan.explore, Shares):
        return None
    desk, (e, k) = Desk(context), asked.shape
    chance = np.zeros((e, k, k))
    for at in range(0, e, _TOGETHER):
        end = min(at + _TOGETHER, e)
        owner, mass = np.arange(at, end), np.ones(end - at)
        above = np.full((end - at, k), -1, dtype=np.int32)
        for slot in range(k):
            who = rows[owner]
            part = SlotPmf(plan.scores[who], plan.explore.take(who))
            pmf = _ask(part, desk.take(who).follow(above[:, :slot]), slot)
            shown = np.take_along_axis(pmf, np.maximum(asked[owner], 0), axis=1)
            np.add.at(chance[:, :, slot], owner, mass[:, None] * shown)
            if slot == k - 1:
                break
            pmf = np.c_[pmf, ~pmf.any(axis=1)]  # the last column: the slot stays empty
            which, article = np.nonzero(pmf)
            if len(which) > FEW * (end - at):
                return None
            owner, mass = owner[which], mass[which] * pmf[which, article]
            above = above[which]
            above[:, slot] = np.where(article == pmf.shape[1] - 1, -1, article)
    return chance
