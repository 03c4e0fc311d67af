"""What a target would have earned on whole newsletters, where the log lets one believe it.

Two assumptions about clicks bring a newsletter of many slots within a log's reach. Each is tested
on the log; what fails is refused, and the reason says why. Open this file for the limits that an
answer has to pass.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bandit.core import check
from bandit.core.types import Floats
from bandit.ope.diagnostics import MOST_LOST
from bandit.ope.inputs import check_chances
from bandit.ope.intervals import Interval, normal_interval
from bandit.ope.sample_size import effective_sample_size
from bandit.ope.whole.assumptions import ASSUMES
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.dependence import DOUBT, Dependence, find_crowding, find_dependence
from bandit.ope.whole.item_position import item_position, weigh_items
from bandit.ope.whole.position_based import (
    estimate_curve,
    position_based_learned,
    weigh_positions,
)

MOST_SHARE = 0.2  # of the estimate that one send may be
FAR_OFF = 0.02  # from 1, by which the mean weight may be off beyond its own error


@dataclass(frozen=True)
class WholeEstimate:
    """What the target would have earned on whole newsletters, under one assumption.

    estimator: its name, a key of `ASSUMES`
    interval: clicks a send; None where the log cannot tell
    change: the same, less what was sent
    lift: the same, over what was sent, as a share: .11 is 11 % more
    ess: effective sample size, in sends: for item-position of the slot where it is smallest
    reason: why there is no number; empty where there is one
    """

    estimator: str
    interval: Interval | None
    change: Interval | None
    lift: Interval | None
    ess: float
    reason: str


@dataclass(frozen=True)
class WholeAnswer:
    """All that a log says of one target on whole newsletters.

    estimates: one for each assumption
    sent: what was sent earned, in clicks a send
    dependence: whether clicks depend on other slots
    curve: [k], looks of each slot relative to the first
    """

    estimates: tuple[WholeEstimate, ...]
    sent: Interval
    dependence: Dependence
    curve: Floats

    @property
    def best(self) -> WholeEstimate | None:
        """The narrowest estimate that may be believed; None where there is none."""
        widths = {
            at: each.change.high - each.change.low
            for at, each in enumerate(self.estimates)
            if each.change
        }
        return self.estimates[min(widths, key=widths.__getitem__)] if widths else None


def evaluate_whole(
    log: Beside,
    least_ess: float = 500.0,
    least_clicks: float = 30.0,
    level: float = 0.95,
    name: Callable[[int], str] = "send {}".format,
) -> WholeAnswer:
    """What the target would have earned on all slots: intervals, or reasons why there are none.

    The question is that of `ope.evaluate`: each issue as it was, with the log's own past, but this
    policy's newsletters. An estimate is given where
    (1) the log does not show that clicks depend on other slots (`dependence`, p < 1 %),
    (2) at most 1 % of what the target wants in any slot may be what the logger never shows,
    (3) the effective sample size of every slot is at least least_ess,
    (4) the weights average 1, within 2 % and four standard errors,
    (5) the clicks count as least_clicks of equal weight, and no send is over a fifth of the sum,
    (6) and, for the position-based one, it does not contradict the item-position one (p < 1 %).

    log: what is known of the log beside it (`look.look_beside`)
    least_ess: a higher one answers more rarely and more reliably
    least_clicks: likewise
    level: of confidence, in (0, 1); a higher one gives wider intervals
    name: says which send a row is, for reasons

    Raises ValueError for impossible values, limits below 1, or a log of fewer than two members.
    """
    check.at_least("least_ess", least_ess, 1.0)
    check.at_least("least_clicks", least_clicks, 1.0)
    n, k = len(log.members), log.reward.shape[1]
    reward = log.reward
    own = np.bincount(log.rows, reward.sum(axis=1), n).astype(np.float64)
    sent = normal_interval(own, log.members, level)
    found = find_dependence(log.leans, log.members[log.rows])
    dependence = replace(found, together=find_crowding(reward, n))
    curve: Floats = np.ones(k)
    if not reward.any():
        why = "nothing was clicked"
        silent = [WholeEstimate(each, None, None, None, 0.0, why) for each in ASSUMES]
        return WholeAnswer(tuple(silent), sent, dependence, curve)
    check_chances(log.logged, log.target, reward)
    curve = estimate_curve(log.logged, reward)
    looks = np.broadcast_to(curve, reward.shape)
    weights = {
        "item_position": weigh_items(log.logged, log.target),
        "position_based": weigh_positions(log.logged, log.target, curve),
    }
    terms = {
        "item_position": item_position(log.logged, log.target, reward),
        "position_based": position_based_learned(log.logged, log.target, reward),
    }
    spread: dict[str, Floats] = {
        each: np.bincount(log.rows, given, n).astype(np.float64) for each, given in terms.items()
    }
    apart = normal_interval(spread["position_based"] - spread["item_position"], log.members, 0.99)
    shared = _find_shared_reason(log, dependence)
    answers, earlier = [], ""
    for each, w in weights.items():
        by_slot, sample = each == "item_position", (w[log.sampled], looks[log.sampled])
        ess = _count_sends(*sample, n, by_slot)
        reason = shared
        if not reason and ess < least_ess:
            reason = (
                f"{n} sends count as {ess:.0f} that chose as this policy would, "
                f"fewer than {least_ess:g}"
            )
        reason = reason or _find_bias(*sample, by_slot)
        reason = reason or _find_heaviest(w * reward, name, log, least_clicks)
        if not reason and each == "position_based" and not earlier and not _holds_zero(apart):
            reason = (
                "it contradicts what item-position weights say by "
                f"{apart.estimate:+.3g} clicks a send: looks depend on more than the slot"
            )
        earlier = earlier or reason
        if reason:
            answers.append(WholeEstimate(each, None, None, None, ess, reason))
            continue
        over = spread[each].mean() / own.mean()
        more = over - 1 + (spread[each] - over * own) / own.mean()  # a ratio, linearised
        value, change, lift = (
            normal_interval(part, log.members, level)
            for part in (spread[each], spread[each] - own, more)
        )
        answers.append(WholeEstimate(each, value, change, lift, ess, ""))
    return WholeAnswer(tuple(answers), sent, dependence, curve)


def _holds_zero(interval: Interval) -> bool:
    return interval.low <= 0 <= interval.high


def _find_shared_reason(log: Beside, dependence: Dependence) -> str:
    """Why no estimate that assumes slots apart may be believed; empty where there is no reason."""
    if dependence.least < DOUBT:
        return dependence.words
    if log.sampled.sum() < 2:
        return "too few sends were looked at to see how large the weights are"
    own = np.arange(log.reward.shape[1])
    wanted = log.target[:, own, own][log.sampled]
    missing = np.where(log.supported[log.sampled], 0.0, 1.0 - wanted)
    lost = np.maximum(missing, 0.0).mean(axis=0)
    if lost.max() > MOST_LOST:
        return (
            f"at slot {int(lost.argmax()) + 1} the logging policy may never show {lost.max():.1%} "
            f"of what this policy wants, more than {MOST_LOST:.0%}"
        )
    return ""


def _find_bias(w: Floats, looks: Floats, by_slot: bool) -> str:
    """Why the weights [s, k] of a sample do not average 1, as they must; empty where they do.

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


def _count_sends(w: Floats, looks: Floats, n: int, by_slot: bool) -> float:
    """How many sends of equal weight are as good as all n, from weights [s, k] of a sample.

    looks, by_slot: as for `_find_bias`; by slot, it is the slot where they are fewest
    """
    if not len(w):
        return 0.0
    if by_slot:
        return n * min(effective_sample_size(column) for column in w.T) / len(w)
    total, square = (w * looks).sum(), (w**2 * looks).sum()
    return float(n * total**2 / square / looks[0].sum() / len(w)) if square > 0 else 0.0


def _find_heaviest(
    counted: Floats, name: Callable[[int], str], log: Beside, least_clicks: float
) -> str:
    """Why too few clicks carry the estimate, from weighted clicks [e, k]; empty if enough do."""
    total = counted.sum()
    if not total > 0:
        return "no click was of an article that this policy would show there"
    i, j = np.unravel_index(int(counted.argmax()), counted.shape)
    share = counted[i, j] / total
    if share > MOST_SHARE:
        return (
            f"one click, of {name(int(log.rows[i]))}, slot {j + 1}, is {share:.0%} of the estimate"
        )
    clicks = effective_sample_size(counted.ravel())
    if clicks < least_clicks:
        return f"the clicks count as {clicks:.1f} of equal weight, fewer than {least_clicks:g}"
    return ""
