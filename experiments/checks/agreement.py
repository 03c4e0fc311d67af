"""Do a fitted simulator and a held-out randomised log rank policies alike?

A log sent at random is cut in two. On the first part the simulator is fitted and every policy is
trained; then both are frozen. On the second part each policy is valued twice: by the log's own
clicks, and by the clicks that the simulator expects of its newsletters. In simulation the truth
stands beside both, so one sees which of them is wrong where they differ.

The log's estimate goes slot by slot: each click is weighted by the policy's chance of the article
shown there over the logger's chance of it, both given the slots above as they were sent (Horvitz &
Thompson 1952, one slot at a time). No weight is a product down the slate, so all slots of a log
count; the question answered is what the policy's next article earns below a random top. (Whole
slates are out of reach: six slots of forty articles, see `bandit.ope.evaluate`.) Weights have mean
1 and only clicks count, so policies are asked only about newsletters that were clicked. This keeps
a large log cheap.

How ties count was decided before looking: `tau` is Kendall's tau-b over all policies on the values
as they are, also where two are level and their order is chance. `resolved` counts only the pairs
whose difference on the log has a 95 % interval without 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Context, Floats, Ints, Round
from bandit.features.features import Features
from bandit.policy import Informed, Policy, sends_in_waves
from bandit.slates.propensity import draw, replay
from experiments.runner.configs import list_configs, make, read_policy
from simulators.base import Simulator

ENOUGH = 0.8  # Kendall's tau at which two rankings count as agreeing
Tick = Callable[[str], None]


@dataclass(frozen=True)
class Agreement:
    """How a log, a simulator and the truth rank the same policies.

    values: by policy, clicks per 1,000 deliveries: `log` with its interval (`low`, `high`),
        `simulated`, `true`; the latter two also of the first slot, `simulated_first`, `true_first`
    tau: Kendall's tau of log and simulator
    log_true: Kendall's tau of log and truth; NaN where the truth is not known
    simulated_true: Kendall's tau of simulator and truth; NaN where the truth is not known
    first: Kendall's tau of log and the simulated clicks of the first slot
    resolved: of the pairs that the log tells apart, how many are ranked alike; and their number
    often: share of bootstraps over members in which tau is at least `ENOUGH`
    """

    values: pd.DataFrame
    tau: float
    log_true: float
    simulated_true: float
    first: float
    resolved: tuple[int, int]
    often: float


def list_sendable() -> list[str]:
    """The policies of configs/policy that are ranked: those that could be sent, in one wave.

    Left out are those that know the truth, and those that only send another policy in waves.
    """
    kinds = {name: make(read_policy(name)) for name in list_configs("policy") if name != "wave"}
    return [
        name
        for name, policy in kinds.items()
        if not isinstance(policy, Informed) and not sends_in_waves(type(policy))
    ]


def compare_rankings(
    log: Sequence[Round],
    until: int,
    policies: Sequence[str],
    features: Features,
    simulator: Simulator,
    seed: int,
    truth: Simulator | None = None,
    tick: Tick = lambda done: None,
    sample: int = 8000,
) -> Agreement:
    """Value policies by the end of a random log and by a simulator fitted to its beginning.

    Policies are judged by members met in the first part, so that nobody counts whom neither the
    policies nor the simulator could know. Simulator and truth are told of each issue as it was
    sent.

    log: rounds that the policy `random` sent
    until: how many of them, from the first, the policies learn from; the others are to judge by
    policies: names in configs/policy
    features: what the log was sent with
    simulator: fitted to the first part; asked for the clicks it expects in the second
    seed: keys the policies' slates and the bootstrap
    truth: the simulator that the log was made by, with a memory of its own (`twin`); None: unknown
    tick: called with a few words after each step
    sample: how many members clicks are expected of, the same ones in each call

    Raises ValueError where either part of the log is empty.
    """
    if not 0 < until < len(log):
        raise ValueError(
            f"until = {until}; must leave some of the log's {len(log)} issues on either side"
        )
    learners = [_train(name, features, log[:until], tick) for name in policies]
    tally = Tally(len(policies), max(round.slates.choice.shape[1] for round in log))
    met = np.unique(np.concatenate([round.context.member_ids for round in log[:until]]))
    others = [simulator] if truth is None else [simulator, truth]
    for round in log:
        context = round.context
        for other in others:
            if context.issue <= other.issues:  # a fitted one composes only what it was fitted to
                other.issue(context.issue)
        if context.issue > log[until - 1].context.issue:
            judged = round.take(np.flatnonzero(np.isin(context.member_ids, met)))
            clicked = judged.take(np.flatnonzero(judged.feedback.clicked.any(axis=1)))
            some = judged.context.take(_choose_members(judged.context, sample))
            tally.add_deliveries(judged, len(some.members))
            for row, learner in enumerate(learners):
                plan = learner.plan(clicked.context)
                target = replay(plan, clicked.context, clicked.slates.choice)
                slates = draw(learner.plan(some), some, seed)
                expected = [other.expected(some, slates) for other in others]
                tally.add_policy(row, clicked, target, expected)
        for other in others:
            other.remember(context, round.slates, round.feedback)
        tick(f"issue {context.issue}")
    return tally.compare(list(policies), seed)


def _train(name: str, features: Features, log: Sequence[Round], tick: Tick) -> Policy:
    learner: Policy = make(read_policy(name))
    learner.start(features)
    for round in log:
        learner.learn(round)
    learner.finish()
    tick(f"{name} learned")
    return learner


def _choose_members(context: Context, most: int) -> Ints:
    """The rows of up to `most` members, drawn by key: the same ones in each issue and run."""
    luck = keys.uniforms(0, "agreement", "sample", keys.member_keys(context.member_ids), 1)[:, 0]
    return np.sort(np.argsort(luck, kind="stable")[:most])


class Tally:
    """What the held-out issues add up to.

    count: how many policies are judged
    slots: how many slots the longest newsletter has
    """

    def __init__(self, count: int, slots: int) -> None:
        self.asked = 0  # members whose clicks were expected, over all issues
        self.expected = np.full((2, count, slots), np.nan)  # by the simulator, and in truth
        # Of each member the deliveries, and the weighted clicks of each policy.
        self.members: dict[object, Floats] = {}

    def add_deliveries(self, round: Round, asked: int) -> None:
        """Begin a new issue, in which `asked` members' clicks are expected."""
        self.asked += asked
        empty = np.zeros(1 + self.expected.shape[1])
        for member in round.context.member_ids.tolist():
            self.members.setdefault(member, empty.copy())[0] += 1

    def add_policy(
        self, policy: int, clicked: Round, target: Floats, expected: Sequence[Floats]
    ) -> None:
        """Add what one policy earns in the issue.

        policy: its place among the policies, from 0
        clicked: the issue, for the members who clicked
        target: this policy's propensities of what they were sent, [n, k]
        expected: clicks expected of its own slates by the simulator (and in truth), [n, k] each
        """
        gained = (target / clicked.slates.propensity * clicked.feedback.clicked).sum(axis=1)
        for member, gain in zip(clicked.context.member_ids.tolist(), gained, strict=True):
            self.members[member][1 + policy] += gain
        for row, table in enumerate(expected):
            sums = self.expected[row, policy, : table.shape[1]]
            sums[:] = np.nan_to_num(sums) + table.sum(axis=0)

    def compare(self, policies: list[str], seed: int, times: int = 1000) -> Agreement:
        """Rank the policies; intervals are from `times` bootstraps over members, keyed by seed."""
        terms = np.stack(list(self.members.values()))
        again = _bootstrap(terms, seed, times)
        simulated, true = self.expected / self.asked
        low, high = np.quantile(again, [0.025, 0.975], axis=0)
        table = {"log": terms[:, 1:].sum(axis=0) / terms[:, 0].sum(), "low": low, "high": high}
        table |= {"simulated": simulated.sum(axis=1), "true": true.sum(axis=1)}
        table |= {"simulated_first": simulated[:, 0], "true_first": true[:, 0]}
        values = 1000 * pd.DataFrame(table, index=pd.Index(policies, name="policy"))
        log, expected, truth, first = (
            values[name].to_numpy() for name in ("log", "simulated", "true", "simulated_first")
        )
        return Agreement(
            values=values,
            tau=tau(log, expected),
            log_true=tau(log, truth),
            simulated_true=tau(expected, truth),
            first=tau(log, first),
            resolved=_count_resolved(table["log"], again, expected),
            often=float(np.mean([tau(sample, expected) >= ENOUGH for sample in again])),
        )


def _bootstrap(terms: Floats, seed: int, times: int) -> Floats:
    """Clicks per delivery of each policy with the members drawn anew, [times, policies]."""
    rng, n = keys.generator("agreement", "bootstrap", seed), len(terms)
    sums = np.stack([np.bincount(rng.integers(0, n, n), minlength=n) @ terms for _ in range(times)])
    return sums[:, 1:] / sums[:, :1]


def _count_resolved(log: Floats, again: Floats, expected: Floats) -> tuple[int, int]:
    """Of the pairs that the log tells apart, how many the simulator ranks alike, and how many."""
    apart = []
    for i, j in combinations(range(len(log)), 2):
        low, high = np.quantile(again[:, i] - again[:, j], [0.025, 0.975])
        if low > 0 or high < 0:
            apart.append((log[i] - log[j]) * (expected[i] - expected[j]) > 0)
    return int(sum(apart)), len(apart)


def tau(a: Floats, b: Floats) -> float:
    """Kendall's tau-b (Kendall 1945) of two values of each policy."""
    from scipy.stats import kendalltau

    return float(kendalltau(a, b).statistic)
