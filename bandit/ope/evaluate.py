"""One answer a reader can act on: an interval, or the reason why this log cannot give one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats
from bandit.ope import estimators
from bandit.ope.diagnostics import effective_sample_size, find_depth, measure_lost, weights
from bandit.ope.inputs import check_inputs
from bandit.ope.intervals import Interval, normal_interval

ESTIMATORS: dict[str, Callable[..., Floats]] = {
    "ips": estimators.ips,
    "snips": estimators.snips,
    "cascade": estimators.cascade,
    "cascade_sn": estimators.cascade_sn,
}
MOST_LOST = 0.01  # share of the target's slates; intervals were at best 17 % of the estimate wide to each side (below)


@dataclass(frozen=True)
class Estimate:
    """Clicks a send on the first `slots` slots. interval is None where the log cannot tell. ess: effective sample size at
    the last slot evaluated (slot 1 where none is). reason: why no number or why not more slots, empty for whole slates."""

    estimator: str
    slots: int
    interval: Interval | None
    ess: float
    reason: str


def evaluate(
    logged: Floats,
    target: Floats,
    reward: Floats | Bools,
    full_support: Bools,
    members: NDArray[Any],
    least_ess: float = 500.0,
    least_clicks: float = 10.0,
    level: float = 0.95,
) -> list[Estimate]:
    """What the target policy would have earned, by every estimator, on as many slots from the top as the log supports.

    logged, target, reward as for the estimators and full_support (every open article could be drawn), all [n, k]; members
    [n] ids, whose sends count as dependent. A slot is evaluated while (1) at most 1 % of the target's slates may be ones
    the logger never shows (`diagnostics.measure_lost`), (2) the effective sample size is at least least_ess, and (3) times the
    share of sends with a click on these slots it is at least least_clicks. Compare policies on the same slots.

    The question answered is: each issue as it was, with the log's own past (its profiles, its repeats), but this policy's
    slate. The target must not have learned from the clicks it is judged by.

    The defaults come from measured coverage of nominal 95 % intervals: uniform logger over 40 articles, near-greedy target
    (5 % explores), clicks .2 to .02 an open from a member's best article to the worst, 37 % open, 14 sends a member; 500 to
    1,500 logs each, at slot 1, `cascade_sn`; "poor" wants the articles clicked least. Plain: Student's t with members - 1
    degrees of freedom; ours: `normal_interval`.

        sends   ess    clicks   plain, ours (good target)   plain, ours (poor target)
        3,600     99     2.1     .92   .99                   .50   .50
        9,000    249     5.3     .95   .97                   .83   .84
       18,000    497    10.7     .94   .95                   .87   .98
       36,000    994    21.3     .95   .96                   .91  1.00
       70,000  1,933    41.5     .94   .95                   .93   .96

    Below the defaults intervals miss from below: no heavy click was seen, so estimate and width are both too small. With a
    softmax logger so sharp that rare slates carry most of E w^2, ess 435 covered only .85 to .93, and what passed the
    defaults at 80,000 sends .90 to .94 (100 logs): ess cannot count weights it has not met.
    Raises ValueError for impossible values, limits below 1, or a log of fewer than two members.
    """
    check_inputs(logged, target, reward)
    n, k = logged.shape
    check.shape("full_support", full_support, (n, k))
    check.shape("members", members, (n,))
    check.at_least("least_ess", least_ess, 1.0)
    check.at_least("least_clicks", least_clicks, 1.0)
    missing = measure_lost(logged, target, full_support)
    ess = np.array([effective_sample_size(w) for w in weights(logged, target).T])
    clicks = ess * np.logical_or.accumulate(reward != 0, axis=1).mean(axis=0)
    supported = int((missing <= MOST_LOST).sum())
    heavy = find_depth(logged, target, least_ess)
    clicked = int(np.logical_and.accumulate(clicks >= least_clicks).sum())
    slots = min(supported, heavy, clicked)
    if slots == k:
        reason = ""
    elif slots == supported:
        share = f"{missing[slots]:.1%} of what this policy wants, more than {MOST_LOST:.0%}"
        reason = f"the logging policy may never show {share}"
    elif slots == heavy:
        reason = f"{n} sends count as {ess[slots]:.0f} that chose as this policy would, fewer than {least_ess:g}"
    else:
        reason = f"the sends that count hold about {clicks[slots]:.1f} with a click, fewer than {least_clicks:g}"
    if reason:
        reason = f"at slot {slots + 1} {reason}"
    size = float(ess[max(slots, 1) - 1])
    if not slots:
        return [Estimate(name, 0, None, size, reason) for name in ESTIMATORS]
    member = np.unique(members, return_inverse=True)[1]
    top = (logged[:, :slots], target[:, :slots], reward[:, :slots])
    intervals = {
        name: normal_interval(terms(*top), member, level) for name, terms in ESTIMATORS.items()
    }
    return [Estimate(name, slots, interval, size, reason) for name, interval in intervals.items()]
