"""The days on which issues go out.

Opening depends on the weekday and on how long ago the last mails came; a tracking log needs dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WEEK = 7


@dataclass(frozen=True)
class Calendar:
    """A calendar that is the same in every week, with one issue on each of its send days.

    send_days: days of the week on which an issue goes out, 0 is Monday; each is one mail a week
    Raises ValueError unless they are different days of the week in order.
    """

    send_days: Sequence[int] = (1,)

    def __post_init__(self) -> None:
        given: object = self.send_days
        days = list(given) if isinstance(given, Sequence) else []
        if not days or days != sorted(set(days)) or not set(days) <= set(range(WEEK)):
            raise ValueError(
                f"send_days = {days if isinstance(given, Sequence) else given}; "
                "must be different days of the week in order, Monday is 0"
            )

    def day(self, issue: int) -> int:
        """The day on which issue `issue` (from 1) goes out; day 0 is the Monday of week 1."""
        week, place = divmod(issue - 1, len(self.send_days))
        return WEEK * week + self.send_days[place]

    def weekday(self, issue: int) -> int:
        """The day of the week of issue `issue` (from 1), 0 is Monday."""
        return self.day(issue) % WEEK
