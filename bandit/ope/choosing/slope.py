"""SLOPE: from estimates of falling bias and growing noise, the last that contradicts none before.

Su, Srinath & Krishnamurthy (2020), "Adaptive estimator selection for off-policy evaluation", in the
form of Tucker & Lee (2021), which needs no order by bias: the order is that of the widths. Open
this file to choose how far to clip or shrink weights.
"""

import math
from collections.abc import Sequence

from bandit.core import check

SLACK = math.sqrt(6) - 1


def choose(values: Sequence[float], margins: Sequence[float]) -> int:
    """The place of the estimate chosen.

    From the widest interval to the narrowest, each is taken while it is within its own margin plus
    1.45 margins of every one before it. The widest is always taken, so it should have no bias.

    values: the estimates
    margins: half widths of their intervals, at least 0

    Raises ValueError for no estimates, lengths that differ, and a margin below 0.

    >>> choose([0.50, 0.52, 0.90], [0.20, 0.10, 0.01])  # the narrowest contradicts the others
    1
    """
    if not values or len(values) != len(margins):
        raise ValueError(f"there are {len(values)} values and {len(margins)} margins")
    for place, margin in enumerate(margins):
        check.at_least(f"margins[{place}]", margin, 0.0)
    order = sorted(range(len(values)), key=lambda place: -margins[place])
    taken = order[:1]
    for place in order[1:]:
        own, value = margins[place], values[place]
        if any(abs(values[one] - value) > own + SLACK * margins[one] for one in taken):
            break
        taken.append(place)
    return taken[-1]
