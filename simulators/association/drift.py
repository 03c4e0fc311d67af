"""What changes while the newsletters go out: interests that walk and shift, and members who lapse or renew."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from simulators.association.rates import raise_rate

Keyed = Callable[..., np.random.Generator]


@dataclass(frozen=True)
class Drift:
    """How personal interests change from issue to issue, so that their distribution over members stays what it was.

    walk: share of their variance that is renewed at each issue (an autoregressive walk, AR(1)). shift: chance at each issue
    that a member's interests are drawn anew (another job). break_at: an issue at which that happens to a share `broken` of
    all; 0 never. After t issues they correlate with the first by ((1 - walk)^(1/2) (1 - shift))^t. What a member has in
    common with their attributes, and the readiness to click at all, stay. Raises ValueError naming what cannot be.
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
        """Personal interests [n, d] at `issue` from those at the one before; the first column stays. sd [d]."""
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
    """Personal interests at each issue. Keeps the first and the latest: going back walks again from the first."""

    def __init__(self, drift: Drift | None, first: Floats, sd: Floats, keyed: Keyed) -> None:
        self._drift, self._first, self._sd, self._keyed = drift, first, sd, keyed
        self._issue, self._latest = 1, first

    def interests(self, issue: int) -> Floats:
        """[n, d] at issue `issue`, counted from 1."""
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

    renewal: chance to renew of a member as satisfied as with the reference newsletter. served: logits added by each unit of
    satisfaction above it; reminder: by having clicked on the renewal notice. notice: issues before the end in which
    notices go out (`simulators.association.campaigns`). Raises ValueError naming what cannot be.
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

    def first_end(self, joined: Ints, uniform: Floats) -> Ints:
        """The issue with which each member's running term ends [n]: founders are spread over a term, others begin one."""
        return np.where(
            joined > 1, joined + self.term - 1, 1 + np.floor(uniform * self.term).astype(np.int64)
        )

    def left(self, first_end: Ints, issue: int) -> Ints:
        """Issues left in the running term after `issue` [n]: 0 where it ends with it."""
        return np.asarray((first_end - issue) % self.term)

    def chance(self, satisfaction: Floats, usual: float, reminded: Bools) -> Floats:
        """P(renew) [n]: logistic in how well the member was served."""
        base = np.full(len(satisfaction), self.renewal)
        return raise_rate(base, self.served * (satisfaction - usual) + self.reminder * reminded)
