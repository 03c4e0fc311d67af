"""What is believed of a click in each slot that was looked at, however long the list of members.

Open this file for how an issue of a million members is learned from in little memory.
"""

from collections.abc import Callable

import numpy as np

from bandit.core.types import Context, Floats, Ints
from bandit.models.profiles import Belief, Pool, cut


def score_slots(
    infer: Callable[[Context], Belief], context: Context, pool: Pool, rows: Ints, index: Ints
) -> tuple[Floats, Floats]:
    """Mean and variance of w_i . a_j in e slots, each [e], some members after the others.

    infer: what is believed of some members' interests
    rows, index: [e], the member and the article of each slot; rows ascend
    """
    mean, spread = np.empty(len(rows)), np.empty(len(rows))
    for part in cut(len(context.members)):
        at = slice(*np.searchsorted(rows, [part.start, part.stop]))
        where = rows[at] - part.start, index[at]
        scores = infer(context.take(part)).score(pool)
        mean[at], spread[at] = (each[where] for each in scores)
    return mean, spread
