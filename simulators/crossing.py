"""Where something that rises comes to a wanted value: interval halving, in one place.

`scipy.optimize.brentq` would need fewer steps, but it ends on other last bits. Published logs rest
on these bits: an intercept that differs in its last place changes which members click.
"""

from collections.abc import Callable


def find_crossing(
    is_above: Callable[[float], bool], low: float, high: float, steps: int = 50
) -> float:
    """The point between `low` and `high` at which `is_above` turns from False to True.

    is_above: whether a rising function lies above the wanted value at a point; it says itself what
        counts where the two are equal
    steps: how often the interval is halved; the answer is within (high - low) / 2^(steps + 1)
    Where nothing lies above, the answer is near `high`; where everything does, near `low`.
    """
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return (low + high) / 2
