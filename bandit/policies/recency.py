"""The newest articles first: what a newsletter does when nobody chooses.

All that it learns is when an article first came. Open this file for how an article's age is
counted.
"""

from collections.abc import Hashable

import numpy as np

from bandit.core import check
from bandit.core.ids import pack, unpack
from bandit.core.state import State, require
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy

FORGOTTEN = 52  # issues: an article that was absent from so many in a row is new when it comes back


class Recency(Policy):
    """Shows everybody the newest articles first.

    An article is as old as the issues since its first pool; those of one age are equally likely. An
    issue is a new campaign name, however many waves it is sent in, and counts when somebody opened
    it.

    epsilon: share of slots filled at random; higher explores more

    Raises ValueError naming the option at fault.
    """

    def __init__(self, epsilon: float = 0.02) -> None:
        check.share("epsilon", epsilon)
        self.epsilon = epsilon
        self._forget()

    def start(self, features: Features) -> None:
        """Forget every article."""
        self._forget()

    def _forget(self) -> None:
        self._issues, self._campaign = 0, ""  # so far, and the last one's name
        self._first: dict[Hashable, int] = {}  # article -> the issue it first was in
        self._last: dict[Hashable, int] = {}  # article -> the latest it was in

    def _number(self, context: Context) -> int:
        """Count this issue, from 1: the last one again, or the next."""
        again = self._issues and context.campaign == self._campaign
        return self._issues if again else self._issues + 1

    def _score(self, context: Context) -> Floats:
        """Minus the age of each article [m] in issues."""
        now = self._number(context)
        age = np.array([now - self._first.get(article, now) for article in context.article_ids])
        return -age.astype(np.float64)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are higher the newer the article, the same for every member."""
        scores = np.tile(self._score(context), (len(context.members), 1))
        return SlotPmf(scores, epsilon_greedy(self.epsilon))

    def learn(self, round: Round) -> None:
        """Remember which articles were in this issue, unless nobody opened it."""
        if not round.feedback.opened.any():  # an issue nobody opened made nothing older to anyone
            return
        now = self._issues = self._number(round.context)
        self._campaign = round.context.campaign
        for article in round.context.article_ids.tolist():
            self._first.setdefault(article, now)
            self._last[article] = now
        self._last = {
            article: last for article, last in self._last.items() if now - last < FORGOTTEN
        }
        self._first = {article: self._first[article] for article in self._last}

    def state(self) -> State:
        """Articles with their first and last issues, the count of issues and the last's name."""
        return {
            "articles": pack(list(self._first)),
            "first": np.array(list(self._first.values()), dtype=np.int64),
            "last": np.array([self._last[article] for article in self._first], dtype=np.int64),
            "issues": np.array([self._issues], dtype=np.int64),
            "campaign": pack([self._campaign]),
        }

    def restore(self, state: State) -> None:
        """Go on from a state.

        Raises ValueError where the arrays do not fit one another, or hold what no issues leave
        behind.
        """
        require(state, self.state())
        articles, (campaign, *more) = unpack(state["articles"]), unpack(state["campaign"]) or [None]
        if not isinstance(campaign, str) or more:
            raise ValueError(f"campaign = {campaign!r} and {len(more)} more; must be one name")
        for name, count in (("issues", 1), ("first", len(articles)), ("last", len(articles))):
            check.shape(name, state[name], (count,))
            if state[name].dtype.kind != "i":
                raise ValueError(f"{name} is {state[name].dtype}; must be whole numbers")
        issues, first, last = int(state["issues"][0]), state["first"], state["last"]
        check.at_least("issues", issues, 0)
        bad = ~((first >= 1) & (first <= last) & (last <= issues))
        if bad.any():
            i = int(bad.argmax())
            raise ValueError(
                f"article {articles[i]!r} came first in issue {first[i]}, last in {last[i]}; "
                f"must be in 1 to {issues}"
            )
        self._issues, self._campaign = issues, campaign
        self._first = dict(zip(articles, first.tolist(), strict=True))
        self._last = dict(zip(articles, last.tolist(), strict=True))
