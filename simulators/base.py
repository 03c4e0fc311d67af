"""What a simulator is: it stands exactly where the e-mail stands.

`Simulator` is what experiments use. `Truthful` adds what only the limits (`oracle`, `bayes_limit`),
regret and tests may ask. A simulator is a class that derives from one of the two. The methods with
a default suit a simulator without a memory. To add one, write a file here and a yaml in
configs/simulator; the contract tests pick it up.
"""

from typing import Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

from bandit.core.types import Context, Feedback, Floats, Ids, Ints, Slates, TruePool
from bandit.features.features import Features


@runtime_checkable
class Simulator(Protocol):
    """Members who are sent issues and answer them.

    seed: whole number; members, pools and luck follow from it
    issues: how many issues there are to send
    features: turns members and articles into feature matrices; fitted before the first issue
    members: everybody who is on the list at any time, a row each, with column `member`
    """

    seed: int
    issues: int
    features: Features
    members: pd.DataFrame

    def __repr__(self) -> str:
        """The class, and what every simulator has."""
        size = f"{len(self.members)} members, {self.issues} issues"
        return f"{type(self).__name__}(seed={self.seed}: {size})"

    def issue(self, number: int) -> Context:
        """The context of issue `number`, counted from 1. Raises ValueError where there is none."""

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """What comes back from these slates, as a sender would know it.

        The simulator remembers it, so the next issue may depend on it.
        """

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks of each member on each slot, [n, k]: the answer without its luck."""

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """Take note of an issue that was answered before, as a log has it. Default: nothing."""
        return

    def twin(self) -> Self:
        """The same simulator with a memory of its own. Default: itself, which has none."""
        return self

    def joined(self, ids: Ids) -> Ints:
        """The first issue of each member, [n]. Default: all were there from issue 1."""
        return np.ones(len(ids), dtype=np.int64)

    def happened(self, context: Context, slates: Slates, feedback: Feedback) -> Feedback:
        """What people really did, where `feedback` is what a log recorded of it.

        The default is a simulator without log noise: the two are the same.
        """
        return feedback


@runtime_checkable
class Truthful(Simulator, Protocol):
    """A simulator that can tell the truth behind its answers. No learning policy may ask."""

    def truth(self, context: Context) -> Floats:
        """P(click | examined) of every member and article, [n, m]."""

    def pool(self, number: int) -> TruePool:
        """What is known of the articles of issue `number`, counted from 1."""
        raise ValueError(f"{type(self).__name__} knows no more of its articles than their text")

    def people(self, context: Context, slates: Slates) -> Feedback:
        """What people do with these slates; nothing is recorded or remembered."""
        raise ValueError(f"{type(self).__name__} cannot be asked what people would do")

    def hyperparameters(self) -> dict[str, Floats]:
        """How members' interests are distributed, as `bandit.policy.Truth` lists it."""
