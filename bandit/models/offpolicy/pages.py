"""The log that the off-policy learner keeps: a page an issue, of every click and some of the rest.

Open this file to see what is remembered of an issue, how it is thinned out, and which arrays of a
saved log are refused.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.types import Array, Bools, Context, Floats, Ints, Round
from bandit.slates.editorial import Desk

KINDS = dict.fromkeys(("x", "own", "articles"), "f4")  # numpy's names of the types
KINDS |= dict.fromkeys(("send", "article", "slot"), "i8")
KINDS |= dict.fromkeys(("logged", "clicked", "count"), "f8") | {"member": "u8", "open": "?"}


@dataclass(frozen=True)
class Decisions:
    """The slots that a policy filled for members who opened: s members, e decisions.

    context: the issue, for these members alone
    choice: [s, k], their slates
    send, slot, article: [e], the row of the member, the slot and the article of each decision
    logged, clicked: [e], the propensity given the slots above, and 1.0 for a click
    """

    context: Context
    choice: Ints
    send: Ints
    slot: Ints
    article: Ints
    logged: Floats
    clicked: Floats

    @classmethod
    def read(cls, round: Round) -> Self:
        """The decisions of an issue; a pin was nobody's decision and is left out.

        Raises ValueError for a propensity outside (0, 1], naming its place.
        """
        rows, slots, articles, clicked = round.list_exposures()
        slates = round.slates
        check.propensities(slates.propensity[rows, slots], rows, slots)
        free = ~slates.pinned[rows, slots]
        rows, slots = rows[free], slots[free]
        opened, send = np.unique(rows, return_inverse=True)
        return cls(
            round.context.take(opened),
            slates.choice[opened],
            send,
            slots,
            articles[free],
            slates.propensity[rows, slots],
            clicked[free],
        )


@dataclass(frozen=True)
class Page:
    """One issue's part of the log: s sends, e exposures that were kept, m articles.

    x, own: [s, p] attributes and [s, q] what the member's earlier clicks said
    member: [s], keys of the members
    articles: [m, q]
    send, article, slot: [e], rows of the above, and the slot from 0
    logged: [e], propensity given the slots above
    clicked: [e], 0 or 1
    count: [e], how many exposures each one stands for
    open: [e, m], which articles could have been chosen
    """

    x: Floats
    own: Floats
    member: NDArray[np.uint64]
    articles: Floats
    send: Ints
    article: Ints
    slot: Ints
    logged: Floats
    clicked: Floats
    count: Floats
    open: Bools

    def check(self, p: int, q: int, slots: int) -> None:
        """Raise ValueError where the arrays do not fit one another, or hold what no log can."""
        s, m, e = len(self.x), len(self.articles), len(self.send)
        shapes = {"x": (s, p), "own": (s, q), "member": (s,), "articles": (m, q), "open": (e, m)}
        for name, kind in KINDS.items():
            check_array(f"log {name}", getattr(self, name), shapes.get(name, (e,)), kind)
        for name, values, below in (
            ("send", self.send, s),
            ("article", self.article, m),
            ("slot", self.slot, slots),
        ):
            if e and not 0 <= values.min() <= values.max() < below:
                raise ValueError(
                    f"log {name} goes from {values.min()} to {values.max()}; "
                    f"must be in [0, {below})"
                )
        shown_open = self.open[np.arange(e), self.article]
        for name, column, must, good in (
            ("logged", self.logged, "in (0, 1]", (self.logged > 0) & (self.logged <= 1)),
            ("clicked", self.clicked, "0 or 1", (self.clicked == 0) | (self.clicked == 1)),
            ("count", self.count, "at least 1", self.count >= 1),
            ("open", shown_open, "True for the article shown", shown_open),
        ):
            if not good.all():
                i = int(good.argmin())
                raise ValueError(f"log {name}[{i}] = {column[i]}; must be {must}")

    def take(self, kept: Bools) -> "Page":
        """The page with some of its exposures only."""
        names = ("send", "article", "slot", "logged", "clicked", "count", "open")
        columns = (getattr(self, name)[kept] for name in names)
        return Page(self.x, self.own, self.member, self.articles, *columns)


def keep_page(decisions: Decisions, own: Floats, share: float, slots: int) -> Page:
    """What is kept of an issue: every click, and a share of the exposures without one, by key.

    own: [s, q], what the members' earlier clicks said; slots: how many the examination curve has.
    A slot below the last of them counts as the last.
    """
    context, choice, send = decisions.context, decisions.choice, decisions.send
    member = keys.member_keys(context.member_ids)
    chance = keys.uniforms(0, context.campaign, "offpolicy", member, choice.shape[1])
    kept = (decisions.clicked > 0) | (chance[send, decisions.slot] < share)
    desk = Desk(context)
    open = np.zeros((len(send), len(context.articles)), dtype=bool)
    for slot in range(choice.shape[1]):
        at = decisions.slot == slot
        if at.any():
            open[at] = desk.open(slot)[0][send[at]]
        desk.fill(choice[:, slot])
    used, row = np.unique(send[kept], return_inverse=True)
    clicked = decisions.clicked[kept]
    return Page(
        context.member_features[used].astype(np.float32),
        own[used].astype(np.float32),
        member[used],
        context.article_features.astype(np.float32),
        row.astype(np.int64),
        decisions.article[kept].astype(np.int64),
        np.minimum(decisions.slot[kept], slots - 1).astype(np.int64),
        decisions.logged[kept],
        clicked,
        np.where(clicked > 0, 1.0, 1 / share),
        open[kept],
    )


def check_array(what: str, values: Array, shape: tuple[int, ...], kind: str) -> None:
    """Raise ValueError unless `values` are finite, and of this shape and numpy's type `kind`."""
    check.shape(what, values, shape)
    if values.dtype != np.dtype(kind):
        raise ValueError(f"{what} is {values.dtype}; must be {np.dtype(kind)}")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} holds {values[~np.isfinite(values)][0]}; must be finite")
