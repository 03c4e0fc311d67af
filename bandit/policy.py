"""What a policy is: the interface that experiments and the sender use, and nothing beyond it.

A policy is a class that derives from `Policy` and has five methods: `start`, `plan`, `learn`,
`state` and `restore`. The others have defaults, which suit most policies. Policies that exist only
in simulation, because they are shown the truth, derive from `Informed` in its place.
`bandit/policies/random.py` is the shortest example.
"""

import inspect
from collections.abc import Collection
from inspect import signature
from typing import Protocol, runtime_checkable

import numpy as np

from bandit.core import check
from bandit.core.columns import Columns
from bandit.core.ids import Aliases
from bandit.core.state import State
from bandit.core.types import Context, Floats, Ints, Planner, Round, SlotPmf, TruePool
from bandit.features.features import Features


@runtime_checkable
class Policy(Protocol):
    """Chooses slates. Every choice follows from the state and the context alone.

    A policy is started, then plans and learns from one issue after the other.
    """

    def __repr__(self) -> str:
        """The class, and those of its options that it keeps by their names."""
        kept = vars(self)
        told = ((name, kept.get(name, kept.get(f"_{name}", ...))) for name in _list_options(self))
        named = (f"{name}={check.shorten(value)}" for name, value in told if value is not ...)
        return f"{type(self).__name__}({', '.join(named)})"

    def start(self, features: Features) -> None:
        """Set up for the feature matrices that `features` makes. Called before all else.

        Called again, it forgets everything that was learned: the policy is as good as new.
        """

    def plan(self, context: Context) -> SlotPmf:
        """How likely each open article is in each slot, for every member of the context.

        Planning changes nothing: asked twice, or for some of the members, the answer is the same.
        """

    def plan_for(self, articles: Columns, article_features: Floats) -> Planner:
        """What plans for any members of one pool as `plan` does, to the same bits.

        For whoever composes for one member after the other, until the policy learns again: what
        depends on the pool alone may be worked out once. The default works out nothing.

        articles: m rows, the pool
        article_features: [m, q]
        """
        return self.plan

    def learn(self, round: Round) -> None:
        """Learn from an issue (or a wave of it) that was sent and answered."""

    def state(self) -> State:
        """All that was learned, as named arrays: `restore` needs nothing else."""

    def restore(self, state: State) -> None:
        """Go on from a state. The policy has been started with the same features.

        Raises ValueError naming an array that is missing, or that has a shape or a value that no
        learning could give it.
        """

    @classmethod
    def by_row(cls) -> Collection[str]:
        """Names of arrays of the state of which planning needs a few rows only. The default: none.

        `restore` may be given something else for them that has a type and a shape, gives rows [n]
        when it is asked for `array[rows]`, and becomes an array by `numpy.asarray`.
        """
        return ()

    def waves(self, context: Context) -> list[Ints]:
        """The members' rows in each wave, from the first wave sent to the last.

        The waves hold every member once; one may be empty. Whoever sends plans, sends and learns
        one wave after the other. The default is one wave with everybody.
        """
        return [np.arange(len(context.members))]

    def finish(self) -> None:
        """Learn now what the policy would have put off. The default does nothing.

        For policies that train every few issues only: whoever exports or judges one calls this
        after the last issue.
        """
        return

    def rests_on(self, context: Context) -> Floats | None:
        """How far each member's newsletter rests on the member's own behaviour, [n].

        0 is attributes alone, 1 is behaviour alone. The default, None, is a policy that cannot say.
        """
        return None

    def follow(self, aliases: Aliases) -> None:
        """Know members by their present ids: what was learned of two ids of one member adds up.

        aliases: old id -> present one, as `ids.resolve_aliases` gives them

        The default does nothing: for policies that keep nothing of single members.
        """
        return


def _list_options(policy: object) -> list[str]:
    return list(signature(type(policy)).parameters)


class Truth(Protocol):
    """What a policy that is shown the truth may ask of a simulator."""

    def truth(self, context: Context) -> Floats:
        """P(click | examined) of every member and article, [n, m]."""

    def pool(self, number: int) -> TruePool:
        """The articles of issue `number`, counted from 1."""

    def hyperparameters(self) -> dict[str, Floats]:
        """How members' interests are distributed.

        B: [p, d], the mean interests are x B for attributes x
        interest_variance: [d], of interests around that mean
        quality_variance: [1], of articles' appeal beyond their text
        examine: [k], P(slot is looked at | opened)
        """


@runtime_checkable
class Informed(Policy, Protocol):
    """A policy that is shown the truth: a limit to compare with, which can never be exported."""

    def reveal(self, simulator: Truth) -> None:
        """Take from the simulator what no real sender can know. Called once, after `start`."""


def check_policy(kind: type[object], where: str) -> None:
    """Raise ValueError naming the first method that a class lacks, or that takes something else."""
    methods = ("start", "plan", "learn", "state", "restore", "waves", "finish", "rests_on")
    for name in methods:
        if not callable(getattr(kind, name, None)):
            raise ValueError(
                f"{where}: {kind.__module__}.{kind.__qualname__} has no method {name}; "
                "derive it from bandit.policy.Policy"
            )
    for name in methods:
        own, wanted = (inspect.signature(getattr(each, name)) for each in (kind, Policy))
        try:
            own.bind(*wanted.parameters)
        except TypeError:
            raise ValueError(
                f"{where}: {kind.__module__}.{kind.__qualname__}.{name} takes "
                f"({', '.join(own.parameters)}); must take ({', '.join(wanted.parameters)})"
            ) from None


def sends_in_waves(kind: type[Policy]) -> bool:
    """Whether a class sends an issue in more than one wave."""
    return kind.waves is not Policy.waves
