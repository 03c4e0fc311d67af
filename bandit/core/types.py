"""The tables that travel along the data path, and the array types that all signatures use.

Axes: n members in this issue, m pool articles, k slots, p member features, q article features. All
tables are frozen. A `Context` checks itself when it is made, so whatever holds one may rely on it.
Open this file for what a policy is given, what it answers, and what comes back.

A member who opens an issue looks at some of its slots and not at others. One slot that one member
looked at is called a look: what learners count is clicks per look.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np

from bandit.core import check
from bandit.core.columns import Array as Array
from bandit.core.columns import Bools as Bools
from bandit.core.columns import Columns as Columns
from bandit.core.columns import Floats as Floats
from bandit.core.columns import Ids as Ids
from bandit.core.columns import Ints as Ints

if TYPE_CHECKING:
    from bandit.core.rules import Rules

EMPTY, PINNED, EXPLOIT, EXPLORE = range(4)
ROLES = ("empty", "pinned", "exploit", "explore")
KINDS = ("event", "resource")  # of articles, beside the plain one


@dataclass(frozen=True, repr=False)
class Context:
    """What a policy may know when it plans an issue.

    campaign: name of the issue, which keys every draw of it
    issue: number of the issue, counted from 1
    members: n rows, column `member` (id) and the attributes; what `Columns` takes (a pandas frame,
        a mapping of arrays) will do, for articles too
    articles: m rows, columns `article` (id), title, summary, kind and source
    member_features: [n, p], beginning with a constant 1
    article_features: [m, q], beginning with a constant 1
    eligible: [n, m], the member may be shown the article; never given up
    seen: [n, m], the article's story was in an issue that the member opened; shown again only where
        a slot would stay empty
    rules: the editor's rules
    stories: [m], for each article the first one that tells its story, mostly itself; two that tell
        one story are not both shown, unless a slot would stay empty; None: no two do

    Raises ValueError naming the first value at fault.
    """

    campaign: str
    issue: int
    members: Columns
    articles: Columns
    member_features: Floats
    article_features: Floats
    eligible: Bools
    seen: Bools
    rules: "Rules"
    stories: Ints | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "articles", Columns.read(self.articles))
        check.columns("pool", self.articles, ["article", "title", "summary", "kind", "source"])
        check.unique("pool", self.articles["article"])
        m = len(self.articles)
        check.shape("article_features", self.article_features, (m, self.article_features.shape[-1]))
        check.finite("article_features", self.article_features, self.article_ids)
        if self.stories is not None:
            check.shape("stories", self.stories, (m,))
        self.rules.check_pool(self.article_ids.tolist(), self.articles.names)
        self._check_members()

    def _check_members(self) -> None:
        object.__setattr__(self, "members", Columns.read(self.members))
        check.columns("members", self.members, ["member"])
        check.unique("members", self.members["member"])
        n, m = len(self.members), len(self.articles)
        check.shape("member_features", self.member_features, (n, self.member_features.shape[-1]))
        check.finite("member_features", self.member_features, self.member_ids)
        check.shape("eligible", self.eligible, (n, m))
        check.shape("seen", self.seen, (n, m))

    @property
    def member_ids(self) -> Ids:
        """[n]."""
        return self.members["member"]

    @property
    def article_ids(self) -> Ids:
        """[m]."""
        return self.articles["article"]

    def __repr__(self) -> str:
        """Which issue it is, and how many members and articles it has."""
        (n, p), (m, q) = self.member_features.shape, self.article_features.shape
        who, what = f"{n} members with {p} features", f"{m} articles with {q}"
        issue = f"{check.shorten(self.campaign)}, issue {self.issue}"
        return f"Context({issue}: {who}, {what}, {self.rules.slots} slots)"

    def take(self, rows: Ints | slice) -> Self:
        """The same issue for some of the members."""
        return self.address(
            self.members.take(rows),
            self.member_features[rows],
            self.eligible[rows],
            self.seen[rows],
        )

    def address(
        self, members: Columns, member_features: Floats, eligible: Bools, seen: Bools
    ) -> Self:
        """The same issue for n other members; only what is new is checked.

        members, member_features, eligible, seen: as in `Context`

        Raises ValueError naming the first value at fault.
        """
        other = object.__new__(type(self))  # by `copy` it takes longer than all the rest
        new = {"members": members, "member_features": member_features}
        vars(other).update(vars(self) | new, eligible=eligible, seen=seen)
        other._check_members()
        return other


@dataclass(frozen=True, repr=False)
class Slates:
    """What each member is shown. All arrays are [n, k].

    choice: index of the article into the pool, -1 for an empty slot
    propensity: P(this slot shows this article | slots above, context), read from the pmf that the
        draw used; 1 for pins and empty slots
    role: EMPTY, PINNED, EXPLOIT (the likeliest open article, alone in
        that) or EXPLORE
    relaxed: soft rules that were given up to fill the slot: 0 none, 1 minimum counts,
        2 also maximum counts, 3 also no repeats, 4 also one article a story
    supported: every open article had a positive probability, so the log can speak about any policy;
        `bandit.ope` calls it full_support
    """

    choice: Ints
    propensity: Floats
    role: Ints
    relaxed: Ints
    supported: Bools

    def __repr__(self) -> str:
        """How many slots there are, and what fills them."""
        n, k = self.choice.shape
        counts = np.bincount(self.role.ravel(), minlength=len(ROLES))
        roles = (f"{count} {role}" for role, count in zip(ROLES, counts, strict=True) if count)
        return f"Slates({n} members, {k} slots: {', '.join(roles)})"

    @property
    def pinned(self) -> Bools:
        """[n, k], the slots that the editor filled."""
        return np.equal(self.role, PINNED)

    def take(self, rows: Ints | slice) -> Self:
        """The slates of some of the members."""
        return type(self)(*(table[rows] for table in vars(self).values()))


@dataclass(frozen=True, repr=False)
class Feedback:
    """What came back from one issue.

    delivered: [n], the mail arrived
    opened: [n], the member opened it
    unsubscribed: [n], the member left the list by it
    examined: [n, k], the member looked at the slot: 1 yes, 0 no, -1 unknown
    clicked: [n, k], the member clicked the article
    dwell_seconds: [n, k], reading time after the click, in seconds
    """

    delivered: Bools
    opened: Bools
    unsubscribed: Bools
    examined: Ints
    clicked: Bools
    dwell_seconds: Floats

    def __repr__(self) -> str:
        """How many newsletters were delivered and opened, and how many clicks there were."""
        names = ("delivered", "opened", "unsubscribed")
        counts = [f"{np.count_nonzero(getattr(self, name))} {name}" for name in names]
        clicks = np.count_nonzero(self.clicked)
        return f"Feedback({len(self.delivered)} sent, {', '.join(counts)}, {clicks} clicks)"

    def take(self, rows: Ints) -> Self:
        """What came back from some of the members."""
        return type(self)(*(table[rows] for table in vars(self).values()))


@dataclass(frozen=True, repr=False)
class Round:
    """One issue, sent and answered."""

    context: Context
    slates: Slates
    feedback: Feedback

    def __repr__(self) -> str:
        """A line each for what was known, what was shown, and what came back."""
        return f"Round({self.context!r},\n      {self.slates!r},\n      {self.feedback!r})"

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

        context: of the whole issue
        rows: for each part, the rows of its members in `context`; together every member once
        """
        if len(parts) == 1 and np.array_equal(rows[0], np.arange(len(context.members))):
            return cls(context, _lay_out(parts[0].slates), _lay_out(parts[0].feedback))
        order = np.argsort(np.concatenate(rows))
        slates, feedback = [part.slates for part in parts], [part.feedback for part in parts]
        return cls(context, _stack(slates).take(order), _stack(feedback).take(order))

    def list_exposures(self) -> tuple[Ints, Ints, Ints, Floats]:
        """What can be learned from: every filled slot of the members who opened.

        Four arrays [e]: the member's row, the slot (from 0), the article's index into the pool, and
        clicked (0.0 or 1.0). Whether the slot was looked at is mostly unknown.
        """
        rows, slots = np.nonzero(self.feedback.opened[:, None] & (self.slates.choice >= 0))
        clicked = self.feedback.clicked[rows, slots].astype(np.float64)
        return rows, slots, self.slates.choice[rows, slots], clicked


Part = TypeVar("Part", Slates, Feedback)


def _lay_out(part: Part) -> Part:
    """The same, member after member in memory like joined parts, so that sums have their bits."""
    return type(part)(*map(np.ascontiguousarray, vars(part).values()))


def _stack(parts: Sequence[Part]) -> Part:
    tables = zip(*(vars(part).values() for part in parts), strict=True)
    return type(parts[0])(*map(np.concatenate, tables))


Explore = Callable[[Floats, Bools], Floats]


@dataclass(frozen=True)
class SlotPmf:
    """A plan: scores, and the exploration that turns the open articles' scores into a slot's pmf.

    scores: [n, m], or [n, m, k] where they differ between slots; the last serves all slots below.
        They are kept with 64 bits, in which one member is drawn for as many are
    explore: (scores [n, m], open [n, m]) -> pmf [n, m], whose rows sum to 1 over the open articles
        and are 0 elsewhere; `slates.exploration.Shares` is one that is drawn from faster

    Raises ValueError for scores that are no numpy array, such as a tensor.
    """

    scores: Floats
    explore: Explore

    def __post_init__(self) -> None:
        if not isinstance(self.scores, np.ndarray):
            has = f"{type(self.scores).__module__}.{type(self.scores).__name__}"
            must = "must be a numpy array [n, m], of a tensor scores.detach().numpy()"
            raise ValueError(f"scores is a {has}; {must}")
        if self.scores.dtype != np.float64:
            object.__setattr__(self, "scores", self.scores.astype(np.float64))

    def __call__(self, open: Bools, slot: int = 0) -> Floats:
        """The pmf [n, m] of `slot` (from 0) over the articles that are `open` [n, m]."""
        return self.explore(self.choose_scores(slot), open)

    def choose_scores(self, slot: int) -> Floats:
        """The scores [n, m] of `slot` (from 0)."""
        if self.scores.ndim == 3:
            return self.scores[:, :, min(slot, self.scores.shape[2] - 1)]
        return self.scores


Planner = Callable[[Context], SlotPmf]  # the plan of one pool for any members


class TruePool(Protocol):
    """What a simulator alone knows about the articles of one issue."""

    def interests(self) -> Floats:
        """The articles' vectors, [m, d]; times a member's interest vector they give logits."""
