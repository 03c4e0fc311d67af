"""Speed, as ratios within one run. Run with `pytest tests/benchmarks --benchmark-only`, in a single
process on a quiet machine; other runs of pytest skip these tests."""

from collections.abc import Callable
from itertools import count
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core import exact
from bandit.core.types import SlotPmf
from bandit.features.clean import read_texts
from bandit.features.stories import find_stories
from bandit.features.text import StaticEncoder
from bandit.slates.exploration import softmax
from bandit.slates.propensity import draw
from simulators.association.association import Association


@pytest.fixture(scope="module")
def context() -> Any:
    return Association(seed=0, members=5000, issues=2, pool=40, slots=6, pin_every=0).issue(1)


def seconds(work: Any, repeats: int = 5) -> float:
    """The time that the fastest of a few runs took."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def test_drawing_slates_beside_the_bare_pmfs(benchmark: Any, context: Any) -> None:
    """Rules, propensities and keyed draws make six softmax pmfs cost about 3 times as much."""
    scores = np.random.default_rng(0).normal(size=context.eligible.shape)
    plan = SlotPmf(scores, softmax(0.5))
    bare = seconds(lambda: [plan(context.eligible) for _ in range(context.rules.slots)])
    benchmark(draw, plan, context, 0)
    benchmark.extra_info["times the bare pmfs"] = benchmark.stats["min"] / bare


def test_exact_products_beside_plain_ones(benchmark: Any) -> None:
    """What the grid costs is two roundings, which is hardly anything."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20_000, 35)), rng.normal(size=(200, 35))
    plain = seconds(lambda: a @ b.T)
    benchmark(exact.dot, a, b)
    benchmark.extra_info["times a plain product"] = benchmark.stats["min"] / plain


# Drawing and answering, with a pool of 50 and 6 slots. Times are processor time on one thread, to
# which tests/conftest.py keeps the suite: the least of many runs, which take turns.


MEMBERS = 18_000


@pytest.fixture(scope="module")
def works() -> dict[str, Callable[[], Any]]:
    """What is timed.

    The floor is the bare product of interests and articles in float32, and an exponential of each
    score. The steps are a slate for each member by softmax scores, drawn and answered. Each draw
    has a seed of its own, because processors learn what repeats.
    """
    simulator, seeds = (
        Association(seed=0, members=MEMBERS, issues=2, pool=50, joiners=0, pin_every=0),
        count(),
    )
    context = simulator.issue(1)
    rng = np.random.default_rng(0)
    interests = rng.normal(size=(MEMBERS, 32)).astype(np.float32)
    articles = rng.normal(size=(50, 32)).astype(np.float32)
    scores = (interests @ articles.T).astype(np.float64) / 5
    plan = SlotPmf(scores, softmax(0.5))
    return {
        "floor": lambda: np.exp(interests @ articles.T),
        "steps": lambda: simulator.respond(context, draw(plan, context, next(seeds))),
        "steps, planned": lambda: simulator.respond(
            context, draw(SlotPmf(scores, softmax(0.5)), context, next(seeds))
        ),
    }


def least(works: dict[str, Callable[[], Any]], repeats: int = 40) -> dict[str, float]:
    """The fewest seconds of processor time that each work took, in `repeats` rounds of them all."""
    times = dict.fromkeys(works, np.inf)
    for _ in range(repeats):
        for name, work in works.items():
            start = process_time()
            work()
            times[name] = min(times[name], process_time() - start)
    return times


@pytest.mark.benchmark(timer=process_time)
def test_drawing_and_answering_beside_the_floor(
    benchmark: Any, works: dict[str, Callable[[], Any]]
) -> None:
    """Drawing and answering take at most 25 times as long as the floor."""
    taken = least(works)
    benchmark(works["steps"])
    ratio = taken["steps"] / taken["floor"]
    benchmark.extra_info["times the floor"] = ratio
    benchmark.extra_info["times the floor, softmax weights included"] = (
        taken["steps, planned"] / taken["floor"]
    )
    assert ratio <= 25


@pytest.mark.benchmark(timer=process_time)
def test_steps_beside_sardine(benchmark: Any, works: dict[str, Callable[[], Any]]) -> None:
    """We take at least 60 times as many steps a second as sardine-rec 1.0.8 (Deffayet et al. 2024),
    whose environment answers one member at a time.

    Its faster figure counts: with slates at random, or by Plackett-Luce (Gumbel's top six of
    softmax scores). It is no dependency of ours; install it beside what is here with
    `pip install --no-deps sardine-rec==1.0.8 gymnasium farama-notifications`.
    """
    pytest.importorskip("sardine", reason="sardine-rec is not installed: see this test's docstring")
    gymnasium = pytest.importorskip("gymnasium")
    sizes = {"num_items": 50, "slate_size": 6, "env_embedds": None}
    sardine = gymnasium.make(
        "sardine/SlateTopK-Bored-v0", **sizes
    ).unwrapped  # without gymnasium's checks of each step
    sardine.reset(seed=0)
    rng, episode = np.random.default_rng(0), 1000

    def by_softmax() -> Any:
        scores = sardine.item_embedd @ sardine.cur_user_embedd
        return np.argsort(-(scores / 0.5 + rng.gumbel(size=50)))[:6]

    def steps(slate: Callable[[], Any]) -> None:
        for _ in range(episode):
            if sardine.step(slate())[2]:
                sardine.reset()

    theirs = {
        "at random": lambda: steps(lambda: rng.integers(0, 50, 6)),
        "by softmax": lambda: steps(by_softmax),
    }
    taken = least({"ours": works["steps"], **theirs}, repeats=20)
    benchmark(works["steps"])
    ours = MEMBERS / taken["ours"]
    for name in theirs:
        benchmark.extra_info[f"times sardine-rec, slates {name}"] = ours * taken[name] / episode
    assert min(ours * taken[name] / episode for name in theirs) >= 60


def test_finding_stories_beside_reading_them(benchmark: Any) -> None:
    """Comparing 150 articles in pairs costs about what their word vectors do."""
    world = Association(seed=5, members=60, issues=6, carried=0.0)
    articles = pd.concat([world.pool(number).articles for number in range(1, 6)], ignore_index=True)
    texts = read_texts(articles)
    reading = seconds(lambda: StaticEncoder().encode(texts))
    benchmark(find_stories, articles, texts)
    ratio = benchmark.stats["min"] / reading
    benchmark.extra_info["times their word vectors"] = ratio
    assert ratio < 4
