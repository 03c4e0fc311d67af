"""The floor: every open article is as likely as any other.

Compare with this policy to see what choosing is worth. Its log supports every other policy.
"""

import numpy as np

from bandit.core.state import State
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class Random(Policy):
    """Shows every open article with the same probability. There are no options.

    >>> import pandas as pd
    >>> from bandit.core.rules import Rules
    >>> columns = ["article", "title", "summary", "kind", "source"]
    >>> pool = pd.DataFrame([["a", "", "", "article", ""], ["b", "", "", "event", ""]])
    >>> context = Context(
    ...     campaign="spring",
    ...     issue=1,
    ...     members=pd.DataFrame({"member": [101]}),
    ...     articles=pool.set_axis(columns, axis=1),
    ...     member_features=np.ones((1, 1)),
    ...     article_features=np.ones((2, 1)),
    ...     eligible=np.ones((1, 2), dtype=bool),
    ...     seen=np.zeros((1, 2), dtype=bool),
    ...     rules=Rules(slots=1),
    ... )
    >>> Random().plan(context)(open=context.eligible).tolist()
    [[0.5, 0.5]]
    """

    def start(self, features: Features) -> None:
        """Nothing to set up."""

    def plan(self, context: Context) -> SlotPmf:
        """All scores are 0."""
        scores = np.zeros((len(context.members), len(context.articles)))
        return SlotPmf(scores, epsilon_greedy(1.0))

    def learn(self, round: Round) -> None:
        """Nothing to learn."""

    def state(self) -> State:
        """No arrays."""
        return {}

    def restore(self, state: State) -> None:
        """Nothing to restore."""
