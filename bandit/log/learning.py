"""Learning again from what was sent before."""

from collections.abc import Iterable

from bandit.core.threads import use_one_thread
from bandit.core.types import Round
from bandit.policy import Policy


@use_one_thread()
def learn_again(policy: Policy, round: Round) -> None:
    """Teach a policy an issue that was sent before, wave by wave as it was sent."""
    for rows in filter(len, policy.waves(round.context)):
        policy.learn(round.take(rows))


def learn_rounds(policy: Policy, rounds: Iterable[Round]) -> None:
    """Let a policy that has been started learn issues that were sent before, the first one first.

    rounds: as `archive.read` gives them
    """
    for round in rounds:
        learn_again(policy, round)
    policy.finish()
