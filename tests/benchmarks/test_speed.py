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
from bandit.features import text
from bandit.features.clean import read_texts
from bandit.features.stories import find_stories
from bandit.features.text import StaticEncoder
from bandit.slates.exploration import softmax
from bandit.slates.propensity import draw
from experiments.runner.configs import make, read_policy
from simulators.association.association import Association
from simulators.play import begin, send
from tests.benchmarks.clock import least
from tests.benchmarks.peers import ask
from tests.benchmarks.rows import Beside, Row, note


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
SLOTS = (
    "half is the compiled loop's six slots; the rest are numpy's calls for rules, keys and "
    "answers, which a second copy of the rules in compiled code would save"
)
WHY = {
    "random": SLOTS,
    "profile": "nine exponentials a score average over what is not known of interests",
    "lin_ts": "16 posterior draws are 16 products, and the best of each is looked for in each slot",
}


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
    """We take at least 60 times as many steps a second as sardine-rec 1.0.8.

    Its environment answers one member at a time. Its faster figure counts: with slates at random,
    or by Plackett-Luce.
    """
    theirs = ask("sardine_steps.py")
    if theirs is None:
        pytest.skip("sardine-rec is not installed: make bench-peers")
    taken = least({"ours": works["steps"]}, repeats=20)["ours"] / MEMBERS
    benchmark(works["steps"])
    for name, time in theirs.items():
        benchmark.extra_info[f"times sardine-rec, slates {name}"] = time / taken
    peer = Beside("sardine-rec", 1e6 * min(theirs.values()), 60)
    work = "draw and respond, 50 articles: softmax scores"
    note(benchmark, Row(work, 1e6 * taken, "us a member", peer, why=SLOTS))
    assert min(theirs.values()) >= 60 * taken


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("name", ["random", "profile", "lin_ts"])
def test_default_policies_beside_the_floor(
    benchmark: Any, works: dict[str, Callable[[], Any]], name: str
) -> None:
    """Planning, drawing and answering, as the default yamls do it."""
    association = Association(seed=0, members=6000, issues=3, pool=50, joiners=0, pin_every=0)
    policy = make(read_policy(name))
    begin(policy, association)
    policy.learn(send(policy, association, association.issue(1), 0, learn=False))
    context = association.issue(2)
    association.truth(context)  # is kept: both the floor and our time are without it

    def step() -> None:
        send(policy, association, context, 0, learn=False)

    taken = least({"ours": step, "floor": works["floor"]}, repeats=6)
    benchmark.pedantic(step, rounds=1)
    ours, floor = 1e6 * taken["ours"] / len(context.members), 1e6 * taken["floor"] / MEMBERS
    theirs = ask("sardine_steps.py")
    peer = theirs and Beside("sardine-rec", 1e6 * min(theirs.values()), 60)
    limit = Beside("float32 product and exponential", floor, 25)
    work = f"draw and respond, 50 articles: `{name}`"
    note(benchmark, Row(work, ours, "us a member", peer or None, limit, why=WHY[name]))


def test_finding_stories_beside_reading_them(benchmark: Any) -> None:
    """Comparing 150 articles in pairs costs about what their word vectors do."""
    world = Association(seed=5, members=60, issues=6, carried=0.0)
    articles = pd.concat([world.pool(number).articles for number in range(1, 6)], ignore_index=True)
    texts = read_texts(articles)

    def read() -> None:
        text._read_static.cache_clear()  # texts are kept, once they have been read
        StaticEncoder().encode(texts)

    reading = seconds(read)
    benchmark(find_stories, articles, texts)
    ratio = benchmark.stats["min"] / reading
    benchmark.extra_info["times their word vectors"] = ratio
    assert ratio < 4
