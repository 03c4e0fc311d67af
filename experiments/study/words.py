"""A gain in a sentence, no bolder than its interval; and what to do about it, and how sure."""

import math

from experiments.report.page import count_decimals, format_percent
from experiments.study.cells import Gain

MOST_SEEDS = 200  # associations; a difference that would take more to show is not looked for


def tell_change(gain: Gain, noun: str = "clicks") -> str:
    """How much more or fewer, with the interval; or that neither is clear. "than" may follow.

    >>> tell_change(Gain(0.121, 0.08, 0.16)).replace("\\xa0", " ")
    '12 % more clicks (95 % interval +8 % to +16 %)'
    """
    places = count_decimals(gain.mean)
    much = format_percent(abs(gain.mean), places)
    told = f"{much} {'more' if gain.mean >= 0 else 'fewer'} {noun}"
    if gain.low != gain.low:
        return f"{told} (one seed, no interval)"
    if gain.sign == 0:
        return f"neither clearly more nor clearly fewer {noun} ({gain.span(places)})"
    return f"{told} ({gain.span(places)})"


def advise(gain: Gain, seeds: int, more: str, fewer: str, unclear: str) -> tuple[str, str]:
    """What to do, by whether a gain is clear; and how sure that is.

    seeds: over how many associations the gain is a mean
    more, fewer, unclear: what to do where the interval lies above 0, below 0, or holds it
    """
    return {1: more, -1: fewer, 0: unclear}[gain.sign], tell_sure(gain, seeds)


def tell_sure(gain: Gain, seeds: int) -> str:
    """How sure the sign of a gain is, and how many associations would make it so.

    >>> tell_sure(Gain(0.02, -0.02, 0.06), 5)  # twice as wide as it may be: four times as many
    'Not yet. 5 simulated associations leave open which way it goes; a difference of \
this size would take about 20 to show (seeds=20).'
    """
    if math.isnan(gain.low):
        return "Not at all, for one association has no interval; use seeds=5 or more."
    if gain.sign:
        return (
            f"The interval over {seeds} simulated associations leaves out 0. Whether your"
            " association is like them, only a trial in your own sends can tell "
            "(docs/experiments_in_sends.md)."
        )
    told = f"Not yet. {seeds} simulated associations leave open which way it goes; "
    half = (gain.high - gain.low) / 2
    needed = seeds * (half / gain.mean) ** 2 if gain.mean else math.inf
    if needed > MOST_SEEDS:
        return f"{told}a difference as small as the one found would take over {MOST_SEEDS} to show."
    return (
        f"{told}a difference of this size would take about {math.ceil(needed - 1e-9)} to show "
        f"(seeds={math.ceil(needed - 1e-9)})."
    )
