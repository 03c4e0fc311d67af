"""A policy that knows nothing gains nothing: text of other articles, attributes of other members, or both.

An article keeps its false text while it is carried over, so what `popular` lives on is still there for all: which of the
carried articles were clicked. A member's false attributes are others in each issue; kept, they would be a name by which a
linear policy honestly gets to know the few who click. Each policy is held against what it may gain in the same world, with
the same luck:

- false text (alone, or with false attributes): the lift of `popular`, sent in the same waves;
- false attributes alone: its own lift when it is told no attributes. Text and the members' own clicks are still true, so
  this is the lift of `blast` for who knows no members, and more for who does.

Lifts are over `random`, in expected clicks of the later issues: no luck of clicks is in what is compared, only in what was
learned from.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Context, Round
from bandit.ope.intervals import normal_interval
from bandit.policy import Informed, Policy
from bandit.slates.walk import draw
from experiments.runner.configs import list_configs, make, read_policy

WHAT = ("text", "attributes", "both")
Tell = Callable[[Context], Context]


def learning() -> list[str]:
    """Every policy of configs/policy but `random`, which all are measured by, and those that are shown the truth."""
    return [
        name
        for name in list_configs("policy")
        if name != "random" and not isinstance(make(read_policy(name)), Informed)
    ]


class Teller:
    """Contexts as a policy is told them. what: one of `WHAT`, which are false; "nothing" (all is true); or "withheld": texts
    are true and attributes unknown. Eligibility stays true: it is a rule, not a hint."""

    def __init__(self, association: Any, what: str, seed: int) -> None:
        if what not in (*WHAT, "nothing", "withheld"):
            raise ValueError(f"what = {what!r}; choose from {', '.join(WHAT)}, nothing, withheld")
        self._features, self._what, self._seed = association.features, what, seed
        self._texts: dict[Any, tuple[Any, ...]] = {}

    def __call__(self, context: Context) -> Context:
        if self._what in ("text", "both"):
            context = self._other_texts(context)
        if self._what in ("attributes", "both"):
            rng = keys.generator("no leak", "members", self._seed, context.issue)
            order = rng.permutation(len(context.members))
            context = self._other_members(
                context, context.members.iloc[order].assign(member=context.member_ids)
            )
        if self._what == "withheld":
            unknown: dict[str, Any] = dict.fromkeys(self._features.levels, "withheld")
            unknown |= {name: mean for name, (mean, _) in self._features.numeric.items()}
            context = self._other_members(context, context.members.assign(**unknown))
        return context

    def _other_members(self, context: Context, members: pd.DataFrame) -> Context:
        members = members.reset_index(drop=True)
        return replace(context, members=members, member_features=self._features.members(members))

    def _other_texts(self, context: Context) -> Context:
        """Articles new to the pool swap their texts among themselves; carried ones keep what they were given."""
        ids, told = context.article_ids, context.articles[["title", "summary"]].to_numpy()
        new = [j for j, article in enumerate(ids) if article not in self._texts]
        order = keys.generator("no leak", "texts", self._seed, context.issue).permutation(len(new))
        for j, other in enumerate(order):
            self._texts[ids[new[j]]] = (*told[new[other]], context.article_features[new[other]])
        title, summary, features = zip(*(self._texts[article] for article in ids), strict=True)
        articles = context.articles.assign(title=title, summary=summary)
        return replace(context, articles=articles, article_features=np.stack(features))


def earned(
    association: Any, policy: Policy, tell: Tell, issues: int, since: int, seed: int
) -> float:
    """Expected clicks a delivery, issues `since` to `issues`, of a policy that is told `tell(context)` and the clicks. In
    waves where it asks for them."""
    policy.start(association.features)
    clicks = deliveries = 0.0
    for number in range(1, issues + 1):
        context = association.issue(number)
        told = tell(context)
        waves = policy.waves(told)
        for rows in filter(len, waves):
            true, some = context.take(rows), told.take(rows)
            slates = draw(policy.plan(some), some, seed)
            policy.learn(Round(some, slates, association.respond(true, slates)))
            if number >= since:
                clicks += association.expected(true, slates).sum()
                deliveries += len(rows)
    return clicks / deliveries


def lifts(
    world: Callable[[int], Any],
    whats: Sequence[str],
    policies: Sequence[str],
    seeds: Sequence[int],
    issues: int,
    since: int,
    tick: Callable[[str], None] = lambda done: None,
) -> pd.DataFrame:
    """One row for each (what, policy): `lift` over random, `fair`, what may honestly be gained (above), and their paired
    difference over seeds, `more` with its 95 % interval `low`, `high`; all as shares of random's clicks. world: seed to a
    new association. `whats` may hold "nothing": how much the policy gains when all is true."""
    found: dict[tuple[str, str, int], float] = {}

    def lift(name: str, what: str, seed: int) -> float:
        """`name in waves` is that policy sent in the waves of configs/policy/wave.yaml."""
        if (name, what, seed) not in found:
            plain, waves = name.removesuffix(" in waves"), name.endswith(" in waves")
            config = (
                read_policy("wave") | {"policy": read_policy(plain)}
                if waves
                else read_policy(plain)
            )
            association = world(seed)
            clicks = earned(
                association, make(config), Teller(association, what, seed), issues, since, seed
            )
            found[name, what, seed] = (
                clicks if name == "random" else clicks / lift("random", "nothing", seed) - 1
            )
            tick(f"{name}, {what}, seed {seed}")
        return found[name, what, seed]

    rows = []
    for what in whats:
        for name in policies:
            fair = (name, "withheld") if what == "attributes" else ("popular", "nothing")
            if name == "wave" and what != "attributes":
                fair = ("popular in waves", "nothing")
            own = np.array([lift(name, what, seed) for seed in seeds])
            honest = np.array([lift(*fair, seed) for seed in seeds])
            more = normal_interval(own - honest)
            rows.append([what, name, own.mean(), honest.mean(), more.estimate, more.low, more.high])
    return pd.DataFrame(rows, columns=["what", "policy", "lift", "fair", "more", "low", "high"])
