"""A gain in a sentence, no bolder than its interval; and what to do about it, and how sure."""

import math

from experiments.report.page import count_places, format_percent
from experiments.study.cells import Gain

MOST_SEEDS = 200  # associations; a difference that would take more to show is not looked for


def tell_change(gain: Gain, noun: str = "clicks") -> str:
    """How much more or fewer, with the interval, and whether it may be chance. "than" may follow.

    >>> tell_change(Gain(0.121, 0.08, 0.16)).replace("\\xa0", " ")
    '12 % more clicks (95 % interval +8 % to +16 %)'
    """
    much = format_percent(abs(gain.mean), count_places(gain.mean))
    chance = "" if gain.sign or math.isnan(gain.low) else "which may be chance; "
    return f"{much} {'more' if gain.mean >= 0 else 'fewer'} {noun} ({chance}{gain.span()})"


def advise(gain: Gain, seeds: int, more: str, fewer: str, unclear: str) -> tuple[str, str]:
    """What to do, by whether a gain is clear; and how sure that is.

    seeds: over how many associations the gain is a mean
    more, fewer, unclear: what to do where the interval lies above 0, below 0, or holds it
    """
    return {1: more, -1: fewer, 0: unclear}[gain.sign], tell_sure(gain, seeds)


def tell_sure(gain: Gain, seeds: int) -> str:
    """How sure the sign of a gain is, and how many associations would make it so.

    >>> tell_sure(Gain(0.02, -0.02, 0.06), 5)[-74:]  # twice too wide: four times
    ' a difference of this size would take about 20 of them to show (seeds=20).'
    """
    if math.isnan(gain.low):
        return "Not at all, for one association has no interval; use seeds=5 or more."
    if gain.sign:
        return (
            f"Sure of the direction for associations like the {seeds} simulated ones: the "
            "95\u00a0% interval leaves out zero. Whether yours is like them, only a trial in "
            "your own sends can tell (docs/experiments_in_sends.md)."
        )
    places = count_places(gain.mean)
    low, high = (format_percent(end, places, sign=True) for end in gain[1:])
    told = (
        f"Not sure yet. In {seeds} simulated associations the difference may be anything from "
        f"{low} to {high}; "
    )
    half = (gain.high - gain.low) / 2
    needed = seeds * (half / gain.mean) ** 2 if gain.mean else math.inf
    if needed > MOST_SEEDS:
        small = "a difference as small as the one found"
        return f"{told}{small} would take over {MOST_SEEDS} of them to show."
    return (
        f"{told}a difference of this size would take about {math.ceil(needed - 1e-9)} of "
        f"them to show (seeds={math.ceil(needed - 1e-9)})."
    )
