"""What the mails did to the members so far: what they saw, how they feel about it, and who has left.

It depends on who chose the slates, so each policy's run has a memory of its own (`Association.twin`), and it is made from
slates and feedback alone, so that a run can resume from its log. An issue counts for the ones after it, never for itself:
its parts (waves) may be answered in any order, or twice.
"""

from collections.abc import Callable

import numpy as np

from bandit.core.types import Bools, Feedback, Floats, Ints, Slates
from bandit.slates.seen import Seen
from simulators.association.drift import Membership
from simulators.association.opens import Mood, Opens

NEVER = np.iinfo(np.int64).max


class Memory:
    """joined [n]: first issues; first [n]: the mood in which all begins, None where moods move nothing; usual: satisfaction
    with the reference newsletter; first_end [n]: when the running term ends, for `membership`; luck(issue, stream, rows):
    keyed uniforms of members."""

    def __init__(
        self,
        opens: Opens,
        membership: Membership | None,
        joined: Ints,
        first: Mood | None,
        usual: float,
        first_end: Ints | None,
        luck: Callable[[int, str, Ints], Floats],
    ) -> None:
        self._opens, self._membership, self._joined = opens, membership, joined
        self._first, self._usual, self._first_end, self._luck = first, usual, first_end, luck
        self.left = np.full(len(joined), NEVER)
        self._saw = Seen(len(joined))
        self._issue = 1
        self._mood, self._after = first, first and first.copy()

    def afresh(self) -> "Memory":
        """The same members before the first issue."""
        return Memory(
            self._opens,
            self._membership,
            self._joined,
            self._first,
            self._usual,
            self._first_end,
            self._luck,
        )

    def there(self, number: int) -> Bools:
        """Who is a member at issue `number` [n]."""
        return np.asarray((self._joined <= number) & (self.left >= number))

    def ends_soon(self, number: int) -> Bools:
        """Whose term ends soon enough for a renewal notice with issue `number` [n]; nobody's where there are no terms."""
        if self._membership is None or self._first_end is None:
            return np.zeros(len(self._joined), dtype=bool)
        return np.asarray(self._membership.left(self._first_end, number) < self._membership.notice)

    def seen(self, articles: list[str], rows: Ints) -> Bools:
        """Whether members had each article in an issue they opened [len(rows), m]."""
        return self._saw.of(articles, rows)

    def keep(self, articles: frozenset[str]) -> None:
        """Forget who saw any other article."""
        self._saw.keep(articles)

    def mood(self, issue: int) -> Mood | None:
        """In which mood issue `issue` meets the members, None where moods move nothing. Time moves on and never back: raises
        ValueError for an issue before the latest asked for."""
        if self._mood is None or self._after is None:
            return None
        if issue < self._issue:
            raise ValueError(
                f"issue {issue} is over: its members have had issue {self._issue}, which moods depend on"
            )
        while self._issue < issue:
            self._renew(self._issue, self._after)
            self._mood, self._after = self._after, self._after.copy()
            self._issue += 1
        return self._mood

    def _renew(self, issue: int, mood: Mood) -> None:
        """Those whose term ends with `issue` renew or lapse."""
        if self._membership is None or self._first_end is None:
            return
        ends = (
            self.there(issue + 1)
            & (issue >= self._first_end)
            & (self._membership.left(self._first_end, issue) == 0)
        )
        rows = np.flatnonzero(ends)
        chance = self._membership.chance(mood.satisfaction[rows], self._usual, mood.reminded[rows])
        lapsed = rows[self._luck(issue, "renew", rows) >= chance]
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
        """rows: the members these slates went to. opened [len(rows)]: as far as the sender knows; gone: who unsubscribed, or
        cannot be reached, and is not there for the next issue; served: how much the issue interested them, where moods
        move anything. notice: it asked them to renew."""
        left = rows[gone]
        self.left[left] = np.minimum(self.left[left], issue)
        self._saw.add(articles, slates.choice, opened, rows)
        mood, after = self.mood(issue), self._after
        if mood is not None and after is not None and served is not None:
            mood.advance(
                self._opens, issue, rows, feedback.delivered, feedback.opened, served, after
            )
            if notice:
                after.reminded[rows] = mood.reminded[rows] | feedback.clicked.any(axis=1)
