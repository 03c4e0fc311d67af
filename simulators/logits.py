"""Chances that are moved by shifts in logits: of opening, of unsubscribing, of renewing."""

import numpy as np

from bandit.core.types import Floats
from simulators.crossing import find_crossing


def raise_rate(rate: Floats, shift: Floats) -> Floats:
    """expit(logit(rate) + shift), of any shape.

    It is computed in a form that leaves rates of 0 and 1, and all rates at shift 0, as they are,
    bit for bit.
    """
    shift = np.clip(shift, -600, 600)
    return np.clip(
        rate + rate * (1 - rate) * np.expm1(shift) / (1 - rate + rate * np.exp(shift)), 0.0, 1.0
    )


def anchor_rates(rate: Floats, shift: Floats) -> float:
    """The logits a for which the mean of `raise_rate(rate, shift + a)` is that of `rate`.

    Both arrays are [n]. The answer is 0 where no shift differs from 0.
    """
    if not shift.any():
        return 0.0
    wanted = rate.mean()
    return find_crossing(lambda a: bool(raise_rate(rate, shift + a).mean() > wanted), -12.0, 12.0)
