"""Plans under every way of exploring, and a context in which every kind of rule applies."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from bandit import compiling
from bandit.core import keys
from bandit.core.rules import Rules
from bandit.core.types import Context, SlotPmf
from bandit.slates import propensity
from bandit.slates.exploration import budgeted, epsilon_greedy, greedy, softmax, squarecb

Make = Callable[..., Context]
SOFT = softmax(0.7)
EXPLORERS = {
    "greedy": greedy,
    "epsilon": epsilon_greedy(0.3),
    "softmax": SOFT,
    "budgeted": budgeted(0.3, 0.7),
    "squarecb": squarecb(7.0),
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


def take_walk(name: str) -> Iterator[str]:
    """Meanwhile each list is walked by numpy for rows ("plain"), compiled, one by one ("alone"), or
    one by one and compiled.

    Otherwise it would depend on how many members there are.
    """
    if "compiled" in name:
        pytest.importorskip(
            "numba", reason="numba is not installed: pip install letterbandit[fast]"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_WORTH", 0.0 if "compiled" in name else np.inf)
        patch.setattr(propensity, "_FEWEST", 10**9 if "alone" in name else 0)
        yield name


def take_all(work: Callable[[], Any]) -> list[Any]:
    """What the plain walk gives, the compiled loop, and members one by one in either way."""
    names = ("plain", "compiled", "alone", "alone compiled")
    return [work() for name in names for _ in take_walk(name)]
