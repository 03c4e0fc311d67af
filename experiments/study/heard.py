"""What a policy hears of what members did: less, or more, than opens and clicks."""

from dataclasses import replace

import numpy as np

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy

SIGNALS = ("clicks", "opens", "dwell", "scrolled")


class Heard(Policy):
    """Lets another policy learn from certain signals only.

    policy: what chooses
    signals: "clicks" alone, so that every newsletter delivered may have been opened; "opens" and
        clicks, as policies learn by default; "dwell", where a click of fewer than `seconds` is
        none; or "scrolled", where slots that nobody looked at teach nothing
    seconds: see above

    Raises ValueError naming the option at fault.
    """

    def __init__(self, policy: Policy, signals: str = "opens", seconds: float = 10.0) -> None:
        if not isinstance(policy, Policy):
            raise ValueError(f"policy = {policy!r}; must be a policy: its yaml, with the _target_")
        if signals not in SIGNALS:
            raise ValueError(f"signals = {signals!r}; choose from {', '.join(SIGNALS)}")
        self.policy, self.signals, self.seconds = policy, signals, seconds

    def start(self, features: Features) -> None:
        """Start the policy that chooses."""
        self.policy.start(features)

    def plan(self, context: Context) -> SlotPmf:
        """The policy's plan."""
        return self.policy.plan(context)

    def learn(self, round: Round) -> None:
        """Let the policy learn from what is heard of a round."""
        feedback, slates = round.feedback, round.slates
        if self.signals == "clicks":
            feedback = replace(feedback, opened=feedback.delivered)
        elif self.signals == "dwell":
            long = feedback.dwell_seconds > self.seconds
            feedback = replace(feedback, clicked=feedback.clicked & long)
        elif self.signals == "scrolled":
            passed = np.equal(feedback.examined, 0)
            slates = replace(slates, choice=np.where(passed, -1, slates.choice))
        self.policy.learn(replace(round, feedback=feedback, slates=slates))

    def state(self) -> State:
        """The state of the policy that chooses."""
        return self.policy.state()

    def restore(self, state: State) -> None:
        """Let the policy that chooses go on from a state."""
        self.policy.restore(state)
