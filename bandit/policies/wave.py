"""An issue sent in waves: a small first wave learns the new articles' appeal, the rest of the members profit.

Wraps any policy. Which wave a member is in is drawn by key for each campaign, so everybody takes a turn at going first.
Whoever sends (`experiments.runner.unit`, or a production sender that reads feedback between two sends) asks `waves` for the
members of each, and plans, sends and learns one wave after the other. Sent all at once, it is the policy it wraps.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bandit.core import check, keys
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Informed, Policy, sends_in_waves
from bandit.slates.exploration import epsilon_greedy


class Wave(Policy):
    """policy: what chooses. shares: of the members in each wave but the last, which takes the rest. explore: share of the
    first wave's slots filled at random, on top of what the policy explores.

    What the policy does once a round, such as forgetting, it does once a wave.
    """

    def __init__(
        self, policy: Policy, shares: Sequence[float] = (0.1, 0.2), explore: float = 0.0
    ) -> None:
        if isinstance(policy, Mapping) or not isinstance(policy, Policy):
            raise ValueError(f"policy = {policy!r}; must be a policy: its yaml, with the _target_")
        kind = type(policy)
        if isinstance(policy, Informed):
            raise ValueError(f"policy = {kind.__name__}; it exists only in simulation")
        if sends_in_waves(kind):
            raise ValueError(f"policy = {kind.__name__}; it is sent in waves already")
        if not len(shares):
            raise ValueError("shares is empty; give the first wave's share of the members")
        for i, share in enumerate(shares):
            check.share(f"shares[{i}]", share)
        check.share("the sum of shares", float(sum(shares)))
        check.share("explore", explore)
        self.policy, self.shares, self.explore = policy, tuple(shares), explore

    def start(self, features: Features) -> None:
        self.policy.start(features)

    def _wave(self, context: Context) -> Ints:
        """Each member's wave [n], counted from 0."""
        uniform = keys.uniforms(
            0, context.campaign, "wave", keys.member_keys(context.member_ids), 1
        )[:, 0]
        return np.searchsorted(np.cumsum(self.shares), uniform, side="right")

    def waves(self, context: Context) -> list[Ints]:
        """The members' rows in each wave, first to last; together every member once. A wave may be empty."""
        wave = self._wave(context)
        return [np.flatnonzero(wave == w) for w in range(len(self.shares) + 1)]

    def plan(self, context: Context) -> SlotPmf:
        plan = self.policy.plan(context)
        share = np.where(self._wave(context) == 0, self.explore, 0.0)[:, None]

        def explore(scores: Floats, open: Bools) -> Floats:
            return (1 - share) * plan.explore(scores, open) + share * epsilon_greedy(
                np.zeros(open.shape), open, 1.0
            )

        return SlotPmf(plan.scores, explore if self.explore else plan.explore)

    def learn(self, round: Round) -> None:
        self.policy.learn(round)

    def finish(self) -> None:
        self.policy.finish()

    def state(self) -> State:
        return self.policy.state()

    def restore(self, state: State) -> None:
        self.policy.restore(state)
