"""A gain in a sentence, no bolder than its interval."""

from experiments.report.page import count_decimals, format_percent
from experiments.study.cells import Gain


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
