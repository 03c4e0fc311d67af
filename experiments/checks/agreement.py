"""Do a fitted simulator and a held-out randomised log rank policies alike?

A log sent at random is cut in two. On the first part the simulator is fitted and every policy trained; then both are
frozen. On the second part each policy is valued twice: by the log's own clicks, and by the clicks that the simulator expects
of its newsletters. In simulation the truth stands beside both, so one sees who is wrong where they differ.

The log's estimate goes slot by slot: each click, weighted by the policy's chance of the article shown there over the
logger's, both given the slots above as they were sent (Horvitz & Thompson 1952, one slot at a time). No weight is a product
down the slate, so all slots of a log count; the question answered is what the policy's next article earns below a random
top. (Whole slates are out of reach: six slots of forty articles, see `bandit.ope.evaluate`.) Weights have mean 1 and only
clicks count, so policies are asked only about the newsletters that were clicked: a large log is cheap.

Ties, decided before looking: `tau` is Kendall's tau-b over all policies on the values as they are, also where two are level
and their order is chance. `resolved` counts only the pairs whose difference on the log has a 95 % interval without 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Context, Floats, Ints, Round
from bandit.features.features import Features
from bandit.policy import Informed, sends_in_waves
from bandit.slates.walk import draw, replay
from experiments.runner.configs import list_configs, make, read_policy

ENOUGH = 0.8  # Kendall's tau at which two rankings count as agreeing


@dataclass(frozen=True)
class Agreement:
    """values: by policy, clicks per 1,000 deliveries: `log` (low, high), `simulated`, `true`, and the first slot's of the
    latter two. tau: of log and simulated. log_true, simulated_true: of each and the truth (NaN where it is not known).
    first: of log and the simulated clicks of the first slot. resolved: (pairs ranked alike, pairs) of those that the log
    tells apart. often: share of bootstraps over members in which tau >= .8."""

    values: pd.DataFrame
    tau: float
    log_true: float
    simulated_true: float
    first: float
    resolved: tuple[int, int]
    often: float


def names() -> list[str]:
    """Every policy that could be sent: all but those that know the truth, and those that only send another one in waves."""
    kinds = {name: make(read_policy(name)) for name in list_configs("policy") if name != "wave"}
    return [
        name
        for name, policy in kinds.items()
        if not isinstance(policy, Informed) and not sends_in_waves(type(policy))
    ]


def agreement(
    log: Sequence[Round],
    until: int,
    policies: Sequence[str],
    features: Features,
    simulator: Any,
    seed: int,
    truth: Any = None,
    tick: Callable[[str], None] = lambda done: None,
    sample: int = 8000,
) -> Agreement:
    """The first `until` rounds of a random log are to learn from, the others to judge by: with the members met in the first
    part, so that nobody is judged whom neither policies nor simulator could know.

    simulator: fitted to the first part, and asked for `expected(context, slates)` [n, k] of the others, as logged. truth:
    the simulator that the log was made by, with a memory of its own (`twin`), where there is one. Both are told of each
    issue as it was sent. sample: members that clicks are expected of (the same each time). Raises ValueError where either
    part of the log is empty.
    """
    if not 0 < until < len(log):
        raise ValueError(
            f"until = {until}; must leave some of the log's {len(log)} issues on either side"
        )
    learners = {name: make(read_policy(name)) for name in policies}
    for name, learner in learners.items():
        learner.start(features)
        for round in log[:until]:
            learner.learn(round)
        learner.finish()
        tick(f"{name} learned")
    sums = Sums(len(policies), max(round.slates.choice.shape[1] for round in log))
    met = np.unique(np.concatenate([round.context.member_ids for round in log[:until]]))
    others = [other for other in (simulator, truth) if other is not None]
    for round in log:
        context = round.context
        for other in others:
            if (
                context.issue <= other.issues
            ):  # what was fitted composes no issue after those it was fitted to
                other.issue(context.issue)
        if context.issue > log[until - 1].context.issue:
            judged = round.take(np.flatnonzero(np.isin(context.member_ids, met)))
            clicked = judged.take(np.flatnonzero(judged.feedback.clicked.any(axis=1)))
            some = judged.context.take(_sample(judged.context, sample))
            sums.open(judged, len(some.members))
            for row, learner in enumerate(learners.values()):
                target = replay(
                    learner.plan(clicked.context), clicked.context, clicked.slates.choice
                )
                slates = draw(learner.plan(some), some, seed)
                sums.add(row, clicked, target, [other.expected(some, slates) for other in others])
        for other in others:
            other.remember(context, round.slates, round.feedback)
        tick(f"issue {context.issue}")
    return sums.ranked(list(policies), seed)


def _sample(context: Context, most: int) -> Ints:
    """The rows of up to `most` members, by key."""
    luck = keys.uniforms(0, "agreement", "sample", keys.member_keys(context.member_ids), 1)[:, 0]
    return np.sort(np.argsort(luck, kind="stable")[:most])


class Sums:
    """What the held-out issues add up to, for `count` policies and `slots` slots."""

    def __init__(self, count: int, slots: int) -> None:
        self.shape = (count, slots)
        self.asked, self.expected = (
            0,
            np.full((2, *self.shape), np.nan),
        )  # by the simulator, and in truth
        self.members: dict[Any, Floats] = {}  # deliveries, and weighted clicks of each policy

    def open(self, round: Round, asked: int) -> None:
        """A new issue, in which `asked` members' clicks are expected."""
        self.asked += asked
        for member in round.context.member_ids.tolist():
            self.members.setdefault(member, np.zeros(1 + self.shape[0]))[0] += 1

    def add(self, policy: int, clicked: Round, target: Floats, expected: Sequence[Floats]) -> None:
        """One policy's propensities of the newsletters that were clicked, and the clicks expected of its slates; [n, k]."""
        gained = (target / clicked.slates.propensity * clicked.feedback.clicked).sum(axis=1)
        for member, gain in zip(clicked.context.member_ids.tolist(), gained, strict=True):
            self.members[member][1 + policy] += gain
        for row, table in enumerate(expected):
            at = self.expected[row, policy, : table.shape[1]]
            at[:] = np.nan_to_num(at) + table.sum(axis=0)

    def ranked(self, policies: list[str], seed: int, times: int = 1000) -> Agreement:
        terms = np.stack(list(self.members.values()))
        value = terms[:, 1:].sum(axis=0) / terms[:, 0].sum()
        rng, n = keys.generator("agreement", "bootstrap", seed), len(terms)
        sums = np.stack(
            [np.bincount(rng.integers(0, n, n), minlength=n) @ terms for _ in range(times)]
        )
        again = sums[:, 1:] / sums[:, :1]
        low, high = np.quantile(again, [0.025, 0.975], axis=0)
        simulated, true = self.expected / self.asked
        table = {
            "log": value,
            "low": low,
            "high": high,
            "simulated": simulated.sum(axis=1),
            "true": true.sum(axis=1),
        }
        table |= {"simulated_first": simulated[:, 0], "true_first": true[:, 0]}
        values = 1000 * pd.DataFrame(table, index=pd.Index(policies, name="policy"))
        told = [
            (i, j, *np.quantile(again[:, i] - again[:, j], [0.025, 0.975]))
            for i, j in _pairs(policies)
        ]
        apart = [(i, j) for i, j, least, most in told if least > 0 or most < 0]
        expected = values["simulated"].to_numpy()
        alike = sum((value[i] - value[j]) * (expected[i] - expected[j]) > 0 for i, j in apart)
        often = float(np.mean([tau(sample, expected) >= ENOUGH for sample in again]))
        log, truth = values["log"].to_numpy(), values["true"].to_numpy()
        first = tau(log, values["simulated_first"].to_numpy())
        return Agreement(
            values,
            tau(log, expected),
            tau(log, truth),
            tau(expected, truth),
            first,
            (int(alike), len(apart)),
            often,
        )


def _pairs(policies: Sequence[str]) -> list[tuple[int, int]]:
    return list(combinations(range(len(policies)), 2))


def tau(a: Floats, b: Floats) -> float:
    """Kendall's tau-b (Kendall 1945) of two values of each policy."""
    from scipy.stats import kendalltau

    return float(kendalltau(a, b).statistic)
