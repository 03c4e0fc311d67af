"""What the weights of a log have to pass before an estimate of whole newsletters is given.

Each function says why there is no estimate, in words that name slot and send, or "" where there is
no reason. Axes: e sends that were looked at, s of them sampled without regard to clicks, k slots.
Open this file when an evaluation gives a reason instead of a number.
"""

from collections.abc import Callable

import numpy as np

from bandit.core.types import Bools, Floats, Ints
from bandit.ope.inputs import MOST_LOST
from bandit.ope.sample_size import effective_sample_size

MOST_SHARE = 0.2  # of the estimate that one send may be
FAR_OFF = 0.02  # from 1, by which the mean weight may be off beyond its own error


def find_lost(wanted: Floats, supported: Bools) -> str:
    """Why the log may not speak of all that the target wants.

    wanted: [s, k], the target's chance of what was shown in each slot
    supported: [s, k], every open article could be drawn
    """
    missing = np.where(supported, 0.0, 1.0 - wanted)
    lost = np.maximum(missing, 0.0).mean(axis=0)
    if lost.max() <= MOST_LOST:
        return ""
    return (
        f"at slot {int(lost.argmax()) + 1} the logging policy may never show {lost.max():.1%} "
        f"of what this policy wants, more than {MOST_LOST:.0%}"
    )


def find_bias(w: Floats, looks: Floats, by_slot: bool) -> str:
    """Why the weights [s, k] do not average 1, as they must.

    looks: [s, k], what a slot counts for, alike in every row
    by_slot: each slot's weights must average 1; else those of all slots together, by looks
    """
    if by_slot:
        mean, error = w.mean(axis=0), w.std(axis=0, ddof=1) / np.sqrt(len(w))
    else:
        each = (w * looks).sum(axis=1, keepdims=True) / looks[0].sum()
        mean, error = each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(len(w))
    off = np.abs(mean - 1) - FAR_OFF - 4 * error
    if off.max() <= 0:
        return ""
    j = int(off.argmax())
    where = f" at slot {j + 1}" if len(off) > 1 else ""
    return (
        f"the weights{where} average {mean[j]:.2f} and must average 1: chances are not known well"
    )


def count_sends(w: Floats, looks: Floats, n: int, by_slot: bool) -> tuple[float, str]:
    """How many sends of equal weight are as good as all n, from weights [s, k]; and where.

    looks, by_slot: as for `find_bias`; by slot, it is the slot where they are fewest
    """
    if not len(w):
        return 0.0, ""
    if by_slot:
        sizes = [effective_sample_size(column) for column in w.T]
        return n * min(sizes) / len(w), f"at slot {int(np.argmin(sizes)) + 1} "
    total, square = (w * looks).sum(), (w**2 * looks).sum()
    return (float(n * total**2 / square / looks[0].sum() / len(w)) if square > 0 else 0.0), ""


def find_heaviest(
    counted: Floats, name: Callable[[int], str], rows: Ints, least_clicks: float
) -> str:
    """Why too few clicks carry the estimate, from weighted clicks [e, k].

    name: says which send a row is
    rows: [e], which sends these are
    least_clicks: how many of equal weight they must be worth
    """
    total = counted.sum()
    if not total > 0:
        return "no click was of an article that this policy would show there"
    i, j = np.unravel_index(int(counted.argmax()), counted.shape)
    share = counted[i, j] / total
    if share > MOST_SHARE:
        return f"one click, of {name(int(rows[i]))}, slot {j + 1}, is {share:.0%} of the estimate"
    clicks = effective_sample_size(counted.ravel())
    if clicks < least_clicks:
        return f"the clicks count as {clicks:.1f} of equal weight, fewer than {least_clicks:g}"
    return ""
