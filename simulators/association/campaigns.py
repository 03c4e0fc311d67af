"""What is sent, when and to whom: the newsletter, event promotions, renewal notices, the conference programme.

All go to the same members, who keep their interests and their profiles; only what is in the pool differs, and whom it is
for. The conference is a second domain for transfer studies: its sessions touch the newsletter's topics.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Floats
from simulators.association.articles import catalogue


@dataclass(frozen=True)
class Campaign:
    """every, first: sent instead of the newsletter at each `every`-th issue from issue `first` on; 0 never. kinds: shares of
    article kinds in its pool. opens, clicks: logits added to opening it and to wanting what it shows. Raises ValueError
    naming what cannot be."""

    every: int = 0
    first: int = 1
    kinds: Mapping[str, float] | None = None
    opens: float = 0.0
    clicks: float = 0.0

    def __post_init__(self) -> None:
        check.at_least("campaign: every", self.every, 0)
        check.at_least("campaign: first", self.first, 1)
        for what in ("opens", "clicks"):
            if not np.isfinite(getattr(self, what)):
                raise ValueError(f"campaign: {what} = {getattr(self, what)}; must be finite")
        known = catalogue()["kinds"]
        for kind, share in (self.kinds or {}).items():
            check.share(f"campaign: share of kind {kind!r}", share)
            if kind not in known:
                raise ValueError(
                    f"campaign: there is no kind {kind!r}; choose from {', '.join(known)}"
                )
        if self.kinds is not None and not sum(self.kinds.values()) > 0:
            raise ValueError(f"campaign: kinds = {dict(self.kinds)}; one must have a share above 0")

    def due(self, issue: int) -> bool:
        return self.every > 0 and issue >= self.first and (issue - self.first) % self.every == 0


NEWSLETTER = Campaign()


@dataclass(frozen=True)
class Campaigns:
    """promotion (of events), renewal (notices to those whose term ends soon), conference (sessions): when two are due, the
    later one in this list goes first. shared: correlation of a member's personal interests in sessions and in articles; 1:
    the same. Raises ValueError naming what cannot be."""

    promotion: Campaign = NEWSLETTER
    renewal: Campaign = NEWSLETTER
    conference: Campaign = NEWSLETTER
    shared: float = 1.0

    def __post_init__(self) -> None:
        check.share("campaigns: shared", self.shared)

    def at(self, issue: int) -> tuple[str, Campaign]:
        """What issue `issue` (from 1) is: its name and settings. The newsletter is called "issue"."""
        for name in ("conference", "renewal", "promotion"):
            campaign: Campaign = getattr(self, name)
            if campaign.due(issue):
                return name, campaign
        return "issue", NEWSLETTER

    def before(self, issue: int) -> int:
        """The last issue of the same kind before this one; 0: there was none."""
        name = self.at(issue)[0]
        return next((number for number in range(issue - 1, 0, -1) if self.at(number)[0] == name), 0)

    def latest(self, issue: int) -> list[int]:
        """The last issue of each kind up to this one."""
        found: dict[str, int] = {}
        for number in range(issue, 0, -1):
            found.setdefault(self.at(number)[0], number)
        return list(found.values())

    def interests(
        self, name: str, personal: Floats, rng: np.random.Generator, sd: Floats
    ) -> Floats:
        """Personal interests [n, d] in what campaign `name` shows, from those in the newsletter. rng must be the same one at
        each call; readiness to click, the first column, is shared in any case."""
        if name != "conference" or self.shared == 1:
            return personal
        other = sd * rng.standard_normal(personal.shape)
        own = self.shared * personal + np.sqrt(1 - self.shared**2) * other
        own[:, 0] = personal[:, 0]
        return np.asarray(own)
