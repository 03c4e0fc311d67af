"""What the mails did to the members so far: what they saw, how they feel, and who has left.

It depends on who chose the slates, so each policy's run has a memory of its own
(`Association.twin`). It is made from slates and feedback alone, so a run can resume from its log.
An issue counts for the ones after it, never for itself, so its parts (waves) may be answered in any
order, or twice.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bandit.core.types import Bools, Feedback, Floats, Ints, Slates
from bandit.slates.seen import Seen
from simulators.association.drift import Membership
from simulators.association.opens import Mood, Opens

NEVER = np.iinfo(np.int64).max


@dataclass(eq=False)
class Memory:
    """What n members saw, how they feel, and who of them has left.

    opens: says how moods follow from mails
    membership: when memberships end; None where they do not
    joined [n]: each member's first issue
    first: the mood of all n before issue 1; None where moods move nothing
    usual: mean satisfaction with the reference newsletter
    first_end [n]: the issue with which each running term ends; None without `membership`
    luck: keyed uniforms [r] of an issue, a stream and the rows [r] of some members
    """

    opens: Opens
    membership: Membership | None
    joined: Ints
    first: Mood | None
    usual: float
    first_end: Ints | None
    luck: Callable[[int, str, Ints], Floats]

    def __post_init__(self) -> None:
        self.left = np.full(len(self.joined), NEVER)
        self._saw = Seen(len(self.joined))
        self._issue = 1
        self._mood, self._after = self.first, self.first and self.first.copy()

    def start_afresh(self) -> "Memory":
        """A memory of the same members before the first issue."""
        return replace(self)

    def find_present(self, number: int) -> Bools:
        """Who is a member at issue `number`: has joined, and has not left [n]."""
        return np.asarray((self.joined <= number) & (self.left >= number))

    def find_ending(self, number: int) -> Bools:
        """Whose term ends soon enough for a renewal notice with issue `number` [n].

        It is nobody's where memberships do not end.
        """
        if self.membership is None or self.first_end is None:
            return np.zeros(len(self.joined), dtype=bool)
        return np.asarray(
            self.membership.count_left(self.first_end, number) < self.membership.notice
        )

    def look_up_seen(
        self, articles: list[str], rows: Ints, earlier: Sequence[Sequence[Hashable]]
    ) -> Bools:
        """Whether members `rows` had each story in an issue that they opened [len(rows), m].

        earlier: ids by which the story of each article was told before
        """
        self._saw.fold(articles)
        return self._saw.look_up(articles, rows, earlier)

    def advance_to(self, issue: int) -> Mood | None:
        """The mood in which issue `issue` meets all members; None where moods move nothing.

        Memberships that ended before it have been renewed or have lapsed by then. Time never moves
        back: raises ValueError for an issue before the latest one asked for.
        """
        if self._mood is None or self._after is None:
            return None
        if issue < self._issue:
            raise ValueError(
                f"issue {issue} is over: its members have had issue {self._issue}, "
                "which moods depend on"
            )
        while self._issue < issue:
            self._renew(self._issue, self._after)
            self._mood, self._after = self._after, self._after.copy()
            self._issue += 1
        return self._mood

    def _renew(self, issue: int, mood: Mood) -> None:
        """Let those whose term ends with `issue` renew or lapse."""
        if self.membership is None or self.first_end is None:
            return
        ends = (
            self.find_present(issue + 1)
            & (issue >= self.first_end)
            & (self.membership.count_left(self.first_end, issue) == 0)
        )
        rows = np.flatnonzero(ends)
        chance = self.membership.chance(mood.satisfaction[rows], self.usual, mood.reminded[rows])
        lapsed = rows[self.luck(issue, "renew", rows) >= chance]
        self.left[lapsed] = np.minimum(self.left[lapsed], issue)
        mood.reminded[rows] = False

    def remember(
        self,
        issue: int,
        rows: Ints,
        articles: list[str],
        slates: Slates,
        feedback: Feedback,
        opened: Bools,
        gone: Bools,
        served: Floats | None,
        notice: bool,
    ) -> None:
        """Take note of an issue, or of the part of it that was sent to the members `rows` [r].

        articles: ids of the issue's pool, which `slates` index
        feedback: what the members did
        opened [r]: who opened, as far as the sender knows
        gone [r]: who unsubscribed or cannot be reached, and is not there for the next issue
        served [r]: how much the issue interested each, -1 to 1; None where moods move nothing
        notice: it asked them to renew
        """
        left = rows[gone]
        self.left[left] = np.minimum(self.left[left], issue)
        self._saw.add(articles, slates.choice, opened, rows)
        mood, after = self.advance_to(issue), self._after
        if mood is not None and after is not None and served is not None:
            mood.advance(
                self.opens, issue, rows, feedback.delivered, feedback.opened, served, after
            )
            if notice:
                after.reminded[rows] = mood.reminded[rows] | feedback.clicked.any(axis=1)
