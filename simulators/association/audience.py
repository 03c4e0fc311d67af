"""What members do with the slates they are sent: open, look, click, read and leave."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from bandit.core.types import Bools, Context, Feedback, Floats, Ints, Slates
from simulators.association.campaigns import Campaigns
from simulators.association.members import FIRST_ID
from simulators.association.opens import Mood, Opens
from simulators.association.reading import Reading
from simulators.association.reference import Reference
from simulators.association.wants import Wants
from simulators.examination.walk import Examine, expect_clicks, walk
from simulators.luck import Luck


@dataclass(frozen=True)
class Delivery:
    """What becomes of an association's mails.

    rate [n]: base open rate of every member
    unsubscribe: base chance that a delivered mail is answered by unsubscribing
    bounce: chance that a mail bounces
    dead: chance that the address is found to be gone for good
    opens: what moves opening
    campaigns: what each issue is
    reference: newsletter whose readers open at these rates
    luck: of the association
    """

    rate: Floats
    unsubscribe: float
    bounce: float
    dead: float
    opens: Opens
    campaigns: Campaigns
    reference: Reference
    luck: Luck

    @property
    def arrival(self) -> float:
        """P(delivered)."""
        return 1 - self.bounce - self.dead

    def draw_delivered(self, number: int, rows: Ints) -> Bools:
        """Whether issue `number` reaches each of these members [n]."""
        return self._draw_fate(number, rows) >= self.bounce + self.dead

    def find_dead(self, number: int, rows: Ints) -> Bools:
        """Whether issue `number` finds each of these members' addresses gone [n]."""
        return self._draw_fate(number, rows) < self.dead

    def chance_of_opening(
        self, number: int, rows: Ints, mood: Mood | None, subject: Floats
    ) -> Floats:
        """P(opened | delivered) of these members [n].

        mood: of all members, before the issue; None where nothing moves opening
        subject [n]: how much each cares for the article in the subject line, -1 to 1
        """
        opens, luck, rate = self.opens, self.luck, np.asarray(self.rate[rows])
        if mood is None:
            return rate
        more = opens.draw_day_habit(luck.seed, luck.keys[rows], opens.calendar.day(number))
        more += self.reference.opens + self.campaigns.look_up(number)[1].opens
        more += opens.subject * subject
        return opens.chance(rate, mood.take(rows), number, self.reference.usual, more)

    def chance_of_leaving(self, number: int, rows: Ints, mood: Mood | None) -> Floats | float:
        """P(unsubscribed | delivered) of these members [n], or of all where there are no moods."""
        if mood is None:
            return self.unsubscribe
        return self.opens.chance_of_leaving(
            self.unsubscribe, mood.take(rows), number, self.reference.usual
        )

    def _draw_fate(self, number: int, rows: Ints) -> Floats:
        """Uniforms [n]: the address is gone below `dead`, the mail bounces up to `bounce` more."""
        if not self.bounce + self.dead:
            return np.ones(len(rows))
        return self.luck.draw_one(number, "bounce", rows)


@dataclass(frozen=True)
class Audience:
    """The members of an association, as those who answer its mails.

    delivery: which mails arrive, are opened, and are answered by leaving
    wants: what members want to click
    examine: how they look at the slots of an opened newsletter
    slots: articles in one newsletter
    reading: how long they read
    luck: of the association
    """

    delivery: Delivery
    wants: Wants
    examine: Examine
    slots: int
    reading: Reading
    luck: Luck

    def answer(self, context: Context, slates: Slates, mood: Mood | None) -> Feedback:
        """What the members of `context` do with these slates.

        mood: of all members of the association before the issue; None where nothing moves them
        """
        number, everyone = context.issue, context.member_ids - FIRST_ID
        delivered = self.delivery.draw_delivered(number, everyone)
        opening, leaving = self.luck.draw(number, "open", everyone, 2).T
        opened = delivered & (opening < self._chance_of_opening(context, slates, mood))
        left = delivered & (leaving < self.delivery.chance_of_leaving(number, everyone, mood))

        places = np.flatnonzero(opened)  # only they are asked about the slots
        rows, choice = everyone[places], slates.choice[places]
        filled, luck_at = choice >= 0, partial(self.luck.draw_at, number)
        p = self.wants.chance_shown(number, choice, rows)
        wants = filled & (luck_at("click", rows, np.maximum(choice, 0)) < p)
        looks = self.luck.draw(number, "examine", rows, choice.shape[1])
        examined, clicked = walk(self.examine, wants, looks, self.slots)
        care = self.wants.measure_care(number, choice, rows) if self.reading.interest else None
        seconds, known = self.reading.draw_reading(
            rows, opened[places], examined & filled, clicked, filled, care, luck_at
        )
        answers = [np.full(slates.choice.shape, nothing) for nothing in (np.int8(-1), False, 0.0)]
        for answer, found in zip(answers, (known, clicked, seconds), strict=True):
            answer[places] = found
        return Feedback(delivered, opened, left, *answers)

    def expect(self, context: Context, slates: Slates, mood: Mood | None) -> Floats:
        """Expected clicks of each member on each slot of these slates, or their top slots [n, k].

        mood: as for `answer`
        """
        rows = context.member_ids - FIRST_ID
        shown = self.wants.chance_shown(context.issue, slates.choice, rows)
        p = np.where(slates.choice >= 0, shown, 0.0)
        opens = self.delivery.arrival * self._chance_of_opening(context, slates, mood)
        return np.asarray(opens[:, None] * expect_clicks(self.examine, p, self.slots))

    def _chance_of_opening(self, context: Context, slates: Slates, mood: Mood | None) -> Floats:
        """P(opened | delivered) of the members of `context` [n]."""
        opens, rows = self.delivery.opens, context.member_ids - FIRST_ID
        subject: Floats = np.zeros(len(rows))
        if mood is not None and opens.subject:
            article = opens.find_subject(context, slates)
            subject = np.nan_to_num(self.wants.measure_care(context.issue, article, rows))[:, 0]
        return self.delivery.chance_of_opening(context.issue, rows, mood, subject)
