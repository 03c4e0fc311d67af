"""A click that keeps others away: how many it keeps, and estimates that allow for it.

Some readers leave once they have found something. Estimators of slots apart then promise too much
of good newsletters: their clicks come from a log in which less was found above. Assume that a click
ends the reading with chance s (the dependent click model of Guo, Liu & Wang 2009, with one s for
all slots; s = 0: slots are apart, s = 1: the cascade). Then a click with a others above it stands
for 1 / (1 - s)^a clicks, as they would be if none kept others away, by which any estimator of slots
apart may be computed; and what the target's own clicks keep away is taken off. s is what makes the
first slot and one below it be clicked together as often as the one in one newsletter and the other
in another that the same member opened: who opens, and who likes to click, is on both sides. Other
pairs would hide it where not everybody reads to the end, for who clicks far down has come so far.
Axes: n sends, k slots, g members. Open this file for how an estimate allows for readers whom a
click tires.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bandit.core.ids import number_ids
from bandit.core.types import Bools, Floats, Ids, Ints

if TYPE_CHECKING:
    from bandit.ope.whole.beside import Beside

MOST = 0.75  # of the clicks below that a click may keep away; beyond, too few are left to tell by
STEP = 1e-4  # of s, by which its slopes are taken
CLOSE = 1e-6  # to s, at which the search for it ends


@dataclass(frozen=True)
class Tiredness:
    """How many of the clicks below it a click keeps away.

    share: s, from 0 to `MOST`; 1 where it is more, which estimates do not allow for
    influence: [g], how far each member moved it, in the order of their ids: the sum of squares is
        its variance; all 0 at s = 0, below which it may not come, and at 1
    member: [n], the place of each send's member in that order
    opened: [g], newsletters that each member opened
    """

    share: float
    influence: Floats
    member: Ints
    opened: Floats

    @property
    def allowed(self) -> float:
        """The share that estimates allow for: 0 where it is more than `MOST`."""
        return self.share if self.share <= MOST else 0.0

    @property
    def error(self) -> float:
        """The standard error of the share."""
        return float(np.sqrt(self.influence @ self.influence))


def count_pairs(
    first: Floats, second: Floats, member: Ints, opened: Floats
) -> tuple[Floats, Floats]:
    """The sum of first times second of each member, [g]: in one newsletter, and between two.

    The second is over all pairs of different newsletters, divided by the member's opened ones less
    one: where the two are independent, both have the same mean.

    first, second: [n], 0 in newsletters that were not opened
    member, opened: as in `Tiredness`; who opened fewer than two has 0 between
    """
    size = len(opened)
    within, upper, lower = (
        np.bincount(member, each, size).astype(np.float64)
        for each in (first * second, first, second)
    )
    between = upper * lower - within
    return within, np.divide(between, opened - 1, out=np.zeros(size), where=opened > 1)


def sum_above(values: Floats) -> Floats:
    """The sum of each send's values above each slot, [n, k]."""
    return np.cumsum(values, axis=1) - values


def count_opened(clicked: Floats, opened: Bools, members: Ids) -> tuple[Ints, Floats]:
    """Each send's member as a number from 0 [n], and how many newsletters each opened [g]."""
    member = number_ids(members)
    return member, np.bincount(member, opened | (clicked != 0).any(axis=1)).astype(np.float64)


def undo(clicked: Floats, share: float) -> Floats:
    """Clicks [n, k] as they would be on average if none kept others away.

    They are clicked / (1 - share)^a, where a clicks of the same newsletter stand above.

    >>> undo(np.array([[1.0, 0.0, 1.0, 1.0]]), 0.5).tolist()
    [[1.0, 0.0, 2.0, 4.0]]
    """
    undone = np.array(clicked, dtype=np.float64)
    several = np.flatnonzero((clicked != 0).sum(axis=1) > 1)  # few: the others stay as they are
    undone[several] /= (1 - share) ** sum_above(clicked[several])
    return undone


def find_tiredness(clicked: Floats, opened: Bools | None, members: Ids) -> Tiredness | None:
    """How many clicks a click keeps away, by pairs of members who opened at least twice.

    clicked: [n, k], 0 or 1, of all sends
    opened: [n], the member opened it; programs that open hide something and make up nothing; None:
        not known
    members: [n], ids

    None where the log cannot tell: it is not known who opened, or nobody has clicked the first slot
    in one newsletter and another slot in another.
    """
    from scipy.optimize import brentq  # the sender has no need of it

    if opened is None:
        return None
    member, opens = count_opened(clicked, opened, members)
    some = np.flatnonzero((clicked != 0).any(axis=1))
    found, below = clicked[some], np.zeros(len(clicked))

    def compare(share: float) -> tuple[Floats, Floats]:
        below[some] = undo(found, share)[:, 1:].sum(axis=1)
        within, between = count_pairs(clicked[:, 0], below, member, opens)
        return np.where(opens > 1, within - between, 0.0), between

    def miss(share: float) -> float:
        return float(compare(share)[0].sum())

    if not compare(0.0)[1].any():
        return None
    if miss(0.0) >= 0 or miss(MOST) < 0:
        return Tiredness(float(miss(0.0) < 0), np.zeros(len(opens)), member, opens)
    share = float(brentq(miss, 0.0, MOST, xtol=CLOSE))
    slope = (miss(share + STEP) - miss(share)) / STEP
    return Tiredness(share, -compare(share)[0] / slope, member, opens)


def find_terms(
    log: "Beside",
    read: Callable[["Beside", float], tuple[Floats, Floats]],
    tired: Tiredness | None,
) -> Floats:
    """What the target earns by an estimator of slots apart, terms [n].

    Where a click keeps others away, what the target earns more than what was sent is taken from
    clicks of which none is kept away, less what the clicks of each keep away. So a target that
    does what was sent earns exactly that.

    read: the estimator, from a log and a share that a click keeps away to terms [n], of the clicks
        of `undo`, and what of them falls in each slot [n, k]
    tired: how many clicks a click keeps away; None, or more than `MOST`: taken to be none
    """
    if tired is None or tired.allowed == 0:
        return read(log, 0.0)[0]
    same = replace(log, target=log.logged)
    terms, sent = (allow(tired, partial(read, each)) for each in (log, same))
    return np.asarray(terms - sent + log.count_clicks())


def allow(tired: Tiredness, estimate: Callable[[float], tuple[Floats, Floats]]) -> Floats:
    """An estimate of slots apart less what the target's clicks keep away, terms [n].

    Of V_l, the estimate of slot l from the clicks of `undo`, it leaves V_l (1 - s t / a)^a: a slots
    stand above, and t clicks in them, beside one of the target's clicks in l, as if alike in each.
    They are counted between newsletters of members who opened at least two. The spread of the terms
    holds the uncertainty of s and of t. At s = 0 the terms are the estimate's.

    estimate: from s to the estimate's terms [n], and what of it falls in each slot [n, k]
    """
    terms = _take_off(tired, tired.share, *estimate(tired.share))
    if tired.share == 0:
        return terms
    more = tired.share + STEP
    slope = (_take_off(tired, more, *estimate(more)).mean() - terms.mean()) / STEP
    return terms + _spread(tired, slope * tired.influence)


def _take_off(tired: Tiredness, share: float, terms: Floats, values: Floats) -> Floats:
    if share == 0:
        return terms
    twice, kept, moved = tired.opened > 1, np.ones(values.shape[1]), np.zeros(len(tired.opened))
    for above in range(1, len(kept)):
        own = np.bincount(tired.member, values[:, above], len(twice)) * twice
        if not own.sum() > 0:
            continue
        upper = values[:, :above].sum(axis=1)
        between = count_pairs(upper, values[:, above], tired.member, tired.opened)[1]
        met = between.sum() / own.sum()
        left = max(1 - share * met / above, 0.0)
        kept[above] = left**above
        slope = -share * left ** (above - 1) * values[:, above].mean()
        moved += slope * (between - met * own) / own.sum()
    by_slot, total = values @ kept, values.sum(axis=1)
    rest = (terms - total) * by_slot.sum() / max(total.sum(), 1e-300)
    return np.asarray(by_slot + rest + _spread(tired, moved))


def _spread(tired: Tiredness, moved: Floats) -> Floats:
    """What each member moved the mean by [g], as terms [n]: in equal parts to their sends."""
    sends = np.bincount(tired.member, minlength=len(moved))
    return np.asarray((len(tired.member) * moved / sends)[tired.member])
