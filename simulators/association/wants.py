"""What members want: the chance that a member clicks an article that the member looks at."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from bandit.core.types import Floats, Ints
from simulators.association.campaigns import Campaigns
from simulators.association.drift import InterestPath
from simulators.association.members import Interests
from simulators.association.opens import Opens
from simulators.association.pools.articles import Pool
from simulators.association.press import Press, find_repeats
from simulators.luck import Luck


@dataclass(eq=False)
class Wants:
    """What all n members want of each issue's articles. The latest issue asked for is kept.

    interests: of the members at the beginning
    path: the personal part of them at each issue
    make_pool: gives the pool of an issue
    press: says how articles lose appeal
    campaigns: what each issue is
    opens: says what a weekday adds
    base: logits that make click rates what they are
    scale: logits of interest at which a member clearly cares
    luck: of the association
    """

    interests: Interests
    path: InterestPath
    make_pool: Callable[[int], Pool]
    press: Press
    campaigns: Campaigns
    opens: Opens
    base: float
    scale: float
    luck: Luck

    def __post_init__(self) -> None:
        self._ready = self.interests.all[:, 0].copy()
        # Of a million members, the logits of one issue are enough to hold.
        self._issue, self._logits = 0, np.zeros((0, 0))

    def chance(self, number: int, rows: Ints) -> Floats:
        """P(click | examined) of these members and each article of issue `number`, alone [n, m]."""
        return np.asarray(expit(self._weigh(number)[rows]))

    def chance_shown(self, number: int, choice: Ints, rows: Ints) -> Floats:
        """P(click | examined) of what each slot shows these members [n, k].

        choice [n, k]: indices into the pool of issue `number`; empty slots have no meaning
        A slot that tells the story of a slot above again has a lower chance, by `Press.repeated`.
        """
        p = expit(self._look_up(number, choice, rows))
        repeated = self.press.repeated
        if repeated:
            again = find_repeats(self.make_pool(number), choice)
            p = np.where(again, (1 - repeated) * p, p)
        return np.asarray(p)

    def measure_care(self, number: int, choice: Ints, rows: Ints) -> Floats:
        """How much each of these members cares for the articles in `choice`, -1 to 1, [n, j].

        It is tanh(logits / taste), where the logits leave out the member's readiness to click at
        all; NaN where there is no article (-1).
        """
        ready = self._ready[rows] + self._sum_shifts(number)
        logits = self._look_up(number, choice, rows)
        return np.where(choice >= 0, np.tanh((logits - ready[:, None]) / self.scale), np.nan)

    def _look_up(self, number: int, choice: Ints, rows: Ints) -> Floats:
        logits = self._weigh(number)
        return np.asarray(logits.ravel().take(rows[:, None] * logits.shape[1] + choice))

    def _weigh(self, number: int) -> Floats:
        """Logits of P(click | examined) of all members and the pool of issue `number` [n, m]."""
        if self._issue != number:
            self._issue, self._logits = 0, np.zeros((0, 0))  # not two issues at a time
            pool, campaigns = self.make_pool(number), self.campaigns
            personal = campaigns.blend_interests(
                campaigns.look_up(number)[0],
                self.path.interests(number),
                self.luck.make_generator("sessions"),
                self.interests.sd,
            )
            logits = (self.interests.mean + personal) @ pool.interests().T
            logits += self.press.measure_appeal(pool, number)
            logits += self._sum_shifts(number)
            self._issue, self._logits = number, logits
        return self._logits

    def _sum_shifts(self, number: int) -> float:
        """Logits that issue `number` adds to wanting any of its articles."""
        campaign = self.campaigns.look_up(number)[1]
        return self.base + self.opens.shift_clicks(number) + campaign.clicks
