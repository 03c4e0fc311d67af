"""What a policy's contract is asked with: a small association, and the policy, new or taught."""

from collections import deque
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np

from bandit.core.types import Bools, Context, Feedback, Floats
from bandit.policy import Informed, Policy
from experiments.runner.configs import Settings, find_class, make
from simulators import Association
from simulators.play import begin, check_plan, play

SIZES: dict[str, Any] = {
    "seed": 3,
    "members": 400,
    "issues": 6,
    "pool": 14,
    "slots": 4,
    "text_dims": 8,
}
Taught = tuple[Policy, Association]


@cache
def _build(**options: Any) -> Association:
    return Association(**options)


class Trial:
    """A policy that can be made again and again, on associations that have seen nothing yet.

    config: of the policy
    sizes: options of `Association` in place of those of `SIZES`
    """

    def __init__(self, config: Settings, **sizes: Any) -> None:
        self.config, self._sizes = config, SIZES | sizes
        self.is_informed = issubclass(find_class(str(config["_target_"])), Informed)

    def build(self, **more: Any) -> Association:
        """The association, with a memory of its own."""
        return _build(**(self._sizes | more)).twin()

    def make(self, association: Association, **other: Any) -> Policy:
        """The policy as new, started for the association."""
        policy: Policy = make(self.config | other)
        begin(policy, association)
        return policy

    def teach(self, issues: int = 3, **more: Any) -> Taught:
        """The policy when it has sent and learned some issues, and the association that answered.

        more: options of the association
        """
        association = self.build(**more)
        policy = self.make(association)
        deque(play(policy, association, seed=5, issues=issues, started=True), maxlen=0)
        return policy, association

    @cached_property
    def ready(self) -> Taught:
        """What `teach` gives, once: for whoever leaves the policy as it is."""
        return self.teach()


Check = Callable[[Trial], None]


def open_slot(policy: Policy, context: Context, mask: Bools | None = None) -> Floats:
    """The first slot's pmf [n, m] over the articles that the mask leaves open; default: all.

    Raises ValueError for a plan that is none, as `check_plan` does.
    """
    plan = check_plan(policy, policy.plan(context), context)
    everything = np.ones(context.eligible.shape, dtype=bool)
    return np.asarray(plan(everything if mask is None else mask))


def silence(context: Context) -> Feedback:
    """All mails arrive, and nobody opens one."""
    n, k = len(context.members), context.rules.slots
    nobody, nothing = np.zeros(n, dtype=bool), np.zeros((n, k), dtype=bool)
    return Feedback(~nobody, nobody, nobody, nothing.astype(np.int8), nothing, 0.0 * nothing)


def copy_state(policy: Policy) -> dict[str, np.ndarray]:
    """The policy's state now, whatever it learns later."""
    return {name: np.array(array) for name, array in policy.state().items()}
