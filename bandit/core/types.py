"""The tables that travel along the data path. Axes: n members in this issue, m pool articles, k slots.

All are frozen. A `Context` checks itself when it is made, so whatever holds one may rely on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.rules import Rules

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]
Ids = NDArray[Any]  # text, whole numbers, or both
Array = NDArray[Any]  # of any type that a file of arrays can hold

EMPTY, PINNED, EXPLOIT, EXPLORE = range(4)
ROLES = ("empty", "pinned", "exploit", "explore")


@dataclass(frozen=True)
class Context:
    """What a policy may know when it plans an issue.

    members: n rows, column `member` (id) and the attributes. articles: m rows, `article` (id), title, summary, kind,
    source. member_features [n, p] and article_features [m, q] begin with a constant 1. eligible [n, m]: may be shown
    (hard). seen [n, m]: was in an issue this member opened (soft). Raises ValueError naming the first value at fault.
    """

    campaign: str
    issue: int
    members: pd.DataFrame
    articles: pd.DataFrame
    member_features: Floats
    article_features: Floats
    eligible: Bools
    seen: Bools
    rules: Rules

    def __post_init__(self) -> None:
        check.columns("members", self.members, ["member"])
        check.columns("pool", self.articles, ["article", "title", "summary", "kind", "source"])
        check.unique("members", self.members["member"])
        check.unique("pool", self.articles["article"])
        n, m = len(self.members), len(self.articles)
        check.shape("member_features", self.member_features, (n, self.member_features.shape[-1]))
        check.shape("article_features", self.article_features, (m, self.article_features.shape[-1]))
        check.finite("member_features", self.member_features, self.member_ids)
        check.finite("article_features", self.article_features, self.article_ids)
        check.shape("eligible", self.eligible, (n, m))
        check.shape("seen", self.seen, (n, m))
        self.rules.check_pool(self.articles)

    @property
    def member_ids(self) -> Ids:
        return self.members["member"].to_numpy()

    @property
    def article_ids(self) -> Ids:
        return self.articles["article"].to_numpy()

    def take(self, rows: Ints | slice) -> Self:
        """The same issue for some of the members."""
        return replace(
            self,
            members=self.members.iloc[rows].reset_index(drop=True),
            member_features=self.member_features[rows],
            eligible=self.eligible[rows],
            seen=self.seen[rows],
        )


@dataclass(frozen=True)
class Slates:
    """What each member is shown. All [n, k]: choice is an index into the pool (-1: empty slot).

    propensity[i, j] is P(slot j shows this article | slots above, context), read from the pmf the draw used; 1 for pins
    and empty slots. role is one of EMPTY, PINNED, EXPLOIT, EXPLORE. relaxed counts the soft rules that were given up
    to fill the slot (0 none, 1 minimum counts, 2 also maximum counts, 3 also no repeats). supported: every open article
    had a positive probability, so the log can speak for any other policy.
    """

    choice: Ints
    propensity: Floats
    role: Ints
    relaxed: Ints
    supported: Bools

    @property
    def pinned(self) -> Bools:
        return np.equal(self.role, PINNED)

    def take(self, rows: Ints) -> Self:
        """The slates of some of the members."""
        return replace(self, **_take_rows(self, rows))


@dataclass(frozen=True)
class Feedback:
    """What came back. delivered, opened, unsubscribed [n]; clicked, dwell_seconds [n, k]; examined [n, k] is 1 yes,
    0 no, -1 unknown."""

    delivered: Bools
    opened: Bools
    unsubscribed: Bools
    examined: Ints
    clicked: Bools
    dwell_seconds: Floats

    def take(self, rows: Ints) -> Self:
        """What came back from some of the members."""
        return replace(self, **_take_rows(self, rows))


@dataclass(frozen=True)
class Round:
    """One issue, sent and answered."""

    context: Context
    slates: Slates
    feedback: Feedback

    def take(self, rows: Ints) -> Self:
        """The same issue for some of the members."""
        return replace(
            self,
            context=self.context.take(rows),
            slates=self.slates.take(rows),
            feedback=self.feedback.take(rows),
        )

    @classmethod
    def join(cls, context: Context, rows: Sequence[Ints], parts: Sequence["Round"]) -> Self:
        """The whole issue from its parts.

        rows: for each part, the rows of its members in `context`; together every member once
        """
        if len(parts) == 1 and np.array_equal(rows[0], np.arange(len(context.members))):
            return cls(context, parts[0].slates, parts[0].feedback)
        order = np.argsort(np.concatenate(rows))
        slates, feedback = [part.slates for part in parts], [part.feedback for part in parts]
        return cls(context, _stack(slates).take(order), _stack(feedback).take(order))

    def exposures(self) -> tuple[Ints, Ints, Ints, Floats]:
        """What can be learned from: every filled slot of a member who opened. Four arrays [e]: the member's row, the slot,
        the article's index, clicked (0.0 or 1.0). Whether the slot was looked at is mostly unknown."""
        rows, slots = np.nonzero(self.feedback.opened[:, None] & (self.slates.choice >= 0))
        clicked = self.feedback.clicked[rows, slots].astype(np.float64)
        return rows, slots, self.slates.choice[rows, slots], clicked


def _stack(tables: Sequence[Any]) -> Any:
    fields = vars(tables[0])
    return replace(
        tables[0],
        **{name: np.concatenate([getattr(table, name) for table in tables]) for name in fields},
    )


def _take_rows(table: Any, rows: Ints) -> dict[str, Any]:
    return {name: values[rows] for name, values in vars(table).items()}


@dataclass(frozen=True)
class SlotPmf:
    """A plan: scores and the exploration that turns the open articles' scores into a slot's pmf [n, m].

    scores: [n, m], or [n, m, k] where they differ between slots (slot k and below share the last). `explore(scores, open)`
    gives rows that sum to 1 over the open articles and are 0 elsewhere. weights [n, m]: where the pmf is these numbers over
    the open articles, divided by their sum (`exploration.cumulated`); drawing from them is faster and gives the same bits.
    """

    scores: Floats
    explore: Callable[[Floats, Bools], Floats]
    weights: Floats | None = None

    def __call__(self, open: Bools, slot: int = 0) -> Floats:
        scores = self.scores
        return self.explore(
            scores if scores.ndim == 2 else scores[:, :, min(slot, scores.shape[2] - 1)], open
        )


class TruePool(Protocol):
    """What a simulator alone knows of the articles of one issue."""

    def interests(self) -> Floats:
        """What members' interest vectors are multiplied with, [m, d]."""
