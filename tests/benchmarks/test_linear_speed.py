"""Linear bandits planning and learning beside MABWiser, and profiles beside their aim.

Run by `make bench`. Times are processor time on one thread; ratios within one run.
"""

from time import process_time
from typing import Any

import numpy as np
import pytest

from bandit.core.types import Context, Round
from bandit.policies.lin_ts import LinTS
from bandit.policies.lin_ucb import LinUCB
from bandit.policies.profile import Profile
from bandit.policy import Policy
from experiments.runner.configs import make, read_policy
from simulators.association.association import Association
from simulators.play import begin, send
from tests.benchmarks.clock import least
from tests.benchmarks.peers import ask
from tests.benchmarks.rows import Beside, Row, note

MEMBERS = 4000
NAMES = {"lin_ts": "LinTS", "lin_ucb": "LinUCB"}
WHY = {
    "lin_ts": "16 posterior draws are 16 products, and 1,050 weights are drawn for each",
    "lin_ucb": "the posterior of 1,050 weights is contracted with each article first",
}
LEARNING = (
    "one posterior of 1,050 weights, where mabwiser's articles have 30 each: its Cholesky factor "
    "and the inverse of that are 0.8 GFlop, however few exposures there are"
)
PROFILES = (
    "the prior's posterior of some 1,050 weights is factorised three times, whatever the members; "
    "of many members the openers' own expectation propagation is most"
)


@pytest.fixture(scope="module")
def sent() -> tuple[Association, Round, Context]:
    """An association with 50 articles, its first issue as random sent it, and its second."""
    sizes = {"members": MEMBERS, "issues": 3, "pool": 50, "slots": 6}
    association = Association(seed=0, joiners=0, pin_every=0, **sizes)
    policy = make(read_policy("random"))
    begin(policy, association)
    round = send(policy, association, association.issue(1), 0, learn=False)
    return association, round, association.issue(2)


@pytest.fixture(scope="module")
def theirs(sent: tuple[Association, Round, Context]) -> dict[str, float] | None:
    _, round, context = sent
    rows, _, index, clicked = round.list_exposures()
    return ask(
        "mabwiser_linear.py",
        members=np.asarray(context.member_features),
        m=np.array(len(context.articles)),
        contexts=np.asarray(round.context.member_features[rows]),
        arms=index,
        clicks=clicked.astype(np.int64),
    )


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("name", NAMES)
def test_planning(benchmark: Any, name: str, sent: Any, theirs: dict[str, float] | None) -> None:
    """A plan of 50 articles for every member: scores, and what exploration needs."""
    association, round, context = sent
    policy: LinTS | LinUCB = make(read_policy(name))
    begin(policy, association)
    policy.learn(round)
    rng = np.random.default_rng(0)
    x, a = rng.normal(size=(len(context.members), 30)), rng.normal(size=(30, 50))

    def plan() -> None:
        made = policy.plan(context)
        made.explore.list_tables(made.scores)  # a posterior's draws are worked out when asked for

    works = {"ours": plan, "limit": lambda: np.exp(x @ a / 6)}
    taken = {k: 1e6 * v / len(context.members) for k, v in least(works, 5).items()}
    benchmark.pedantic(works["ours"], rounds=1)
    peer = theirs and Beside(
        f"mabwiser {NAMES[name]}", 1e6 * theirs[f"{name} plan"] / len(context.members), 10
    )
    limit = Beside("product and exponential", taken["limit"], 5)
    work = f"plan 50 articles: `{name}`, one model for all articles"
    why = WHY[name]
    note(benchmark, Row(work, taken["ours"], "us a member", peer or None, limit, why=why))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("model", ["shared", "disjoint"])
def test_learning(benchmark: Any, model: str, sent: Any, theirs: dict[str, float] | None) -> None:
    """MABWiser has a model for each article, as `disjoint` has for each cell of articles."""
    association, round, _ = sent
    policy: Policy = make(read_policy("lin_ucb") | {"model": model})
    begin(policy, association)
    count = len(round.list_exposures()[0])
    taken = 1e6 * least({"ours": lambda: policy.learn(round)}, 4)["ours"] / count
    benchmark.pedantic(lambda: policy.learn(round), rounds=1)
    peer = theirs and Beside("mabwiser LinUCB", 1e6 * theirs["lin_ucb learn"] / count, 1)
    work = f"learn: `lin_ucb` `model={model}`"
    note(benchmark, Row(work, taken, "us an exposure", peer or None, why=LEARNING))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("members", [20_000, 100_000])
def test_profiles(benchmark: Any, members: int) -> None:
    """A profile plans and learns an issue of 50 articles."""
    sizes = {"members": members, "issues": 4, "pool": 50, "slots": 6}
    association = Association(seed=0, joiners=0, pin_every=0, **sizes)
    policy: Profile = make(read_policy("profile"))
    begin(policy, association)
    policy.learn(send(policy, association, association.issue(1), 0, learn=False))
    context = association.issue(2)
    round = send(policy, association, context, 0, learn=False)
    works = {"plan": lambda: policy.plan(context), "learn": lambda: policy.learn(round)}
    taken = {k: 1e6 * v / len(context.members) for k, v in least(works, 3).items()}
    benchmark.pedantic(works["plan"], rounds=1)
    work = f"`profile` plans and learns an issue of {members:,} members"
    note(benchmark, Row(work, sum(taken.values()), "us a member", most=20, why=PROFILES))
