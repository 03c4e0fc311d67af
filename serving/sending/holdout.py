"""A holdout: a share of the members, for good, whose newsletters another policy chooses.

What the policy is worth is what its members do more than these. Who is held out is drawn by key
from the name of a series of campaigns and the member id, so it is the same members in every issue.
Their slates come from a fallback bundle, or at random, with propensities like everybody's. Open
this file to see who is held out.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bandit.core import check, keys
from bandit.core.types import Bools, Ids

if TYPE_CHECKING:
    from serving.bundle import Bundle


@dataclass(frozen=True)
class Holdout:
    """Who is held out, and what chooses for them.

    series: name of the series of campaigns; the same name holds the same members out
    share: of the members
    bundle: chooses their slates
    random: whether it does so at random

    Raises ValueError for a share outside [0, 1], and an empty series.
    """

    series: str
    share: float
    bundle: "Bundle"
    random: bool = False

    def __post_init__(self) -> None:
        check.share("--holdout", self.share)
        if not self.series.strip():
            raise ValueError("--series is empty; it says who is held out, in every issue alike")

    def find(self, members: Ids) -> Bools:
        """Which of the members [n] are held out."""
        key = keys.member_keys(members)
        return keys.uniforms(0, self.series, "holdout", key, 1)[:, 0] < self.share

    def describe(self) -> dict[str, object]:
        """What send.json says of the holdout."""
        chooses = "random" if self.random else self.bundle.digest
        return {"series": self.series, "share": self.share, "chooses": chooses}


def choose_at_random(bundle: "Bundle") -> "Bundle":
    """The same bundle with a policy to which all open articles are alike."""
    from bandit.policies.random import Random

    policy = Random()
    policy.start(bundle.features)
    return replace(bundle, policy=policy)
