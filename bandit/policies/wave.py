"""An issue sent in waves: a small first wave learns the new articles' appeal, the rest profit.

This wraps any policy. Which wave a member is in is drawn by key for each campaign, so everybody
takes a turn at going first. Whoever sends (`simulators.play`, or a production sender that reads
feedback between two sends) asks `waves` for the members of each, and plans, sends and learns one
wave after the other. Sent all at once, it is the policy it wraps.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bandit.core import check
from bandit.core.ids import Aliases
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Informed, Policy, sends_in_waves
from bandit.slates.exploration import Shares
from bandit.slates.waves import assign_waves


class Wave(Policy):
    """Sends an issue in waves, and lets another policy choose.

    What that policy does once a round, such as forgetting, it does once a wave.

    policy: what chooses
    shares: of the members in each wave but the last, which takes the rest; a higher first share
        learns more before the others are sent to, and leaves fewer of them
    explore: share of the first wave's slots filled at random, on top of what the policy explores;
        higher learns more, at the first wave's cost

    Raises ValueError naming the option at fault.
    """

    def __init__(
        self,
        policy: Policy,
        shares: Sequence[float] = (0.1, 0.2),
        explore: float = 0.0,
    ) -> None:
        if isinstance(policy, Mapping) or not isinstance(policy, Policy):
            raise ValueError(f"policy = {policy!r}; must be a policy: its yaml, with the _target_")
        kind = type(policy)
        if isinstance(policy, Informed):
            raise ValueError(f"policy = {kind.__name__}; it exists only in simulation")
        if sends_in_waves(kind):
            raise ValueError(f"policy = {kind.__name__}; it is sent in waves already")
        check.listed("shares", shares, 100)
        for i, share in enumerate(shares):
            check.share(f"shares[{i}]", share)
        check.share("the sum of shares", float(sum(shares)))
        check.share("explore", explore)
        self.policy, self.shares, self.explore = policy, tuple(shares), explore

    def start(self, features: Features) -> None:
        """Start the policy that chooses."""
        self.policy.start(features)

    def _assign(self, context: Context) -> Ints:
        """Each member's wave [n], counted from 0."""
        return assign_waves(context.campaign, context.member_ids, self.shares)

    def waves(self, context: Context) -> list[Ints]:
        """The members' rows in each wave, first to last.

        The waves hold every member once. A wave may be empty.
        """
        wave = self._assign(context)
        return [np.flatnonzero(wave == w) for w in range(len(self.shares) + 1)]

    def plan(self, context: Context) -> SlotPmf:
        """The policy's plan, with random slots mixed in for members of the first wave."""
        plan = self.policy.plan(context)
        if not self.explore:
            return plan
        share = np.where(self._assign(context) == 0, self.explore, 0.0)[:, None]
        if isinstance(plan.explore, Shares):
            return SlotPmf(plan.scores, plan.explore.mix_in(share))

        def explore(scores: Floats, open: Bools) -> Floats:
            uniform = Shares(uniform=share)(scores, open)
            return (1 - share) * plan.explore(scores, open) + uniform

        return SlotPmf(plan.scores, explore)

    def learn(self, round: Round) -> None:
        """Let the policy that chooses learn from a wave."""
        self.policy.learn(round)

    def finish(self) -> None:
        """Let the policy that chooses finish."""
        self.policy.finish()

    def follow(self, aliases: Aliases) -> None:
        """Let the policy that chooses follow."""
        self.policy.follow(aliases)

    def state(self) -> State:
        """The state of the policy that chooses: a wave has none of its own."""
        return self.policy.state()

    def restore(self, state: State) -> None:
        """Let the policy that chooses go on from a state."""
        self.policy.restore(state)
