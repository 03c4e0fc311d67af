"""Are the logged chances those that the choices were made by? Counts of shows say so.

Every weight divides by a logged chance. If a program between the choice and the mail replaced
articles, filled slots twice or wrote down another campaign's chances, every estimate is wrong by an
unknown factor, and no interval shows it. So the log is asked: given the slots above, an article's
shows in a slot are a sum of draws of known chances, whose deviation has a bound that holds for any
chances (Freedman 1975, "On tail probabilities for martingales"). Open this file to see what is
counted, and from when on a log is refused.
"""

import numpy as np

from bandit.core.types import Floats, Round, SlotPmf
from bandit.slates.walks import walk_down

DOUBT = 1e-4  # chance of refusing a sound issue
BINS = np.array([0.003, 0.01, 0.03, 0.1, 0.3])  # chances are counted between these, too


def find_miscalibration(logger: SlotPmf, round: Round) -> str:
    """Which article was shown more or less often in a slot than its chances say; "" if none was.

    Counted are, for each slot, the shows of each article, and of all articles whose chance was in
    some range: too bold or too timid chances show there first.

    logger: the plan that the issue was sent by
    """
    choice, m = round.slates.choice, round.context.eligible.shape[1]
    k = choice.shape[1]
    shown, expected, spread = np.zeros((3, k, m + len(BINS) + 1))
    for rows, slot, pmf in walk_down(logger, round.context, choice):
        article = choice[rows, slot]
        some = article >= 0
        own = np.zeros(pmf.shape)
        own[np.flatnonzero(some), article[some]] = 1.0
        which = np.searchsorted(BINS, pmf).ravel()
        for total, each in ((shown, own), (expected, pmf), (spread, pmf * (1 - pmf))):
            total[slot, :m] += each.sum(axis=0)
            total[slot, m:] += np.bincount(which, each.ravel(), len(BINS) + 1)
    p = np.minimum(1.0, 2 * _bound(shown - expected, spread) * shown.size)
    slot, at = divmod(int(p.argmin()), p.shape[1])
    if not p[slot, at] < DOUBT:
        return ""
    ids = round.context.article_ids.tolist()
    what = f"article {ids[at]!r}" if at < m else f"articles {_name_range(at - m)}"
    return (
        f"campaign {round.context.campaign!r}, slot {slot + 1}: {what} came "
        f"{shown[slot, at]:.0f} times, and the logged chances say {expected[slot, at]:.0f} "
        f"(p < {max(p[slot, at], 1e-99):.1g}): they are not what this was drawn by"
    )


def _bound(off: Floats, spread: Floats) -> Floats:
    """The most that the chance of being off by so much can be: exp(-V h(t / V)), Freedman."""
    v = np.maximum(spread, 1e-9)
    u = np.abs(off) / v
    return np.asarray(np.exp(-v * ((1 + u) * np.log1p(u) - u)))


def _name_range(at: int) -> str:
    ends = [0.0, *BINS.tolist(), 1.0]
    return f"whose chance was from {ends[at]:g} to {ends[at + 1]:g}"
