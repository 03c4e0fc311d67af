"""Confidence sequences: intervals that hold at every look at once, so one may look every issue.

The members are the unit. They are many and the same ones return issue after issue, so what comes
back is correlated within a member for good, and no number of issues makes the members more. What
is random is therefore which members they are, and with that the estimate after each issue: over the
issues it is a Gaussian process, by the central limit theorem over members, whose variance V_t comes
from each member's sum up to then (cluster-robust, Liang & Zeger 1986).

Where a member's answers are exchangeable over the issues (a lasting rate of their own, and luck),
the estimates have independent increments: the covariance of two is the variance of the later one,
as for any efficient estimator (Scharfstein, Tsiatis & Robins 1997). Then estimate / V_t is a
Brownian motion at time 1 / V_t, and Robbins' normal mixture bounds all of it at once (Howard,
Ramdas, McAuliffe & Sekhon 2021, equation 14; asymptotic in the sense of Waudby-Smith, Arbour,
Sinha, Kennedy & Ramdas 2024, but in members, not in issues). A sequence that took issues or mails
for units would take the lasting difference of the members' rates for an effect, and be wrong sooner
or later with certainty.

Where the answers depend on one another otherwise (tastes drift, issues differ), the bound is no
theorem. It never comes below 3.03 standard errors at .95, so it is wrong at most .0025 of the time
at each look: T looks are wrong in at most .0025 T of all cases, whatever the dependence, which is
.05 for 20. docs/experiments_in_sends.md says what was measured. Open this file to look at an
estimate again and again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ids, Ints
from bandit.ope.intervals import MOST, Interval

# The bound is tightest at so many times the information of the first look. At level .95 it is 3.25
# standard errors wide at that look, 3.03 where it is tightest, and 3.28 at 50 times the first.
TIGHTEST = 4.0


@dataclass(frozen=True)
class Look:
    """What is known at one look.

    interval: of the sequence; None where too little has come back for one
    error: standard error of the estimate, NaN where there is none
    """

    interval: Interval | None
    error: float


def bound_errors(information: Floats, level: float = 0.95, tightest: float = TIGHTEST) -> Floats:
    """How many standard errors the sequence is wide to each side, at each look [t].

    It is sqrt((1 + x) log((1 + x) / (x (1 - level)^2))), x = r / information: the two-sided normal
    mixture of Howard et al. (2021), equation 14, divided by the square root of its time. r makes
    it tightest at `tightest` times the first information.

    information: 1 / variance at each look [t]; any unit
    level: of confidence, in (0, 1), of all looks together
    tightest: where the bound is tightest; more is wider at first and tighter later

    Raises ValueError for what is no variance or level.

    >>> bound_errors(np.array([1.0, 4.0, 16.0, 1024.0])).round(2).tolist()
    [3.25, 3.04, 3.13, 3.69]
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level}; must be in (0, 1)")
    check.at_least("tightest", tightest, 1e-6)
    if not ((information > 0) & np.isfinite(information)).all():
        odd = information[~((information > 0) & np.isfinite(information))][0]
        raise ValueError(f"information = {odd}; must be a positive number")
    alpha = 1.0 - level
    x = _find_best(alpha) * tightest * information[:1] / information
    return np.asarray(np.sqrt((1 + x) * (np.log1p(x) - np.log(x) - 2 * math.log(alpha))))


def _find_best(alpha: float) -> float:
    """The x at which the bound is tightest: 1 / x = log((1 + x) / x) - 2 log(alpha).

    It is 1 / (-W(-alpha^2 / e) - 1) with the lower branch of Lambert's function (Howard et al.
    2021, proposition 3), found here by stepping to the fixed point.
    """
    x = 0.1
    for _ in range(200):
        x = 1.0 / (math.log1p(x) - math.log(x) - 2 * math.log(alpha))
    return x


def make_sequence(
    estimates: Floats,
    variances: Floats,
    ready: Bools,
    level: float = 0.95,
    tightest: float = TIGHTEST,
) -> list[Look]:
    """What is known at each look, of estimates whose increments are independent.

    estimates, variances: [t], after each issue
    ready: [t], enough has come back that the estimate is as good as normal; before the first such
        look, and at any other that is not, there is no interval
    level: of confidence that the intervals of all looks hold together
    tightest: as for `bound_errors`, counted from the first look that is ready

    Raises ValueError for shapes that differ, and a variance that is ready but not positive.
    """
    check.shape("variances", variances, estimates.shape)
    check.shape("ready", ready, estimates.shape)
    if not ready.any():
        return [Look(None, math.nan) for _ in ready]
    errors = np.sqrt(variances[ready])
    if not (errors > 0).all():
        raise ValueError(f"variance = {variances[ready].min()}; must be a positive number")
    margins = errors * bound_errors(1.0 / variances[ready], level, tightest)
    found = iter(zip(estimates[ready].tolist(), errors.tolist(), margins.tolist(), strict=True))
    looks = []
    for enough in ready.tolist():
        if not enough:
            looks.append(Look(None, math.nan))
            continue
        estimate, error, margin = next(found)
        looks.append(Look(Interval(estimate, estimate - margin, estimate + margin), error))
    return looks


def mean_sequence(
    terms: Floats,
    members: Ids,
    looks: Ints,
    level: float = 0.95,
    tightest: float = TIGHTEST,
    least: int = 50,
) -> list[Look]:
    """The mean of an estimator's terms at each look, anytime-valid, the members being the unit.

    For the difference of two policies pass the differences of their terms.

    terms: [n], one for each send
    members: [n], ids: sends to one member depend on one another
    looks: [n], the number of the look, from 0, at which a send's term is known: mostly its issue
    level, tightest: as for `make_sequence`
    least: members with a term that is not 0; with fewer there is no interval

    Raises ValueError for shapes that differ, and terms that are not finite or too large.
    """
    n = len(terms)
    check.shape("terms", terms, (n,))
    check.shape("members", members, (n,))
    check.shape("looks", looks, (n,))
    check.finite("terms", terms[:, None], range(n))
    if float(np.abs(terms).max(initial=0.0)) > MOST:
        raise ValueError(f"terms reach {np.abs(terms).max():.3g}; must be at most {MOST:g} in size")
    member = np.unique(members, return_inverse=True)[1]
    count = int(looks.max(initial=-1)) + 1
    size = int(member.max(initial=-1)) + 1
    sums, sends = np.zeros((2, size))
    heard = np.zeros(size, dtype=bool)
    estimates, variances, ready = np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool)
    for look in range(count):
        now = looks == look
        sums += np.bincount(member[now], terms[now], minlength=size)
        sends += np.bincount(member[now], minlength=size)
        heard[member[now & (terms != 0)]] = True
        total, groups = sends.sum(), int((sends > 0).sum())
        if groups < 2:
            continue
        estimates[look] = sums.sum() / total
        squares = ((sums - estimates[look] * sends) ** 2).sum()
        variances[look] = groups / (groups - 1) * squares / total**2
        ready[look] = heard.sum() >= least and variances[look] > 0
    return make_sequence(estimates, variances, ready, level, tightest)


def find_first(looks: Sequence[Look]) -> int | None:
    """The first look at which 0 is outside the interval; None where there is none."""
    for number, look in enumerate(looks):
        if look.interval and not look.interval.low <= 0 <= look.interval.high:
            return number
    return None
