"""What is sent: the newsletter, event promotions, renewal notices, the conference programme.

All go to the same members, who keep their interests and their profiles. Campaigns differ in what is
in the pool and in whom they are for. The conference is a second domain for studies of transfer: its
sessions touch the newsletter's topics.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Floats
from simulators.association.pools.catalogue import ALL_KINDS


@dataclass(frozen=True)
class Campaign:
    """What is sent instead of the newsletter at some issues.

    every: it is sent at each so many issues; 0 never
    first: the first issue at which it is sent
    kinds: relative shares of article kinds in its pool (default: the newsletter's)
    opens: logits added to opening it
    clicks: logits added to wanting any article that it shows
    Raises ValueError naming what cannot be.
    """

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
        for kind, share in (self.kinds or {}).items():
            check.share(f"campaign: share of kind {kind!r}", share)
            if kind not in ALL_KINDS:
                raise ValueError(
                    f"campaign: there is no kind {kind!r}; choose from {', '.join(ALL_KINDS)}"
                )
        if self.kinds is not None and not sum(self.kinds.values()) > 0:
            raise ValueError(f"campaign: kinds = {dict(self.kinds)}; one must have a share above 0")

    def is_due(self, issue: int) -> bool:
        """Whether the campaign may be sent at issue `issue`, counted from 1."""
        return self.every > 0 and issue >= self.first and (issue - self.first) % self.every == 0


NEWSLETTER = Campaign()


@dataclass(frozen=True)
class Campaigns:
    """What is sent beside the newsletter. Where two are due, the later one of this list is sent.

    promotion: of events
    renewal: notices to members whose term ends soon
    conference: programmes of sessions
    shared: correlation of a member's personal interests in sessions and in articles; 1 means that
        they are the same
    Raises ValueError naming what cannot be.
    """

    promotion: Campaign = NEWSLETTER
    renewal: Campaign = NEWSLETTER
    conference: Campaign = NEWSLETTER
    shared: float = 1.0

    def __post_init__(self) -> None:
        check.share("campaigns: shared", self.shared)

    def look_up(self, issue: int) -> tuple[str, Campaign]:
        """Name and settings of what is sent at issue `issue`, counted from 1.

        The newsletter has the name "issue".
        """
        for name in ("conference", "renewal", "promotion"):
            campaign: Campaign = getattr(self, name)
            if campaign.is_due(issue):
                return name, campaign
        return "issue", NEWSLETTER

    def find_previous(self, issue: int) -> int:
        """The last issue of the same name before this one; 0 where there was none."""
        name, past = self.look_up(issue)[0], range(issue - 1, 0, -1)
        return next((number for number in past if self.look_up(number)[0] == name), 0)

    def blend_interests(
        self, name: str, personal: Floats, rng: np.random.Generator, sd: Floats
    ) -> Floats:
        """Personal interests [n, d] in what campaign `name` shows.

        personal [n, d]: in what the newsletter shows
        rng: must start from the same state at each call, so that a member's interests last
        sd [d]: standard deviations of personal interests over members
        The first column, readiness to click, is shared in any case.
        """
        if name != "conference" or self.shared == 1:
            return personal
        other = sd * rng.standard_normal(personal.shape)
        own = self.shared * personal + np.sqrt(1 - self.shared**2) * other
        own[:, 0] = personal[:, 0]
        return np.asarray(own)
