"""What moves opening: the subject line, satisfaction, habit, fatigue and the day of the week.

Each member has a base rate of opening. Every effect is a shift of that rate in logits, so no
chance can leave [0, 1], and an effect of size 0 leaves a member's rate as it is, bit for bit. The
base rates hold for the reference newsletter (`simulators.association.reference`): one mail a week,
the same for all members, on a day that nobody prefers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.types import Bools, Context, Floats, Ints, Slates
from simulators.calendar import WEEK, Calendar
from simulators.logits import raise_rate
from simulators.normal import to_normal


@dataclass(frozen=True)
class Opens:
    """Sizes of what moves opening, in logits unless said otherwise.

    subject: what the subject line of a member's first slot adds if the member fully cares for it
        (`care` of 1 on a scale from -1 to 1); higher makes the first slot matter more
    featured: the subject line is the pinned article's, in issues that pin one
    satisfaction: added for each unit of satisfaction above that with the reference newsletter
    habit: added for each unit by which a member's recent share of opens is above the base rate
    memory: weight of the newest issue in both averages, satisfaction and habit; higher forgets
        faster
    fatigue: subtracted for each mail in mind beyond those in mind at one mail a week
    recovery: days after which a mail counts 1/e; a mail t days old weighs exp(-t / recovery)
    day_sd: standard deviation over members of how much each likes a day of the week
    weekdays: added to opening for everyone on each day of the week, Monday first
    weekday_clicks: added to wanting any article on each day of the week, Monday first
    send_days: days of the week on which an issue goes out, as `Calendar` has them
    irritation: added to unsubscribing by each mail in mind beyond one a week, and by each unit of
        satisfaction below that with the reference newsletter
    Raises ValueError naming a parameter that cannot be.
    """

    subject: float = 0.0
    featured: bool = False
    satisfaction: float = 0.0
    habit: float = 0.0
    memory: float = 0.1
    fatigue: float = 0.0
    recovery: float = 10.0
    day_sd: float = 0.0
    weekdays: Sequence[float] = (0.0,) * WEEK
    weekday_clicks: Sequence[float] = (0.0,) * WEEK
    send_days: Sequence[int] = (1,)
    irritation: float = 0.0

    def __post_init__(self) -> None:
        check.share("opens: memory", self.memory)
        check.at_least("opens: recovery", self.recovery, 1e-6)
        for what in ("subject", "satisfaction", "habit", "fatigue", "day_sd", "irritation"):
            check.at_least(f"opens: {what}", getattr(self, what), 0)
        check.flag("opens: featured", self.featured)
        for what in ("weekdays", "weekday_clicks"):
            given = np.asarray(getattr(self, what), dtype=np.float64)
            if given.shape != (WEEK,) or not np.isfinite(given).all():
                raise ValueError(
                    f"opens: {what} = {getattr(self, what)}; "
                    "must be seven finite numbers, Monday first"
                )
        try:
            Calendar(self.send_days)
        except ValueError as error:
            raise ValueError(f"opens: {error}") from error

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.send_days)

    @property
    def weekly_mails(self) -> float:
        """How many mails are in mind just before the next one, where one is sent each week.

        r / (1 - r) with r = exp(-7 / recovery).
        """
        return float(1 / np.expm1(WEEK / self.recovery))

    @property
    def settled_mails(self) -> float:
        """How many mails are in mind just after the last one of a week, after many such weeks."""
        last = self.send_days[-1]
        return float(
            sum(np.exp((day - last) / self.recovery) for day in self.send_days)
            / -np.expm1(-WEEK / self.recovery)
        )

    def chance(
        self, rate: Floats, mood: "Mood", issue: int, usual: float, more: Floats | float
    ) -> Floats:
        """P(opened | delivered) of each member [n].

        rate [n]: base rates
        mood: of the same n members
        usual: the mean satisfaction with the reference newsletter
        more: other logits, of all members or of each [n]: day habit, subject line, campaign
        """
        shift = (
            self.weekdays[self.calendar.weekday(issue)]
            + np.asarray(more)
            + self.satisfaction * (mood.satisfaction - usual)
            + self.habit * (mood.habit - rate)
        )
        return raise_rate(rate, shift - self.fatigue * self._measure_excess(mood, issue))

    def chance_of_leaving(self, rate: float, mood: "Mood", issue: int, usual: float) -> Floats:
        """P(unsubscribed | delivered) of each member [n], from the base rate that all share."""
        excess = self._measure_excess(mood, issue)
        return raise_rate(
            np.full(len(excess), rate), self.irritation * (excess - (mood.satisfaction - usual))
        )

    def shift_clicks(self, issue: int) -> float:
        """What the weekday of an issue adds to wanting any of its articles, logits."""
        return self.weekday_clicks[self.calendar.weekday(issue)]

    def draw_day_habit(self, seed: int, member: NDArray[np.uint64], day: int) -> Floats:
        """How much each member likes to read on the weekday of `day`, logits [n].

        member [n]: keys of the members. A member's habit for a weekday never changes.
        """
        if not self.day_sd:
            return np.zeros(len(member))
        weekday = np.full((len(member), 1), day % WEEK)
        u = keys.uniforms_at(seed, "association", "day habit", member, weekday)[:, 0]
        return np.asarray(self.day_sd * to_normal(u))

    def find_subject(self, context: Context, slates: Slates) -> Ints:
        """The article in each member's subject line [n, 1], as an index into the pool.

        It is -1 where the first slot is empty.
        """
        if self.featured and context.rules.pins:
            pinned = context.rules.pins[min(context.rules.pins)]
            return np.full((len(context.members), 1), context.article_ids.tolist().index(pinned))
        return slates.choice[:, :1]

    def count_mails(self, mood: "Mood", issue: int) -> Floats:
        """How many mails each member has in mind just before an issue goes out [n]."""
        day = self.calendar.day(issue)
        return np.asarray(mood.mails * np.exp((mood.day - day) / self.recovery))

    def _measure_excess(self, mood: "Mood", issue: int) -> Floats:
        return self.count_mails(mood, issue) - self.weekly_mails


@dataclass
class Mood:
    """What an association's mails did to each of its members so far. All arrays are [n].

    satisfaction: average interest of the issues that the member opened, -1 to 1
    habit: average of whether the member opened, 0 to 1
    mails: mails in mind just after the last delivered one
    day: the day on which that one came, as `Calendar.day` counts
    reminded: the member clicked in the last renewal notice
    """

    satisfaction: Floats
    habit: Floats
    mails: Floats
    day: Floats
    reminded: Bools

    @classmethod
    def begin(cls, opens: Opens, rate: Floats, served: Floats, founder: Bools) -> "Mood":
        """The mood before the first issue.

        Founders have long been sent the reference newsletter, which interests each as `served` [n]
        says. The others had no mails, and expect the reference newsletter as it is to the average
        member.
        """
        return cls(
            satisfaction=np.where(founder, served, served.mean()),
            habit=rate.copy(),
            mails=np.where(founder, opens.settled_mails, 0.0),
            day=np.full(len(rate), float(opens.send_days[-1] - WEEK)),
            reminded=np.zeros(len(rate), dtype=bool),
        )

    def take(self, rows: Ints) -> "Mood":
        """The mood of some of the members."""
        return Mood(**{name: values[rows] for name, values in vars(self).items()})

    def copy(self) -> "Mood":
        return self.take(np.arange(len(self.day)))

    def advance(
        self,
        opens: Opens,
        issue: int,
        rows: Ints,
        delivered: Bools,
        opened: Bools,
        served: Floats,
        to: "Mood",
    ) -> None:
        """Write into `to` the mood that an issue leaves in the members `rows` it was sent to.

        This mood stays as it is, so the parts of an issue may be written in any order, or twice.
        served [len(rows)]: how much the issue interests each of them, -1 to 1
        """
        weight = opens.memory * opened
        to.satisfaction[rows] = self.satisfaction[rows] + weight * (
            served - self.satisfaction[rows]
        )
        to.habit[rows] = self.habit[rows] + opens.memory * delivered * (opened - self.habit[rows])
        day = opens.calendar.day(issue)
        mails = self.mails[rows] * np.exp((self.day[rows] - day) / opens.recovery) + 1
        to.mails[rows] = np.where(delivered, mails, self.mails[rows])
        to.day[rows] = np.where(delivered, day, self.day[rows])
