"""Whole newsletters looked at after every issue: intervals that hold at all looks together.

Whoever asks each week whether the new policy is better yet, and stops when it is, is wrong far more
often than an interval for one look says. Open this file for the sequence that allows it.
"""

from collections.abc import Sequence

import numpy as np

from bandit.core.types import Floats
from bandit.ope.estimators import cascade_sn, snips
from bandit.ope.inputs import weigh_items
from bandit.ope.intervals import Interval, normal_interval
from bandit.ope.sample_size import effective_sample_size
from bandit.ope.sequences import Look, make_sequence
from bandit.ope.trust.opening import allow_for, find_opening, free_clicks
from bandit.ope.trust.tiredness import MOST, Tiredness, find_terms, find_tiredness
from bandit.ope.whole.assumptions import MODELLED
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.item_position import read_items
from bandit.ope.whole.position_based import estimate_curve, read_positions, weigh_positions

ESTIMATORS = {"item_position": read_items, "position_based": read_positions}
FROM_TOP = {"snips": snips, "cascade_sn": cascade_sn}
FEW = 5.0  # clicks of equal weight, that the estimate of an issue must be worth
LEAST = 50  # members with a click, for the estimate to be as good as normal


def find_change(log: Beside, estimator: str) -> Floats:
    """What the target earns more than what was sent, terms [n]: of an estimator of `ASSUMES`."""
    return _find_change(log, estimator, _find_tiredness(log, estimator))


def _find_tiredness(log: Beside, estimator: str) -> Tiredness | None:
    """How many clicks a click keeps away, where the estimate has to allow for that."""
    if MODELLED.get(estimator, estimator) not in ESTIMATORS:
        return None
    return find_tiredness(log.clicked, log.opened, log.members)


def _find_change(log: Beside, estimator: str, tired: Tiredness | None) -> Floats:
    top = log.from_top
    if top and estimator in FROM_TOP:
        terms = FROM_TOP[estimator](top.logged, top.target, top.reward)
        return np.asarray(terms - log.count_clicks())
    if top and top.modelled is not None and estimator == "cascade_dr":
        return np.asarray(top.modelled - log.count_clicks())
    plain = MODELLED.get(estimator, estimator)
    opening = find_opening(log)
    apart: Floats = find_terms(log, ESTIMATORS[plain], tired)
    if estimator in MODELLED and log.reward.any():
        curve = estimate_curve(log.logged, free_clicks(log, tired, opening))
        weights = {
            "item_position": weigh_items(log.logged, log.target),
            "position_based": weigh_positions(log.logged, log.target, curve),
        }
        apart = apart + log.vary(weights[plain], curve)
    return np.asarray(allow_for(log, apart, opening) - log.count_clicks())


def look_by_issue(issues: Sequence[Beside], estimator: str, level: float = 0.95) -> list[Look]:
    """The change in clicks a send after each issue, by all issues up to then.

    At a look there is no interval where too few members have clicked, nor, for slots apart and
    looks by slot, where it is known who opened and not yet what a click keeps away, or it keeps
    more away than is allowed for (`trust.tiredness`).

    issues: what is known of each, in order (`look.look_beside`)
    estimator: the one that is believed, a key of `ASSUMES`
    level: of confidence that the intervals of all looks hold together (`sequences`)

    Raises ValueError for what the estimator refuses.
    """
    count = len(issues)
    estimates, variances, ready = np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool)
    for look in range(count):
        log = Beside.join(issues[: look + 1])
        tired = _find_tiredness(log, estimator)
        terms = _find_change(log, estimator, tired)
        member = np.unique(log.members, return_inverse=True)[1]
        groups, total = int(member.max(initial=-1)) + 1, len(terms)
        if groups < 2:
            continue
        estimates[look] = terms.mean()
        rest = np.bincount(member, terms - estimates[look])
        variances[look] = groups / (groups - 1) * float(rest @ rest) / total**2
        clicked = log.members[log.count_clicks() != 0]
        enough = len(np.unique(clicked)) >= LEAST and variances[look] > 0
        ready[look] = enough and _allows(log, estimator, tired)
    return make_sequence(estimates, variances, ready, level)


def _allows(log: Beside, estimator: str, tired: Tiredness | None) -> bool:
    """Whether the estimate allows for clicks that keep others away, as far as one can know."""
    if MODELLED.get(estimator, estimator) not in ESTIMATORS or log.opened is None:
        return True
    return tired is not None and tired.share <= MOST


def lift_by_issue(issues: Sequence[Beside], estimator: str) -> list[Interval | None]:
    """The change in clicks over what was sent, of each issue, as a share: .11 is 11 % more.

    What is estimated besides, such as how often each slot is looked at, is known from all issues.

    issues, estimator: as for `look_by_issue`

    None where fewer than five clicks of equal weight would carry the estimate.
    """
    log = Beside.join(issues)
    change, own = find_change(log, estimator), log.count_clicks()
    ends = np.cumsum([len(issue.members) for issue in issues])
    lifts: list[Interval | None] = []
    for rows in np.split(np.arange(len(own)), ends[:-1]):
        sent, more = own[rows], change[rows]
        if not sent.any() or effective_sample_size(np.maximum(sent + more, 0.0)) < FEW:
            lifts.append(None)
            continue
        share = more.mean() / sent.mean()
        terms = share + (more - share * sent) / sent.mean()  # a ratio, linearised
        lifts.append(normal_interval(terms, log.members[rows]))
    return lifts
