"""Slates with exact propensities, for every default policy, beside mab2rec and a bare product.

Run by `make bench`. Times are processor time on one thread; ratios within one run.
"""

from time import process_time
from typing import Any

import numpy as np
import pytest

from bandit.compiling import is_worth
from bandit.core.rules import Rules
from bandit.core.types import Context, Floats
from bandit.policy import Informed, Policy
from bandit.slates.propensity import draw
from experiments.runner.configs import list_configs, make, read_policy
from simulators.association.association import Association
from simulators.play import begin, send
from tests.benchmarks.clock import least
from tests.benchmarks.peers import ask
from tests.benchmarks.rows import Beside, Row, note

MEMBERS, CHUNK = 10_000, 2000  # and as many as a send chooses for at a time
RULES = Rules(slots=6, at_most={"kind": {"event": 2}})
PEERS = {"random": "Random", "lin_ts": "LinTS", "lin_ucb": "LinUCB", "profile": "LinGreedy"}
CALLS = "about 1 us a member are numpy's calls for the rules of six slots, however few articles"
SIXTEEN = "16 posterior draws are 16 products, and the best of each is looked for"
VW = "VW's own prediction, asked through Python"
WHY = {
    "lin_ts": SIXTEEN,
    "neural": SIXTEEN,
    "lin_ucb": "widths: the posterior of 1,050 weights is contracted with each article first",
    "profile": "nine exponentials a score average over what is not known of interests",
    "segment_learned": "finding each member's segment is half of it",
    "vw": VW,
    "vw_ccb": f"{VW}, for each slot",
}
POLICIES = [
    name
    for name in list_configs("policy")
    if not isinstance(make(read_policy(name)), Informed) and name != "wave"  # it sends in waves
]


@pytest.fixture(scope="module", params=[30, 200], ids=["30 articles", "200 articles"])
def issue(request: pytest.FixtureRequest) -> tuple[Association, Context]:
    """An association whose first issue was sent, and its second one with so many articles."""
    is_worth(1e9)  # so that the compiled loop is loaded, as it is in a send to many
    sizes = {"members": MEMBERS, "issues": 3, "pool": request.param, "slots": 6}
    association = Association(seed=0, joiners=0, pin_every=0, **sizes)
    return association, association.issue(2)


@pytest.fixture(scope="module")
def theirs(issue: tuple[Association, Context]) -> dict[str, float] | None:
    context = issue[1]
    m = np.array(len(context.articles))
    return ask("mab2rec_slates.py", members=np.asarray(context.member_features), m=m)


def multiply(members: Floats, articles: Floats) -> Floats:
    """The limit: a score for each member and article, and its exponential."""
    return np.asarray(np.exp(members @ articles.T))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("name", POLICIES)
def test_slates(
    benchmark: Any,
    name: str,
    issue: tuple[Association, Context],
    theirs: dict[str, float] | None,
) -> None:
    """Plan and draw for all members, once the policy has learned an issue."""
    association, context = issue
    policy: Policy = make(read_policy(name))
    begin(policy, association)
    policy.learn(send(policy, association, association.issue(1), 0, learn=False))
    rng = np.random.default_rng(0)
    interests = rng.normal(size=(len(context.members), 35)) / 6
    articles = rng.normal(size=(len(context.articles), 35))
    pieces = np.split(np.arange(len(context.members)), range(CHUNK, len(context.members), CHUNK))
    chunks = [context.take(rows) for rows in pieces]

    def choose() -> None:
        plan = policy.plan_for(context.articles, context.article_features)
        for chunk in chunks:
            draw(plan(chunk), chunk, 0)

    works = {
        "ours": choose,
        "limit": lambda: multiply(interests, articles),
    }
    taken = {work: 1e6 * each / len(context.members) for work, each in least(works, 3).items()}
    benchmark.pedantic(works["ours"], rounds=1)
    simple = name in ("random", "profile") or name.startswith("lin_")
    peer = None
    if theirs and name in theirs:
        peer = Beside(f"mab2rec {PEERS[name]}", 1e6 * theirs[name] / len(context.members), 10)
    work = f"slates with propensities, {len(context.articles)} articles: `{name}`"
    limit = Beside("product and exponential", taken["limit"], 6 if simple else 10)
    why = WHY.get(name, CALLS)
    note(benchmark, Row(work, taken["ours"], "us a member", peer, limit, why=why))
