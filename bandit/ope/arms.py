"""The difference between two arms of an experiment, in clicks a newsletter, helped by the past.

A member's past tells much of what they will click in any arm. Taking off what it tells leaves the
expected difference as it was, for members were put into arms by lot, and its variance smaller by
the squared correlation: CUPED (Deng, Xu, Kohavi & Walker 2013). Members are the unit, and clicks a
newsletter is a ratio of two sums over members, which enters by its linearisation (the delta method;
Deng, Knoblich & Lu 2018). Open this file to see what is compared with what.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Floats

LEAST = 50  # members of each arm who clicked, for the difference to be as good as normal


@dataclass(frozen=True)
class Arm:
    """The members of an arm up to a look, [n].

    clicks: of each member, in all newsletters of the experiment
    mails: newsletters delivered to each
    past: a number for each from before the experiment, such as `measure_past`; zeros tell nothing

    Raises ValueError for shapes that differ, a value that is not finite, fewer than two members,
    and an arm to which nothing was delivered.
    """

    clicks: Floats
    mails: Floats
    past: Floats

    def __post_init__(self) -> None:
        n = len(self.clicks)
        for name, values in vars(self).items():
            check.shape(name, values, (n,))
            check.finite(name, np.asarray(values, np.float64)[:, None], range(n))
        if n < 2 or not self.mails.sum() > 0:
            raise ValueError(
                f"an arm has {n} members and {self.mails.sum():g} newsletters delivered; "
                "must have at least 2 and 1"
            )

    @property
    def rate(self) -> float:
        """Clicks a newsletter delivered."""
        return float(self.clicks.sum() / self.mails.sum())

    def _linearise(self) -> tuple[Floats, Floats]:
        """What each member adds to the arm's rate, and to its mean past, around what they are."""
        rest = self.clicks - self.rate * self.mails
        n = len(self.clicks)
        scale = np.sqrt(n / (n - 1))
        past = self.past - self.past.mean()
        return scale * rest / self.mails.sum(), scale * past / n


@dataclass(frozen=True)
class Difference:
    """Clicks a newsletter in the second arm less the first.

    estimate, variance: with the past taken off
    plain, plain_variance: without
    slope: clicks a newsletter by unit of the past
    """

    estimate: float
    variance: float
    plain: float
    plain_variance: float
    slope: float


def compare(first: Arm, second: Arm) -> Difference:
    """The difference between two arms, and its variance over members.

    The slope is the one with the least variance: that of the members' parts in the difference on
    their parts in the difference of the past (Deng et al. 2013, section 3.2, for any two shares).
    """
    parts = [arm._linearise() for arm in (first, second)]
    own, past = (np.concatenate(side) for side in zip(*parts, strict=True))
    plain = second.rate - first.rate
    plain_variance = float(own @ own)
    known = float(past @ past)
    slope = float(own @ past) / known if known > 0 else 0.0
    apart = float(second.past.mean() - first.past.mean())
    left = own - slope * past
    return Difference(plain - slope * apart, float(left @ left), plain, plain_variance, slope)


def measure_past(clicks: Floats, mails: Floats) -> Floats:
    """How many more clicks than others with as many newsletters each member had before, [n].

    It is (clicks - rate mails) / mean mails: 0 for members of whom there is no past.

    clicks, mails: [n], of each member, in newsletters before the experiment
    """
    if not mails.sum() > 0:
        return np.zeros(len(mails))
    rate = clicks.sum() / mails.sum()
    return np.asarray((clicks - rate * mails) / mails.mean())
