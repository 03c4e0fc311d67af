"""What a target would have earned on whole newsletters, where the log lets one believe it.

Four estimates assume more and more of clicks, and are surer the more they assume. What they assume
is tested on the log; what fails is refused, and so is what contradicts an estimate that assumes
less. The surest that is left is the answer, so nobody has to choose: SLOPE (Su, Srinath &
Krishnamurthy 2020, `ope.choosing.slope`), with paired differences in place of its margins, for the
estimates share their luck. Open this file for the limits that an answer has to pass.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bandit.core import check
from bandit.core.types import Floats
from bandit.ope.estimators import cascade_sn, snips
from bandit.ope.inputs import weigh_items
from bandit.ope.intervals import Interval, normal_interval
from bandit.ope.trust import limits
from bandit.ope.trust.dependence import (
    DOUBT,
    Dependence,
    find_crowding,
    find_crowding_of_one,
    find_dependence,
)
from bandit.ope.trust.opening import Opening, allow_for, find_opening, free_clicks
from bandit.ope.trust.tiredness import Tiredness, find_terms, find_tiredness
from bandit.ope.whole.assumptions import APART, ASSUMES, MODELLED
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.item_position import read_items
from bandit.ope.whole.position_based import estimate_curve, read_positions, weigh_positions

if TYPE_CHECKING:
    from bandit.ope.evaluate import Estimate


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

    @property
    def margin(self) -> float | None:
        """Half the width of the lift's interval, as a share of what was sent."""
        return None if self.lift is None else (self.lift.high - self.lift.low) / 2


@dataclass(frozen=True)
class WholeAnswer:
    """All that a log says of one target on whole newsletters.

    estimates: one for each assumption, from the fewest to the most
    sent: what was sent earned, in clicks a send
    dependence: whether clicks depend on other slots
    curve: [k], looks of each slot relative to the first, where nothing above was clicked; NaN where
        nothing is known of them
    tired: how many clicks a click keeps away; None: not known
    opening: how many more newsletters are opened for their first article; None: not known
    """

    estimates: tuple[WholeEstimate, ...]
    sent: Interval
    dependence: Dependence
    curve: Floats
    tired: Tiredness | None = None
    opening: Opening | None = None

    @property
    def best(self) -> WholeEstimate | None:
        """The one that may be believed whose lift is known best; None where there is none."""
        known = [each for each in self.estimates if each.margin is not None]
        return min(known, key=lambda each: each.margin or 0.0, default=None)


def evaluate_whole(
    log: Beside,
    least_ess: float = 500.0,
    least_clicks: float = 30.0,
    level: float = 0.95,
    name: Callable[[int], str] = "send {}".format,
    top: "Estimate | None" = None,
) -> WholeAnswer:
    """What the target would have earned on all slots: intervals, or reasons why there are none.

    The question is that of `ope.evaluate`: each issue as it was, with the log's own past, but this
    policy's newsletters. Slots apart (item-position) and looks by slot (position-based) are given
    where
    (1) the log does not show that clicks depend on other slots (p < 1 %: `trust.dependence`),
        but for clicks that keep others away: that is allowed for where the log tells how many,
        up to 75 % (`trust.tiredness`), and else must not show (p < 10 %); and for newsletters
        that are opened for their first article (`trust.opening`),
    (2) at most 1 % of what the target wants in any slot may be what the logger never shows,
    (3) the effective sample size of every slot is at least least_ess,
    (4) the weights average 1, within 2 % and four standard errors,
    (5) the clicks count as least_clicks of equal weight, and no send is over a fifth of the sum.
    The cascade is given where the log does not show that clicks depend on slots below, and like
    SNIPS where `ope.evaluate` reaches the last slot; both only if `log.from_top` is known, and the
    cascade with a model beside it where there is one. What
    contradicts an estimate that is given under fewer assumptions (p < 1 %) is not given.

    log: what is known of the log beside it (`look.look_beside`)
    least_ess: a higher one answers more rarely and more reliably
    least_clicks: likewise, of slots apart and looks by slot
    level: of confidence, in (0, 1); a higher one gives wider intervals
    name: says which send a row is, for reasons
    top: any estimate of `ope.evaluate` of `log.from_top`, which says down to which slot there may
        be one; None: there is none of whole newsletters from the top

    Raises ValueError for impossible values, limits below 1, or a log of fewer than two members.
    """
    check.at_least("least_ess", least_ess, 1.0)
    check.at_least("least_clicks", least_clicks, 1.0)
    k = log.reward.shape[1]
    own = log.count_clicks()
    sent = normal_interval(own, log.members, level)
    tired = find_tiredness(log.clicked, log.opened, log.members)
    opening = find_opening(log)
    free = free_clicks(log, tired, opening)
    found = find_dependence(free[..., None, None] * log.leans, log.members[log.rows])
    dependence = replace(found, together=_find_together(log))
    if tired:
        dependence = replace(dependence, kept=tired.share, error=tired.error)
    curve: Floats = np.full(k, np.nan)
    if not own.any():
        why = "nothing was clicked"
        silent = [WholeEstimate(each, None, None, None, 0.0, why) for each in _list_names(top)]
        return WholeAnswer(tuple(silent), sent, dependence, curve, tired, opening)
    weighed = _weigh_from_top(log, dependence, top)
    if len(log.rows):
        curve = estimate_curve(log.logged, free)
        reads = zip(APART, (read_items, read_positions), strict=True)
        apart = {each: find_terms(log, read, tired) for each, read in reads}
        weighed += _weigh_apart(
            log, apart, opening, dependence, curve, least_ess, least_clicks, name
        )
    answers: list[WholeEstimate] = []
    given: dict[str, Floats] = {}
    for each, terms, ess, reason in weighed:
        reason = reason or _find_contradiction(each, terms, given, log)
        if reason:
            answers.append(WholeEstimate(each, None, None, None, ess, reason))
            continue
        given[each] = terms
        over = terms.mean() / own.mean()
        more = over - 1 + (terms - over * own) / own.mean()  # a ratio, linearised
        value, change, lift = (
            normal_interval(part, log.members, level) for part in (terms, terms - own, more)
        )
        answers.append(WholeEstimate(each, value, change, lift, ess, ""))
    return WholeAnswer(tuple(answers), sent, dependence, curve, tired, opening)


Weighed = tuple[
    str, Floats, float, str
]  # an estimator, its terms [n], what they count as, a reason
UNSEEN = {  # what it means that an estimate contradicts one which assumes less
    "cascade_sn": "clicks depend on the slots below",
    "cascade_dr": "who opens depends on the articles, or clicks on the slots below",
    "item_position": "clicks depend on other slots",
    "item_position_dr": "who opens depends on the articles",
    "position_based": "looks depend on more than the slot",
    "position_based_dr": "who opens depends on the articles, or looks on more than the slot",
}


def _find_together(log: Beside) -> float:
    """p-value that a click does not keep others away, by who opened where that is known."""
    if log.opened is not None:
        p = find_crowding_of_one(log.clicked, log.opened, log.members)
        if p == p:
            return p
    return find_crowding(log.reward, len(log.members))


def _list_names(top: "Estimate | None") -> list[str]:
    return [each for each in ASSUMES if each in APART or (top and each not in MODELLED)]


def _weigh_from_top(log: Beside, dependence: Dependence, top: "Estimate | None") -> list[Weighed]:
    """SNIPS and the cascade, with a model and without, where what they need is known."""
    seen = log.from_top
    if not seen or not top:
        return []
    found: list[Weighed] = []
    for each, estimator in (("snips", snips), ("cascade_sn", cascade_sn)):
        below = replace(dependence, above=float("nan"), together=float("nan"))
        untold = log.reward.shape[1] > 1 and not below.least >= DOUBT
        why = top.reason or (below.words if each == "cascade_sn" and untold else "")
        terms = np.zeros(0) if why else estimator(seen.logged, seen.target, seen.reward)
        found.append((each, terms, top.ess, why))
    if seen.modelled is not None:  # what the cascade needs, it needs too
        found.append(("cascade_dr", np.zeros(0) if why else seen.modelled, top.ess, why))
    return found


def _weigh_apart(
    log: Beside,
    terms: dict[str, Floats],
    opening: Opening | None,
    dependence: Dependence,
    curve: Floats,
    least_ess: float,
    least_clicks: float,
    name: Callable[[int], str],
) -> list[Weighed]:
    """Slots apart, and looks by slot, whose terms [n] are given as if all were opened alike."""
    reward, n = log.reward, len(log.members)
    looks = np.broadcast_to(curve, reward.shape)
    weights = {
        "item_position": weigh_items(log.logged, log.target),
        "position_based": weigh_positions(log.logged, log.target, curve),
    }
    shared = _find_shared_reason(log, dependence)
    found: list[Weighed] = []
    for each, w in weights.items():
        by_slot, sample = each == "item_position", (w[log.sampled], looks[log.sampled])
        ess, where = limits.count_sends(*sample, n, by_slot)
        reason = shared
        if not reason and ess < least_ess:
            reason = (
                f"{where}the {n:,} sends count as {ess:.0f} that chose as this policy would, "
                f"fewer than {least_ess:g}"
            )
        reason = reason or limits.find_bias(*sample, by_slot)
        reason = reason or limits.find_heaviest(w * reward, name, log.rows, least_clicks)
        found.append((each, allow_for(log, terms[each], opening), ess, reason))
        if log.appeal is not None:
            modelled = allow_for(log, terms[each] + log.vary(w, curve), opening)
            found.append((f"{each}_dr", modelled, ess, reason))
    return found


def _find_shared_reason(log: Beside, dependence: Dependence) -> str:
    """Why no estimate that assumes slots apart may be believed; empty where there is no reason."""
    if dependence.refuted:
        return dependence.words
    if log.sampled.sum() < 2:
        return "too few sends were looked at to see how large the weights are"
    own = np.arange(log.reward.shape[1])
    wanted = log.target[:, own, own][log.sampled]
    return limits.find_lost(wanted, log.supported[log.sampled])


def _find_contradiction(each: str, terms: Floats, given: dict[str, Floats], log: Beside) -> str:
    """Why an estimate that assumes more than those given cannot be right."""
    for other, theirs in given.items():
        apart = normal_interval(terms - theirs, log.members, 1 - DOUBT)
        if not apart.low <= 0 <= apart.high:
            return (
                f"it contradicts what {other.replace('_', '-')} weights say by "
                f"{apart.estimate:+.3g} clicks a send: {UNSEEN[each]}"
            )
    return ""
