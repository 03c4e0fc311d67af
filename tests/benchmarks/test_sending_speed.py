"""What a newsletter costs whoever sends it, beside a bare walk in numpy: ratios within one run.

Run with `pytest tests/benchmarks --benchmark-only`, in a single process on a quiet machine. Times
are processor time on one thread, the least of many runs, which take turns.
"""

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest

import serving
from bandit.core.columns import Columns
from serving.sending.sender import ReadyIssue
from tests.benchmarks.clock import least
from tests.benchmarks.desk import RULES, make_bundle

MANY = 2000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReadyIssue, Columns]:
    """A profile bundle with a pool of 200 in front of it, and members."""
    folder: Path = tmp_path_factory.mktemp("desk") / "bundle"
    context = make_bundle(folder)
    issue = serving.load(folder).prepare(context.articles, RULES, "may", 7)
    return issue, context.members.take(slice(0, MANY))


def walk_bare(n: int) -> Callable[[], Any]:
    """Six slots for n members by numpy alone: products, exponentials, draws; no rules or roles."""
    rng = np.random.default_rng(0)
    interests, articles = rng.normal(size=(n, 35)), rng.normal(size=(200, 35))
    rows = np.arange(n)

    def walk() -> list[Any]:
        weights, shown = np.exp(interests @ articles.T / 6), []
        for _ in range(RULES.slots):
            sums = weights.cumsum(axis=1)
            drawn = rng.random(n) * sums[:, -1]
            choice = (sums <= drawn[:, None]).sum(axis=1)
            shown.append((choice, weights[rows, choice] / sums[:, -1]))
            weights[rows, choice] = 0.0
        return shown

    return walk


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize(("n", "most"), [(1, 8), (MANY, 6)])
def test_composing_beside_a_bare_walk(benchmark: Any, desk: Any, n: int, most: float) -> None:
    """For one member, calls are what costs: hundreds of numpy's, where the bare walk makes 40.

    For many, averages over what is not known of their interests cost as much as the walk.
    """
    issue, members = desk
    some = members.take(slice(0, n))
    taken = least({"ours": lambda: issue.compose(some), "bare": walk_bare(n)}, 200 // n + 20)
    benchmark(issue.compose, some)
    ratio = taken["ours"] / taken["bare"]
    benchmark.extra_info["times the bare walk"] = ratio
    assert ratio <= most
