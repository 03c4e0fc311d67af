"""Profiles that bring less from the newsletter into another kind of mail."""

from bandit.core import check
from bandit.core.types import Round
from bandit.models.profiles import Profiles
from bandit.policies.profile import Profile

LEFT = ("everything", "members")


class ProfileWithout(Profile):
    """`Profile` that leaves behind what newsletters taught it, until a later issue.

    leaves: "members", what single members did, so that attributes keep what they came to mean; or
        "everything"
    until: the first issue from which on all is learned and kept
    first_budget: as for `Profile`; the other options are its defaults

    Raises ValueError naming the option at fault.
    """

    def __init__(self, leaves: str, until: int, first_budget: float = 0.05) -> None:
        if leaves not in LEFT:
            raise ValueError(f"leaves = {leaves!r}; choose from {', '.join(LEFT)}")
        check.whole("until", until, 1)
        super().__init__(first_budget=first_budget)
        self.leaves, self.until = leaves, until

    def learn(self, round: Round) -> None:
        """See `Profile.learn`; before `until`, what is to be left behind is forgotten at once."""
        early = round.context.issue < self.until
        if early and self.leaves == "everything":
            return
        super().learn(round)
        if early:
            self.profiles = Profiles(self.B.shape[1])
