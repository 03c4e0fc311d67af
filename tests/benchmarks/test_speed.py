"""Speed, as ratios within one run: pytest tests/benchmarks --benchmark-only (skipped otherwise)."""

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from bandit import exact
from bandit.exploration import softmax
from bandit.slates import draw
from bandit.types import SlotPmf
from simulators.association import Association


@pytest.fixture(scope="module")
def context() -> Any:
    return Association(seed=0, members=5000, issues=2, pool=40, slots=6, pin_every=0).issue(1)


def seconds(work: Any, repeats: int = 5) -> float:
    """The fastest of a few runs."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def test_drawing_slates_beside_the_bare_pmfs(benchmark: Any, context: Any) -> None:
    """What rules, propensities and keyed draws add to six softmax pmfs: about 3 times their cost in all."""
    scores = np.random.default_rng(0).normal(size=context.eligible.shape)
    plan = SlotPmf(scores, partial(softmax, temperature=0.5))
    bare = seconds(lambda: [plan(context.eligible) for _ in range(context.rules.slots)])
    benchmark(draw, plan, context, 0)
    benchmark.extra_info["times the bare pmfs"] = benchmark.stats["min"] / bare


def test_exact_products_beside_plain_ones(benchmark: Any) -> None:
    """What the grid costs: two roundings; hardly anything."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20_000, 35)), rng.normal(size=(200, 35))
    plain = seconds(lambda: a @ b.T)
    benchmark(exact.dot, a, b)
    benchmark.extra_info["times a plain product"] = benchmark.stats["min"] / plain
