"""What changes while the newsletters go out.

Interests walk and shift, and memberships lapse or are renewed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from simulators.logits import raise_rate

Keyed = Callable[..., np.random.Generator]


@dataclass(frozen=True)
class Drift:
    """How personal interests change from issue to issue.

    Their distribution over members stays what it was. After t issues they correlate with the first
    by ((1 - walk)^(1/2) (1 - shift))^t. What attributes explain of a member's interests stays, and
    so does the readiness to click at all.

    walk: share of their variance that is renewed at each issue, by an autoregressive walk, AR(1)
    shift: chance at each issue that a member's interests are drawn anew, as by another job
    break_at: an issue at which that happens to a share `broken` of all members; 0 never
    broken: that share
    Raises ValueError naming what cannot be.
    """

    walk: float = 0.0
    shift: float = 0.0
    break_at: int = 0
    broken: float = 0.5

    def __post_init__(self) -> None:
        for what in ("walk", "shift", "broken"):
            check.share(f"drift: {what}", getattr(self, what))
        check.at_least("drift: break_at", self.break_at, 0)

    def step(self, rng: np.random.Generator, issue: int, personal: Floats, sd: Floats) -> Floats:
        """Personal interests [n, d] at `issue`, from those at the issue before.

        sd [d]: their standard deviations over members
        The first column, readiness to click, stays.
        """
        shift = self.broken if issue == self.break_at else self.shift
        if not self.walk and not shift:
            return personal
        own = personal.copy()
        if self.walk:
            own[:, 1:] *= np.sqrt(1 - self.walk)
            own[:, 1:] += (
                np.sqrt(self.walk) * sd[1:] * rng.standard_normal((len(own), own.shape[1] - 1))
            )
        moved = np.flatnonzero(rng.random(len(own)) < shift)
        own[moved, 1:] = sd[1:] * rng.standard_normal((len(moved), own.shape[1] - 1))
        return own


class InterestPath:
    """The personal interests of n members at each issue.

    drift: how they change; None where they do not
    first [n, d]: at issue 1
    sd [d]: their standard deviations over members
    keyed: makes a generator for each issue
    The first and the latest are kept. An issue before the latest is walked to from the first.
    """

    def __init__(self, drift: Drift | None, first: Floats, sd: Floats, keyed: Keyed) -> None:
        self._drift, self._first, self._sd, self._keyed = drift, first, sd, keyed
        self._issue, self._latest = 1, first

    def interests(self, issue: int) -> Floats:
        """Personal interests [n, d] at issue `issue`, counted from 1."""
        if self._drift is None:
            return self._first
        if issue < self._issue:
            self._issue, self._latest = 1, self._first
        while self._issue < issue:
            self._issue += 1
            self._latest = self._drift.step(
                self._keyed("drift", self._issue), self._issue, self._latest, self._sd
            )
        return self._latest


@dataclass(frozen=True)
class Membership:
    """A membership ends each `term` issues and is renewed or lapses.

    term: issues from one end to the next
    renewal: chance to renew of a member who is as satisfied as with the reference newsletter
    served: logits that each unit of satisfaction above that adds to renewing
    reminder: logits that a click in the renewal notice adds to renewing
    notice: how many issues before the end renewal notices may go out (`Campaigns.renewal`)
    Raises ValueError naming what cannot be.
    """

    term: int = 52
    renewal: float = 0.85
    served: float = 0.0
    reminder: float = 0.0
    notice: int = 6

    def __post_init__(self) -> None:
        check.at_least("membership: term", self.term, 1)
        check.share("membership: renewal", self.renewal)
        for what in ("served", "reminder", "notice"):
            check.at_least(f"membership: {what}", getattr(self, what), 0)

    def find_first_end(self, joined: Ints, uniform: Floats) -> Ints:
        """The issue with which each member's running term ends [n].

        joined [n]: first issues; who joins later begins a term, who is there from issue 1 stands
            in the middle of one
        uniform [n]: uniforms that say where
        """
        return np.where(
            joined > 1, joined + self.term - 1, 1 + np.floor(uniform * self.term).astype(np.int64)
        )

    def count_left(self, first_end: Ints, issue: int) -> Ints:
        """How many issues of the running term are left after `issue` [n]; 0 where it ends."""
        return np.asarray((first_end - issue) % self.term)

    def chance(self, satisfaction: Floats, usual: float, reminded: Bools) -> Floats:
        """P(renew) [n].

        satisfaction [n]: of members whose term ends
        usual: mean satisfaction with the reference newsletter
        reminded [n]: who clicked in the renewal notice
        """
        base = np.full(len(satisfaction), self.renewal)
        return raise_rate(base, self.served * (satisfaction - usual) + self.reminder * reminded)
