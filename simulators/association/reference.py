"""What base rates are defined by: the newsletter that sends everyone the same best articles, once a week, for long.

Published rates are those of such newsletters. So a member's base open rate and the intercept of clicks are fixed here, and
every policy then earns what it earns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from bandit.core.types import Floats, Ints
from simulators.association.articles import Pool
from simulators.association.opens import Opens
from simulators.association.rates import anchor_rates, raise_rate
from simulators.bisect import find_crossing
from simulators.examination.walk import Examine, chance_of_click, expected

SAMPLE = 20_000  # members that are enough to find an intercept


@dataclass(frozen=True)
class Reference:
    """base: logits added to wanting any article. opens: logits added to opening. served [n]: each member's interest in the
    reference newsletter, `usual` its mean. examine [k]: chance that a slot of it is looked at by those who want it."""

    base: float
    opens: float
    served: Floats
    usual: float
    examine: Floats


@dataclass(frozen=True)
class Readers:
    """Those it is sent to. theta [n, d]: interests; rate [n]: open rates; day [n]: how much they like its day, logits;
    scale: logits of pull at which a member clearly cares."""

    theta: Floats
    rate: Floats
    day: Floats
    scale: float

    def care(self, pool: Pool, articles: Ints) -> Floats:
        """How much each cares for each of these articles, -1 to 1, [n, len(articles)]."""
        pull = self.theta[:, 1:] @ pool.interests()[articles, 1:].T + pool.quality[articles]
        return np.asarray(np.tanh(pull / self.scale))


def reference(
    readers: Readers,
    pool: Pool,
    opens: Opens,
    model: Examine,
    slots: int,
    click_to_open: float,
    moody: bool,
) -> Reference:
    """Find the intercepts at which the reference newsletter gets `click_to_open`, and its readers open at their rates.

    pool: articles of two pools; the newsletter is made once from each half. moody: whether anything but the rates moves
    opening; satisfaction is then measured, and readers are weighed by how they open this very newsletter.
    """
    few = slice(0, SAMPLE)
    rate = readers.rate[few]
    logits = readers.theta[few] @ pool.interests().T + pool.quality
    usual, shift, served = 0.0, 0.0, np.zeros(len(readers.rate))
    weights: Sequence[Floats] = [np.ones(len(rate))] * 2
    base, halves = _intercept(logits, rate, weights, model, slots, click_to_open)
    looked = _looked(model, slots, expit(np.vstack([logits[:, best] for best in halves]) + base))
    if moody:
        for _ in range(2):  # who opens decides which articles are best, and they decide who opens
            cares = [readers.care(pool, best) for best in halves]
            served = np.mean([interest(care, looked) for care in cares], axis=0)
            usual = float(served.mean())
            moved = [
                readers.day + opens.satisfaction * (served - usual) + opens.subject * care[:, 0]
                for care in cares
            ]
            shift = anchor_rates(np.tile(readers.rate, 2), np.concatenate(moved))
            opened = [raise_rate(rate, move[few] + shift) for move in moved]
            weights = [given / np.maximum(rate, 1e-300) for given in opened]
            base, halves = _intercept(logits, rate, weights, model, slots, click_to_open)
            looked = _looked(
                model, slots, expit(np.vstack([logits[:, best] for best in halves]) + base)
            )
    return Reference(base, shift, served, usual, looked)


def interest(care: Floats, looked: Floats) -> Floats:
    """How much a newsletter interests each member, -1 to 1, [n]: the mean of `care` [n, k] over its slots, each as it is
    looked at; NaN in `care` for an empty one."""
    filled = np.isfinite(care)
    weight = filled * looked[: care.shape[1]]
    total = weight.sum(axis=1)
    return np.asarray((weight * np.where(filled, care, 0.0)).sum(axis=1) / np.maximum(total, 1e-12))


def _intercept(
    logits: Floats,
    rate: Floats,
    weights: Sequence[Floats],
    model: Examine,
    slots: int,
    click_to_open: float,
) -> tuple[float, list[Ints]]:
    """The base, and the best articles of each half (pools of the true size) for those who open. weights: of each member for
    each half."""
    none = np.zeros((len(rate), slots), dtype=bool)

    def choose(p: Floats) -> list[Ints]:
        means = rate @ p
        return [
            half[np.argsort(-means[half])[:slots]] for half in np.split(np.arange(p.shape[1]), 2)
        ]

    def is_above(base: float) -> bool:
        p = expit(logits + base)
        clicks = [
            1 - (1 - chance_of_click(model, p[:, best], none, slots)).prod(axis=1)
            for best in choose(p)
        ]
        any_click = np.mean(
            [weight * chance for weight, chance in zip(weights, clicks, strict=True)], axis=0
        )
        return not rate @ any_click / rate.sum() < click_to_open

    base = find_crossing(is_above, -12.0, 6.0, steps=40)
    return base, choose(expit(logits + base))


def _looked(model: Examine, slots: int, p: Floats) -> Floats:
    """P(looked at | wanted there) of each slot [k]: clicks over what would be clicked if all were looked at."""
    chances = model.chances(slots)
    if (chances == chances[0, 0]).all():
        return np.array(chances[0, 0])
    return np.asarray(expected(model, p, slots).mean(axis=0) / p.mean(axis=0))
