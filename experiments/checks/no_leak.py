"""A policy that knows nothing gains nothing.

Policies are told the texts of other articles, the attributes of other members, or both. A lift that
remained would be a leak of the truth (promise 4 of docs/architecture.md). Open this file to see
what is falsified, and what a policy may still gain honestly.

An article keeps its false text while it is carried over, so what `popular` lives on is still there
for all: which of the carried articles were clicked. A member's false attributes are others in each
issue; if they were kept, they would be a name by which a linear policy honestly gets to know the
few who click. Each policy is held against what it may gain in the same world, with the same luck:

- with false text (alone, or with false attributes): the lift of `popular`, sent in the same waves;
- with false attributes alone: its own lift when it is told no attributes. Text and the members' own
  clicks are still true, so this is the lift of `blast` for a policy that knows no members, and more
  for one that does.

Lifts are over `random`, in expected clicks of the later issues: what is compared holds no luck of
clicks, which is only in what was learned from.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.columns import Columns
from bandit.core.types import Context, Floats
from bandit.ope.intervals import normal_interval
from bandit.policy import Informed, Policy
from experiments.runner.configs import list_configs, make, read_policy
from simulators.base import Simulator
from simulators.play import Tell, play

WHAT = ("text", "attributes", "both")
IN_WAVES = " in waves"  # after a policy's name: sent in the waves of configs/policy/wave.yaml


def list_learners() -> list[str]:
    """The policies of configs/policy that learn and are not shown the truth.

    All but `random`, which the others are measured by, and those that are `Informed`.
    """
    return [
        name
        for name in list_configs("policy")
        if name != "random" and not isinstance(make(read_policy(name)), Informed)
    ]


class Teller:
    """Contexts as a policy is told them. Eligibility stays true: it is a rule, not a hint.

    simulator: whose contexts they are; its features read what is told
    what: which part is false, one of `WHAT`; "nothing": all is true; "withheld": texts are true and
        attributes unknown
    seed: keys which article's text and which member's attributes are told

    Raises ValueError for any other `what`.
    """

    def __init__(self, simulator: Simulator, what: str, seed: int) -> None:
        if what not in (*WHAT, "nothing", "withheld"):
            raise ValueError(f"what = {what!r}; choose from {', '.join(WHAT)}, nothing, withheld")
        self._features, self._what, self._seed = simulator.features, what, seed
        # By article, the title, summary and features that were told of it first.
        self._texts: dict[object, tuple[str, str, Floats]] = {}

    def __call__(self, context: Context) -> Context:
        members = context.members
        if self._what in ("text", "both"):
            context = self._swap_texts(context)
        if self._what in ("attributes", "both"):
            rng = keys.generator("no leak", "members", self._seed, context.issue)
            others = members.take(rng.permutation(len(members)))
            return self._replace_members(context, others.assign(member=context.member_ids))
        if self._what == "withheld":
            attributes = self._features.attributes
            worded = [*attributes.levels, *attributes.tags]
            unknown = members.assign(**dict.fromkeys(worded, "withheld"))
            means = {name: mean for name, (mean, _) in attributes.numeric.items()}
            return self._replace_members(context, unknown.assign(**means))
        return context

    def _replace_members(self, context: Context, members: Columns) -> Context:
        return replace(
            context, members=members, member_features=self._features.encode_members(members)
        )

    def _swap_texts(self, context: Context) -> Context:
        """Articles new to the pool swap their texts; carried ones keep what they were given."""
        ids, true = context.article_ids, [context.articles[name] for name in ("title", "summary")]
        new = [j for j, article in enumerate(ids) if article not in self._texts]
        order = keys.generator("no leak", "texts", self._seed, context.issue).permutation(len(new))
        for j, other in enumerate(order):
            self._texts[ids[new[j]]] = (
                *(column[new[other]] for column in true),
                context.article_features[new[other]],
            )
        title, summary, features = zip(*(self._texts[article] for article in ids), strict=True)
        articles = context.articles.assign(title=title, summary=summary)
        return replace(context, articles=articles, article_features=np.stack(features))


def measure_earnings(
    simulator: Simulator, policy: Policy, tell: Tell, issues: int, since: int, seed: int
) -> float:
    """Expected clicks a delivery of a policy that is told `tell(context)` and the true clicks.

    issues: how many are sent
    since: the first issue that counts; what is earned before it is ignored
    seed: keys the slates
    """
    clicks = deliveries = 0.0
    for round in play(policy, simulator, seed, issues, tell=tell):
        if round.context.issue >= since:
            clicks += simulator.expected(round.context, round.slates).sum()
            deliveries += len(round.context.members)
    return clicks / deliveries


def measure_lifts(
    world: Callable[[int], Simulator],
    whats: Sequence[str],
    policies: Sequence[str],
    seeds: Sequence[int],
    issues: int,
    since: int,
    tick: Callable[[str], None] = lambda done: None,
) -> pd.DataFrame:
    """What policies gain over `random` when they are told falsehoods, beside what they may gain.

    world: makes a new simulator of a seed
    whats: what is false, as for `Teller`; "nothing" is how much a policy gains when all is true
    policies: names in configs/policy
    seeds: of the simulators; differences are paired over them
    issues, since: as for `measure_earnings`
    tick: called with a few words after each policy

    Returns one row for each (what, policy): `lift` over random; `fair`, what may honestly be gained
    (see the top of this file); and their difference `more` with its 95 % interval `low`, `high`.
    All are shares of random's clicks.
    """

    @cache
    def earn(name: str, what: str, seed: int) -> float:
        simulator, policy = world(seed), _make_policy(name)
        tell = Teller(simulator, what, seed)
        clicks = measure_earnings(simulator, policy, tell, issues, since, seed)
        tick(f"{name}, {what}, seed {seed}")
        return clicks

    def lift(name: str, what: str) -> Floats:
        gains = [earn(name, what, seed) / earn("random", "nothing", seed) - 1 for seed in seeds]
        return np.array(gains)

    rows = []
    for what in whats:
        for name in policies:
            own, honest = lift(name, what), lift(*_find_fair(name, what))
            more = normal_interval(own - honest)
            rows.append([what, name, own.mean(), honest.mean(), more.estimate, more.low, more.high])
    return pd.DataFrame(rows, columns=["what", "policy", "lift", "fair", "more", "low", "high"])


def _find_fair(name: str, what: str) -> tuple[str, str]:
    """The policy, and what it is told, whose lift a policy may honestly have."""
    if what == "attributes":
        return name, "withheld"
    return ("popular" + IN_WAVES if name == "wave" else "popular"), "nothing"


def _make_policy(name: str) -> Policy:
    config = read_policy(name.removesuffix(IN_WAVES))
    if name.endswith(IN_WAVES):
        config = read_policy("wave") | {"policy": config}
    policy: Policy = make(config)
    return policy
