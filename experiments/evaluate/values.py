"""Every estimate of a judgement once, as rows of numbers.

Open this file for what estimates.parquet holds, and which estimates a table shows.
"""

from bandit.ope.intervals import Interval
from experiments.evaluate.judge import Judgement, list_estimates


def list_values(found: Judgement) -> list[dict[str, object]]:
    """A row for each estimate, what was sent first: numbers, NaN for none, and the reason."""
    rows = [_describe("sent", found.slots, found.sent[-1], None, float(found.sends), "")]
    wholes, tops = list_estimates(found)
    for whole in wholes:
        told = (whole.interval, whole.lift, whole.ess, whole.reason)
        rows.append(_describe(whole.estimator, found.slots, *told))
    for top in tops:
        rows.append(_describe(top.estimator, top.slots, top.interval, None, top.ess, top.reason))
    return rows


def _describe(
    estimator: str,
    slots: int,
    value: Interval | None,
    lift: Interval | None,
    ess: float,
    reason: str,
) -> dict[str, object]:
    none = Interval(*[float("nan")] * 3)
    v, over = value or none, lift or none
    return {
        "estimator": estimator,
        "slots": slots,
        "value": v.estimate,
        "low": v.low,
        "high": v.high,
        "lift": over.estimate,
        "lift_low": over.low,
        "lift_high": over.high,
        "ess": ess,
        "reason": reason,
    }
