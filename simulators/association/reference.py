"""What base rates are defined by: the reference newsletter.

It sends everyone the same best articles, once a week, and has done so for long. Published rates are
those of such newsletters. So members' open rates and the intercept of clicks are fixed here, and
every policy then earns what it earns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from bandit.core.types import Floats, Ints
from simulators.association.opens import Opens
from simulators.association.pools.articles import Pool
from simulators.crossing import find_crossing
from simulators.examination.walk import Examine, chance_of_click, expect_clicks
from simulators.logits import anchor_rates, raise_rate

SAMPLE = 20_000  # so many members are enough to find an intercept


@dataclass(frozen=True)
class Reference:
    """What the reference newsletter is to n members.

    base: logits added to wanting any article
    opens: logits added to opening
    served [n]: how much it interests each member, -1 to 1
    usual: the mean of `served`
    examine [k]: chance that each slot is looked at by those who want what it shows
    """

    base: float
    opens: float
    served: Floats
    usual: float
    examine: Floats


@dataclass(frozen=True)
class Readers:
    """The n members to whom the reference newsletter is sent.

    theta [n, d]: interests
    rate [n]: open rates
    day [n]: how much each likes the day on which it is sent, logits
    scale: logits of interest at which a member clearly cares
    """

    theta: Floats
    rate: Floats
    day: Floats
    scale: float

    def measure_care(self, pool: Pool, articles: Ints) -> Floats:
        """How much each cares for each of these articles of a pool, -1 to 1 [n, j]."""
        pull = self.theta[:, 1:] @ pool.interests()[articles, 1:].T + pool.quality[articles]
        return np.asarray(np.tanh(pull / self.scale))


@dataclass(frozen=True)
class _Trial:
    """The newsletter as readers of a sample [s] would click in it, from two pools of true size.

    logits [s, 2 m]: of wanting each article, before any intercept
    rate [s]: open rates
    model, slots: how it is looked at
    click_to_open: share of opens with a click that it is to get
    """

    logits: Floats
    rate: Floats
    model: Examine
    slots: int
    click_to_open: float

    def choose(self, p: Floats) -> list[Ints]:
        """The best articles of each pool for those who open, where P(click | examined) is p."""
        means = self.rate @ p
        pools = np.split(np.arange(p.shape[1]), 2)
        return [pool[np.argsort(-means[pool])[: self.slots]] for pool in pools]

    def find_base(self, weights: Sequence[Floats]) -> tuple[float, list[Ints], Floats]:
        """The intercept, the best articles of each pool, and P(looked at | wanted) [k].

        weights: how each reader [s] counts for the newsletter from each pool
        """
        none = np.zeros((len(self.rate), self.slots), dtype=bool)

        def is_above(base: float) -> bool:
            p = expit(self.logits + base)
            chances = [
                chance_of_click(self.model, p[:, best], none, self.slots) for best in self.choose(p)
            ]
            clicks = [1 - (1 - chance).prod(axis=1) for chance in chances]
            weighed = [weight * click for weight, click in zip(weights, clicks, strict=True)]
            any_click = np.mean(weighed, axis=0)
            # Where nobody opens at all the share is NaN, which counts as above.
            return not self.rate @ any_click / self.rate.sum() < self.click_to_open

        base = find_crossing(is_above, -12.0, 6.0, steps=40)
        bests = self.choose(expit(self.logits + base))
        shown = expit(np.vstack([self.logits[:, best] for best in bests]) + base)
        return base, bests, _measure_looks(self.model, self.slots, shown)


def measure_reference(
    readers: Readers,
    pool: Pool,
    opens: Opens,
    model: Examine,
    slots: int,
    click_to_open: float,
    moody: bool,
) -> Reference:
    """The intercepts at which the reference newsletter gets the rates that are aimed at.

    Of its opens a share `click_to_open` has a click, and its readers open at their rates.

    pool: articles of two pools; the newsletter is made once from each half
    moody: whether anything but their rates moves opening. Then satisfaction is measured, and
        readers are weighed by how often they open this very newsletter
    """
    few = slice(0, SAMPLE)
    rate = readers.rate[few]
    logits = readers.theta[few] @ pool.interests().T + pool.quality
    trial = _Trial(logits, rate, model, slots, click_to_open)
    base, bests, looked = trial.find_base([np.ones(len(rate))] * 2)
    usual, shift, served = 0.0, 0.0, np.zeros(len(readers.rate))
    if not moody:
        return Reference(base, shift, served, usual, looked)
    for _ in range(2):  # who opens decides which articles are best, and they decide who opens
        cares = [readers.measure_care(pool, best) for best in bests]
        served = np.mean([measure_interest(care, looked) for care in cares], axis=0)
        usual = float(served.mean())
        moves = [
            readers.day + opens.satisfaction * (served - usual) + opens.subject * care[:, 0]
            for care in cares
        ]
        shift = anchor_rates(np.tile(readers.rate, 2), np.concatenate(moves))
        opened = [raise_rate(rate, move[few] + shift) for move in moves]
        base, bests, looked = trial.find_base([some / np.maximum(rate, 1e-300) for some in opened])
    return Reference(base, shift, served, usual, looked)


def measure_interest(care: Floats, looked: Floats) -> Floats:
    """How much a newsletter interests each member, -1 to 1 [n].

    care [n, k]: how much each cares for each slot; NaN where the slot is empty
    looked [k, or more]: chance that each slot is looked at
    It is the mean of `care` over the filled slots, weighed by `looked`; 0 where all are empty.
    """
    filled = np.isfinite(care)
    weight = filled * looked[: care.shape[1]]
    total = weight.sum(axis=1)
    return np.asarray((weight * np.where(filled, care, 0.0)).sum(axis=1) / np.maximum(total, 1e-12))


def _measure_looks(model: Examine, slots: int, p: Floats) -> Floats:
    """P(looked at | wanted there) of each slot [k]: clicks over clicks if all were looked at."""
    chances = model.chances(slots)
    if (chances == chances[0, 0]).all():
        return np.array(chances[0, 0])
    return np.asarray(expect_clicks(model, p, slots).mean(axis=0) / p.mean(axis=0))
