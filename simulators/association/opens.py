"""Who opens: a base rate of one's own, moved by the subject line, satisfaction, habit, fatigue and the day of the week.

Every effect is a shift in logits, so none can leave [0, 1]; an effect of size 0 leaves a member's rate as it is, bit for
bit. The base rates are those of the reference (`simulators.association.reference`): one mail a week, the same for all, a day like any.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from bandit.core import check, keys
from bandit.core.types import Bools, Context, Floats, Ints, Slates

WEEK = 7


@dataclass(frozen=True)
class Opens:
    """Sizes are in logits.

    subject: by how much a subject line raises opening for a member who fully cares for it (`care`, -1 to 1). It is the first
    slot's article; featured: the pinned one, where there is one. satisfaction: for each unit of satisfaction above that with
    the reference; habit: for each unit of recent opening above one's base rate; memory: weight of the newest issue in both
    averages. fatigue: lost for each mail still in mind, above those of one a week; recovery: in days, a mail weighs
    exp(-days / recovery). day_sd: sd of personal send-day habits. weekdays, weekday_clicks: what each day, Monday first,
    adds for everyone to opening and to wanting an article. send_days: days of the week on which an issue goes out, 0 is
    Monday; each is a mail more a week. irritation: added to unsubscribing by each mail in mind above one a week, and by each
    unit of satisfaction below the reference's. Raises ValueError naming a parameter that cannot be.
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
                    f"opens: {what} = {getattr(self, what)}; must be seven finite numbers, Monday first"
                )
        days: Any = list(self.send_days) if isinstance(self.send_days, Sequence) else self.send_days
        if (
            not isinstance(days, list)
            or not days
            or days != sorted(set(days))
            or not set(days) <= set(range(WEEK))
        ):
            raise ValueError(
                f"opens: send_days = {days}; must be different days of the week in order, Monday is 0"
            )

    # The calendar

    def day(self, issue: int) -> int:
        """The day on which issue `issue` (from 1) goes out; day 0 is the Monday of the first week."""
        week, place = divmod(issue - 1, len(self.send_days))
        return WEEK * week + self.send_days[place]

    def clicks(self, issue: int) -> float:
        """What the day adds to wanting an article, logits."""
        return self.weekday_clicks[self.day(issue) % WEEK]

    @property
    def weekly(self) -> float:
        """Mails in mind just before one is sent, where one is sent each week: r / (1 - r), r = exp(-7 / recovery)."""
        return float(1 / np.expm1(WEEK / self.recovery))

    @property
    def settled(self) -> float:
        """Mails in mind just after the week's last, once this calendar has become usual: the sum over all weeks past."""
        last = self.send_days[-1]
        return float(
            sum(np.exp((day - last) / self.recovery) for day in self.send_days)
            / -np.expm1(-WEEK / self.recovery)
        )

    # Rates

    def chance(
        self, rate: Floats, mood: "Mood", issue: int, usual: float, more: Floats | float
    ) -> Floats:
        """P(opened | delivered) [n], from base rates [n]. usual: satisfaction with the reference newsletter; more [n]: what
        else moves it: `day_habit`, the subject line, the campaign."""
        shift = self.weekdays[self.day(issue) % WEEK] + np.asarray(more)
        shift = (
            shift
            + self.satisfaction * (mood.satisfaction - usual)
            + self.habit * (mood.habit - rate)
        )
        return raised(rate, shift - self.fatigue * (self.in_mind(mood, issue) - self.weekly))

    def leaving(self, rate: float, mood: "Mood", issue: int, usual: float) -> Floats:
        """P(unsubscribed | delivered) [n], from the base rate."""
        excess = self.in_mind(mood, issue) - self.weekly
        return raised(
            np.full(len(excess), rate), self.irritation * (excess - (mood.satisfaction - usual))
        )

    def day_habit(self, seed: int, member: Any, day: int) -> Floats:
        """How much each member likes to read on this day of the week [n], logits."""
        if not self.day_sd:
            return np.zeros(len(member))
        weekday = np.full((len(member), 1), day % WEEK)
        u = keys.uniforms_at(seed, "association", "day habit", member, weekday)[:, 0]
        return np.asarray(self.day_sd * ndtri(np.clip(u, 1e-12, 1 - 1e-12)))

    def subject_of(self, context: Context, slates: Slates) -> Ints:
        """The article in each member's subject line [n, 1], -1 where the first slot is empty."""
        if self.featured and context.rules.pins:
            pinned = context.rules.pins[min(context.rules.pins)]
            return np.full((len(context.members), 1), context.article_ids.tolist().index(pinned))
        return slates.choice[:, :1]

    def in_mind(self, mood: "Mood", issue: int) -> Floats:
        """Mails that still count, just before issue `issue` [n]."""
        return np.asarray(mood.mails * np.exp((mood.day - self.day(issue)) / self.recovery))


def raised(rate: Floats, shift: Floats) -> Floats:
    """expit(logit(rate) + shift), in a form that leaves rates of 0 and 1, and all rates at shift 0, as they are."""
    shift = np.clip(shift, -600, 600)
    return np.clip(
        rate + rate * (1 - rate) * np.expm1(shift) / (1 - rate + rate * np.exp(shift)), 0.0, 1.0
    )


def anchored(rate: Floats, shift: Floats) -> float:
    """The logits a for which the mean of `raised(rate, shift + a)` is that of `rate`: 0 where nothing shifts."""
    if not shift.any():
        return 0.0
    low, high = -12.0, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (low, middle) if raised(rate, shift + middle).mean() > rate.mean() else (middle, high)
        )
    return (low + high) / 2


@dataclass
class Mood:
    """What an association's mails did to its members. All [n]: satisfaction (average interest of the issues opened, -1 to
    1), habit (average of opened or not), mails (in mind just after the last one), day (of that one), reminded (clicked on
    the last renewal notice)."""

    satisfaction: Floats
    habit: Floats
    mails: Floats
    day: Floats
    reminded: Bools

    @classmethod
    def first(cls, opens: Opens, rate: Floats, served: Floats, founder: Bools) -> "Mood":
        """Founders have long had mails, and the reference newsletter, which interests each as `served` says; the others had
        none and expect what it is to the average member."""
        mails, last = (
            np.where(founder, opens.settled, 0.0),
            np.full(len(rate), float(opens.send_days[-1] - WEEK)),
        )
        return cls(
            np.where(founder, served, served.mean()),
            rate.copy(),
            mails,
            last,
            np.zeros(len(rate), dtype=bool),
        )

    def of(self, rows: Ints) -> "Mood":
        """That of some of the members."""
        return replace(
            self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    def copy(self) -> "Mood":
        return self.of(np.arange(len(self.day)))

    def after(
        self,
        opens: Opens,
        issue: int,
        rows: Any,
        delivered: Bools,
        opened: Bools,
        served: Floats,
        to: "Mood",
    ) -> None:
        """Write to `to` what issue `issue` made of these members. served [len(rows)]: how much the issue interested them."""
        weight = opens.memory * opened
        to.satisfaction[rows] = self.satisfaction[rows] + weight * (
            served - self.satisfaction[rows]
        )
        to.habit[rows] = self.habit[rows] + opens.memory * delivered * (opened - self.habit[rows])
        day = opens.day(issue)
        mails = self.mails[rows] * np.exp((self.day[rows] - day) / opens.recovery) + 1
        to.mails[rows] = np.where(delivered, mails, self.mails[rows])
        to.day[rows] = np.where(delivered, day, self.day[rows])
