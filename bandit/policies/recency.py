"""The newest articles first: what a newsletter does when nobody chooses. Learns nothing but when an article first came."""

from functools import partial
from typing import Any

import numpy as np

from bandit.core import check
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy

FORGOTTEN = 52  # issues: an article that was absent from so many in a row is new when it comes back


class Recency(Policy):
    """epsilon: share of slots filled at random.

    An article is as old as the issues since its first pool; those of one age are shown in the pool's order, which is the
    article ids'. An issue is a new campaign name, however many waves it is sent in, and counts when somebody opened it.
    """

    def __init__(self, epsilon: float = 0.02) -> None:
        check.share("epsilon", epsilon)
        self.epsilon = epsilon
        self._issues, self._campaign = 0, ""  # so far, and the last one's name
        self._first: dict[Any, int] = {}  # article -> the issue it first was in
        self._last: dict[Any, int] = {}  # article -> the latest it was in

    def start(self, features: Features) -> None:
        """Nothing to set up."""

    def _number(self, context: Context) -> int:
        """This issue's, counted from 1."""
        return (
            self._issues
            if self._issues and context.campaign == self._campaign
            else self._issues + 1
        )

    def _scores(self, context: Context) -> Floats:
        now = self._number(context)
        age = np.array([now - self._first.get(article, now) for article in context.article_ids])
        return -age - np.arange(len(age)) / (len(age) + 1)

    def plan(self, context: Context) -> SlotPmf:
        scores = np.tile(self._scores(context), (len(context.members), 1))
        return SlotPmf(scores, partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        if not round.feedback.opened.any():  # an issue nobody opened made nothing older to anyone
            return
        self._issues, self._campaign = self._number(round.context), round.context.campaign
        for article in round.context.article_ids.tolist():
            self._first.setdefault(article, self._issues)
            self._last[article] = self._issues
        self._last = {
            article: last for article, last in self._last.items() if self._issues - last < FORGOTTEN
        }
        self._first = {article: self._first[article] for article in self._last}

    def state(self) -> State:
        return {
            "articles": pack(list(self._first)),
            "first": np.array(list(self._first.values()), dtype=np.int64),
            "last": np.array([self._last[article] for article in self._first], dtype=np.int64),
            "issues": np.array([self._issues], dtype=np.int64),
            "campaign": pack([self._campaign]),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError where the arrays do not fit one another, or hold what no issues leave behind."""
        articles, (campaign, *more) = unpack(state["articles"]), unpack(state["campaign"]) or [None]
        if not isinstance(campaign, str) or more:
            raise ValueError(f"campaign = {campaign!r} and {len(more)} more; must be one name")
        for article in articles:
            if not isinstance(article, str | int | float):
                raise ValueError(f"article {article!r} is no id; must be text or a number")
        for name, shape in (
            ("issues", (1,)),
            ("first", (len(articles),)),
            ("last", (len(articles),)),
        ):
            check.shape(name, state[name], shape)
            if state[name].dtype.kind != "i":
                raise ValueError(f"{name} is {state[name].dtype}; must be whole numbers")
        issues, first, last = int(state["issues"][0]), state["first"], state["last"]
        check.at_least("issues", issues, 0)
        bad = ~((first >= 1) & (first <= last) & (last <= issues))
        if bad.any():
            i = int(bad.argmax())
            raise ValueError(
                f"article {articles[i]!r} came first in issue {first[i]}, last in {last[i]}; must be in 1 to {issues}"
            )
        self._issues, self._campaign = issues, campaign
        self._first = dict(zip(articles, first.tolist(), strict=True))
        self._last = dict(zip(articles, last.tolist(), strict=True))
