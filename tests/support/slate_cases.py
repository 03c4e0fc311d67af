"""Plans under every way of exploring, and a context in which every kind of rule applies."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bandit.core import keys
from bandit.core.rules import Rules
from bandit.core.types import Context, SlotPmf
from bandit.slates.exploration import budgeted, epsilon_greedy, greedy, softmax, squarecb

Make = Callable[..., Context]
SOFT = partial(softmax, temperature=0.7)
EXPLORERS = {
    "greedy": greedy,
    "epsilon": partial(epsilon_greedy, epsilon=0.3),
    "softmax": SOFT,
    "budgeted": partial(budgeted, budget=0.3, temperature=0.7),
    "squarecb": partial(squarecb, gamma=7.0),
}
every_explorer = pytest.mark.parametrize("explore", EXPLORERS.values(), ids=EXPLORERS.keys())
RULES = Rules(
    slots=4,
    pins={3: "a6"},
    at_most={"kind": {"event": 1}},
    at_least={"kind": {"resource": 1}},
    only={2: {"source": ["gazette", "board"]}},
)


def make_plan(context: Context, explore: Callable) -> SlotPmf:
    """Scores that depend on the member and the article only."""
    scores = keys.uniforms(
        3, "scores", "s", keys.member_keys(context.member_ids), len(context.articles)
    )
    return SlotPmf(2 * scores, explore)


def make_masked(make_context: Make, n: int = 60, m: int = 11) -> Context:
    rng = np.random.default_rng(1)
    return make_context(
        n, m, RULES, eligible=rng.random((n, m)) < 0.6, seen=rng.random((n, m)) < 0.3
    )
