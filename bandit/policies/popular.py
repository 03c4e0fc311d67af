"""What was clicked most so far: an article's own click rate, shrunk to its kind's.

Older clicks count less. Open this file for the baseline that reads no text and knows no members.
"""

import numpy as np

from bandit.core import check
from bandit.core.ids import pack, unpack
from bandit.core.state import State, require
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class Popular(Policy):
    """Shows everybody the articles with the highest click rates.

    keep: what is left of a click after one issue; lower forgets faster
    looks: how many looks the kind's rate is worth against the article's own; higher trusts an
        article's own clicks later
    epsilon: share of slots filled at random, without which the popular stays popular; higher
        explores more
    max_slots: the longest layout to be met, in slots

    Raises ValueError naming the option at fault.
    """

    def __init__(
        self,
        keep: float = 0.9,
        looks: float = 50.0,
        epsilon: float = 0.05,
        max_slots: int = 24,
    ) -> None:
        check.share("keep", keep)
        check.share("epsilon", epsilon)
        check.at_least("looks", looks, 1e-6)
        self.keep, self.looks, self.epsilon = keep, looks, epsilon
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        self.max_slots = max_slots
        self._forget()

    def start(self, features: Features) -> None:
        """Forget every count."""
        self._forget()

    def _forget(self) -> None:
        # "all", "kind:KIND" or "article:ID" -> looks, clicks
        self._counts: dict[str, tuple[float, float]] = {}
        self._examination = Examination.start(self.max_slots)

    def _rate(self, context: Context) -> Floats:
        """Each article's click rate [m]."""
        looks, clicks = self._count("all", 100.0, 3.0)
        rates = []
        for article, kind in zip(context.article_ids, context.articles["kind"], strict=True):
            kind_looks, kind_clicks = self._count(f"kind:{kind}")
            prior = (kind_clicks + self.looks * clicks / looks) / (kind_looks + self.looks)
            own_looks, own_clicks = self._count(f"article:{article}")
            rates.append((own_clicks + self.looks * prior) / (own_looks + self.looks))
        return np.array(rates)

    def _count(self, name: str, looks: float = 0.0, clicks: float = 0.0) -> tuple[float, float]:
        """Looks and clicks under this name, with those that are given added."""
        known = self._counts.get(name, (0.0, 0.0))
        return known[0] + looks, known[1] + clicks

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the articles' click rates, the same for every member."""
        scores = np.tile(self._rate(context), (len(context.members), 1))
        return SlotPmf(scores, epsilon_greedy(self.epsilon))

    def learn(self, round: Round) -> None:
        """Let earlier counts fade, and add this issue's looks and clicks."""
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        context, m = round.context, len(round.context.articles)
        rate = self._rate(context)[index]
        looked = self._examination.weigh(rate, slots, clicked)
        looks, clicks = np.bincount(index, looked, m), np.bincount(index, clicked, m)
        self._counts = {
            name: (self.keep * looks, self.keep * clicks)
            for name, (looks, clicks) in self._counts.items()
            if looks > 1e-3
        }
        kinds, ids = context.articles["kind"], context.article_ids
        for j in range(m):
            for name in ("all", f"kind:{kinds[j]}", f"article:{ids[j]}"):
                self._counts[name] = self._count(name, float(looks[j]), float(clicks[j]))
        self._examination.learn(rate, slots, clicked)

    def state(self) -> State:
        """Names, their looks and clicks, and the position curve, as named arrays."""
        names = list(self._counts)
        return {
            "names": pack(names),
            "counts": np.array([self._counts[name] for name in names]).reshape(-1, 2),
            "examination": self._examination.state(),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError for what cannot have been counted."""
        require(state, self.state())
        names, pairs = unpack(state["names"]), state["counts"]
        check.like("counts", pairs, np.zeros((len(names), 2)))
        for name, (looks, clicks) in zip(names, pairs, strict=True):
            if not 0 <= clicks <= looks:
                raise ValueError(
                    f"counts of {name!r}: {clicks} clicks on {looks} looks; "
                    "must be 0 <= clicks <= looks"
                )
        self._counts = dict(zip(names, map(tuple, pairs.tolist()), strict=True))
        self._examination = self._examination.read_state(state["examination"])
