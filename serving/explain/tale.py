"""A member's profile, learned again as if some clicks had not been.

Only the member's own profile is learned again. What is learned from everybody (what attributes say,
how articles appeal, which slots are looked at) stays issue by issue as it was, so the difference is
what these clicks taught of the member. A click that is left out is a slot that was shown in an
opened mail and not clicked. Open this file to see how that is done in one pass over the log.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np

from bandit.core.types import Round
from bandit.models.profiles import NAMES, Profiles
from bandit.policies.profile import Profile
from bandit.policy import Policy
from serving.explain.change import Click


@dataclass
class Tale:
    """One member, without some clicks.

    member: the present id
    without: the clicks that are left out; none: as it was
    profiles: what the member's slots taught, of this member alone
    """

    member: object
    without: set[Click] = field(default_factory=set)
    profiles: Profiles = field(default_factory=lambda: Profiles(0))

    def fork(self) -> "Tale":
        """Another tale that is the same until now."""
        return Tale(self.member, set(self.without), copy(self.profiles))

    def put(self, policy: Policy) -> Profile:
        """A profile policy as it would plan for the member; of others it knows nothing."""
        if not isinstance(policy, Profile):
            raise TypeError(f"policy is a {type(policy).__name__}; only Profile keeps profiles")
        other = copy(policy)
        other.profiles = self.profiles
        return other

    def fits(self, policy: Policy) -> bool:
        """Whether it ends, bit for bit, with the member's profile in a policy."""
        if not isinstance(policy, Profile):
            return False
        ids = np.array([self.member])
        mine, theirs = self.profiles.find_rows(ids)[0], policy.profiles.find_rows(ids)[0]
        if mine < 0 or theirs < 0:
            return bool(mine == theirs)
        return all(
            np.array_equal(
                getattr(self.profiles, name)[mine], getattr(policy.profiles, name)[theirs]
            )
            for name in NAMES
        )

    def change(self, round: Round) -> Round | None:
        """The member's part of an issue without these clicks; None where there is none."""
        rows = np.flatnonzero(round.context.member_ids == self.member)
        if not len(rows):
            return None
        own = round.take(rows)
        ids, clicked = own.context.article_ids, own.feedback.clicked.copy()
        for slot, place in enumerate(own.slates.choice[0]):
            if place >= 0 and (own.context.issue, ids[place]) in self.without:
                clicked[0, slot] = False
        return replace(own, feedback=replace(own.feedback, clicked=clicked))


class Retold(Profile):
    """A profile that learns a log and, beside it, tales of single members."""

    tales: Sequence[Tale] = ()

    def _learn_members(self, round: Round) -> None:
        everybody = self.profiles
        for tale in self.tales:
            if not len(tale.profiles.roster):
                tale.profiles = Profiles(self.B.shape[1])
            if self.keep < 1:
                tale.profiles.forget(self.keep)
            own = tale.change(round)
            if own is not None:
                self.profiles = tale.profiles
                super()._learn_members(own)
                tale.profiles = self.profiles
        self.profiles = everybody
        super()._learn_members(round)
