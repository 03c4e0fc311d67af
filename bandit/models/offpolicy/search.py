"""Choosing how far to trust a log: the prior's width, the clipping and the penalty.

Open this file to see what is chosen by the clicks of members held out, and when the click model is
trusted alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import keys
from bandit.core.types import Floats
from bandit.models.offpolicy.exposures import Exposures, Weights
from bandit.models.offpolicy.pages import Page
from bandit.ope.intervals import normal_interval

HELD_OUT = 0.25  # share of the members whose exposures judge, and do not teach, during the choice


def hold_out(pages: Sequence[Page]) -> tuple[list[Page], list[Page]]:
    """The log of the members who teach, and that of the members held out, by key."""
    out = [
        keys.uniforms(0, "", "held out", page.member, 1)[page.send, 0] < HELD_OUT for page in pages
    ]
    pairs = list(zip(pages, out, strict=True))
    return [page.take(~held) for page, held in pairs], [page.take(held) for page, held in pairs]


@dataclass(frozen=True)
class Search:
    """What is chosen between, and what each choice makes of a log.

    objective: ips, snips or dr
    prior: the weights before any click
    sds: [p, q] each, the prior's standard deviations to choose from
    choices: (clip, penalty) to choose from; the first stays unless another is surely better
    """

    objective: str
    prior: Weights
    sds: Sequence[Floats]
    choices: Sequence[tuple[float, float]]

    def fit(self, log: Exposures, prior: int, choice: int) -> tuple[Weights, Weights]:
        """The policy and the click model that a row of `sds` and one of `choices` make of a log.

        Under weights of 0 the doubly robust estimate is the click model's alone: it is then the
        policy as it is.
        """
        clicks = log.fit_click_model(self.prior, self.sds[prior])
        if self.choices[choice][0] == 0:
            return clicks, clicks
        return self._fit_policy(log, clicks, prior, choice), clicks

    def choose(self, train: Exposures, held: Exposures) -> tuple[int, int]:
        """A row of `sds` and a row of `choices`.

        The first is that whose click model expects the held-out members' clicks best. The second is
        that whose policy earns most by them: the first row, where no other's gain on it has an
        interval above 0. Both are 0 where there is nothing to choose by.
        """
        if not train.clicks or not held.clicks or len(np.unique(held.member)) < 2:
            return 0, 0
        models = [train.fit_click_model(self.prior, sd) for sd in self.sds]
        prior = int(np.argmin([held.surprise(model) for model in models]))
        clicks = models[prior]
        # The first is fitted too, not taken as the click model is: what the others gain on it must
        # be the log's correction, not a sharper softmax.
        base = held.estimate(self._fit_policy(train, clicks, prior, 0), clicks)
        best, most = 0, 0.0
        for choice in range(1, len(self.choices)):
            gain = held.estimate(self._fit_policy(train, clicks, prior, choice), clicks) - base
            interval = normal_interval(gain, held.member)
            if interval.low > most:
                best, most = choice, interval.low
        return prior, best

    def _fit_policy(self, log: Exposures, clicks: Weights, prior: int, choice: int) -> Weights:
        start = clicks if self.objective == "dr" else self.prior
        sd, (clip, penalty) = self.sds[prior], self.choices[choice]
        return log.fit_policy(start, sd, clicks, self.objective, clip, penalty)
