"""Any policy, learned again as if some clicks of one member had not been.

Everything is learned again, what everybody's clicks taught as well. A click that is left out is a
slot that was shown in an opened mail and not clicked. Open this file for policies that keep no
profile of single members; `tale` is for the one that does, and takes much less time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from bandit.core.types import Round
from bandit.log.learning import learn_again
from bandit.policy import Policy
from serving.explain.change import Click


@dataclass
class Lesson:
    """A policy, without some clicks.

    member: the present id
    policy: has learned the log up to now without them
    start: makes a policy of the same kind that has learned nothing
    without: the clicks that are left out; none: as it was
    """

    member: object
    policy: Policy
    start: Callable[[], Policy]
    without: set[Click] = field(default_factory=set)

    def fork(self) -> "Lesson":
        """Another one that is the same until now."""
        other = self.start()
        other.restore({name: array.copy() for name, array in self.policy.state().items()})
        return Lesson(self.member, other, self.start, set(self.without))

    def learn(self, round: Round) -> None:
        """Learn an issue."""
        clicked, ids = round.feedback.clicked.copy(), round.context.article_ids
        for row in np.flatnonzero(round.context.member_ids == self.member):
            for slot, place in enumerate(round.slates.choice[row]):
                if place >= 0 and (round.context.issue, ids[place]) in self.without:
                    clicked[row, slot] = False
        feedback = replace(round.feedback, clicked=clicked)
        learn_again(self.policy, replace(round, feedback=feedback))

    def put(self, policy: Policy) -> Policy:
        """The policy that chooses without these clicks, in place of the one that has them."""
        return self.policy

    def fits(self, policy: Policy) -> bool:
        """Whether it ends, bit for bit, with what a policy knows."""
        mine, theirs = self.policy.state(), policy.state()
        return mine.keys() == theirs.keys() and all(
            np.array_equal(array, theirs[name]) for name, array in mine.items()
        )
