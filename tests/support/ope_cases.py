"""Small logs and pools that the off-policy tests share."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Floats, Ints, SlotPmf
from bandit.ope.evaluate import ESTIMATORS
from bandit.ope.intervals import Interval
from bandit.slates import exploration
from bandit.slates import propensity as slates
from tests.support.builders import context_of, pool_of

Estimator = Callable[..., Floats]
Explore = Callable[[Floats, Bools], Floats]

every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=list(ESTIMATORS))
LOGGER = exploration.softmax(1.3)
TARGETS: dict[str, Explore] = {
    "greedy": exploration.greedy,
    "epsilon": exploration.epsilon_greedy(0.15),
    "squarecb": exploration.squarecb(7.0),
    "budgeted": exploration.budgeted(0.4, 0.6),
}
SCORES = ([0.9, -0.4, 0.3, 1.7], [0.2, 1.1, 0.8, -0.5])  # the logger's and the target's


def make_issue(n: int, m: int, rules: Rules, eligible: Bools | None = None) -> Context:
    """An issue whose third article is an event, and every other a plain one."""
    kinds = ["event" if j == 2 else "article" for j in range(m)]
    given = {} if eligible is None else {"eligible": eligible}
    return context_of(n, m, rules, articles=pool_of(m, kind=kinds), **given)


def list_slates(m: int, rules: Rules, explore: Explore, scores: list[float]) -> tuple[Ints, Floats]:
    """All slates a plan may show [n, k], empty slots included, and their propensities [n, k]."""
    choice = np.array(list(product(range(-1, m), repeat=rules.slots)))
    propensity = replay_plan(choice, m, rules, explore, scores)
    shown = (propensity > 0).all(axis=1)
    return choice[shown], propensity[shown]


def replay_plan(
    choice: Ints, m: int, rules: Rules, explore: Explore, scores: list[float]
) -> Floats:
    """The propensities [n, k] of these slates, of a plan that scores articles alike for all."""
    n = len(choice)
    return slates.replay(SlotPmf(np.tile(scores, (n, 1)), explore), make_issue(n, m, rules), choice)


def draw_log(rng: np.random.Generator, n: int = 200, k: int = 3) -> tuple[Floats, Floats, Floats]:
    return (
        rng.uniform(0.05, 1, (n, k)),
        rng.uniform(0, 1, (n, k)),
        rng.poisson(0.7, (n, k)).astype(float),
    )


def assert_same_interval(a: Interval, b: Interval) -> None:
    np.testing.assert_allclose([a.estimate, a.low, a.high], [b.estimate, b.low, b.high], rtol=1e-10)


def make_plain_log(n: int = 4000, k: int = 3) -> tuple[Floats, Floats, Floats, Bools, Ints]:
    rng = np.random.default_rng(20)
    logged = np.full((n, k), 0.5)
    reward = (rng.random((n, k)) < 0.1).astype(float)
    return logged, logged.copy(), reward, np.ones((n, k), dtype=bool), np.arange(n) % 500
