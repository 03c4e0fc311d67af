"""What was clicked most so far: an article's own click rate, shrunk to its kind's, with older clicks counting less."""

from functools import partial

import numpy as np

from bandit.core import check
from bandit.core.ids import pack, unpack
from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class Popular(Policy):
    """keep: what is left of a click after one issue. looks: how many looks the kind's rate is worth against the
    article's own. epsilon: share of slots filled at random, without which the popular stays popular."""

    def __init__(
        self, keep: float = 0.9, looks: float = 50.0, epsilon: float = 0.05, max_slots: int = 24
    ) -> None:
        check.share("keep", keep)
        check.share("epsilon", epsilon)
        check.at_least("looks", looks, 1e-6)
        self.keep, self.looks, self.epsilon = keep, looks, epsilon
        self._examination = Examination.start(max_slots)
        self._counts: dict[
            str, tuple[float, float]
        ] = {}  # "article id" or "kind:..." -> looks, clicks

    def start(self, features: Features) -> None:
        """Nothing to set up."""

    def _rates(self, context: Context) -> Floats:
        looks, clicks = self._count("all", 100.0, 3.0)
        rates = []
        for article, kind in zip(context.article_ids, context.articles["kind"], strict=True):
            kind_looks, kind_clicks = self._count(f"kind:{kind}")
            prior = (kind_clicks + self.looks * clicks / looks) / (kind_looks + self.looks)
            own_looks, own_clicks = self._count(f"article:{article}")
            rates.append((own_clicks + self.looks * prior) / (own_looks + self.looks))
        return np.array(rates)

    def _count(self, name: str, looks: float = 0.0, clicks: float = 0.0) -> tuple[float, float]:
        known = self._counts.get(name, (0.0, 0.0))
        return known[0] + looks, known[1] + clicks

    def plan(self, context: Context) -> SlotPmf:
        scores = np.tile(self._rates(context), (len(context.members), 1))
        return SlotPmf(scores, partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        context, m = round.context, len(round.context.articles)
        rate = self._rates(context)[index]
        looked = self._examination.weights(rate, slots, clicked)
        looks, clicks = np.bincount(index, looked, m), np.bincount(index, clicked, m)
        kinds, ids = context.articles["kind"].to_numpy(), context.article_ids
        kept = {
            name: (self.keep * pair[0], self.keep * pair[1])
            for name, pair in self._counts.items()
            if pair[0] > 1e-3
        }
        for j in range(m):
            for name in ("all", f"kind:{kinds[j]}", f"article:{ids[j]}"):
                before = kept.get(name, (0.0, 0.0))
                kept[name] = (before[0] + float(looks[j]), before[1] + float(clicks[j]))
        self._counts = kept
        self._examination.learn(rate, slots, clicked)

    def state(self) -> State:
        names = list(self._counts)
        return {
            "names": pack(names),
            "counts": np.array([self._counts[name] for name in names]).reshape(-1, 2),
            "examination": self._examination.state(),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError for what cannot have been counted."""
        names, pairs = unpack(state["names"]), state["counts"]
        check.like("counts", pairs, np.zeros((len(names), 2)))
        check.like("examination", state["examination"], self._examination.state())
        for name, (looks, clicks) in zip(names, pairs, strict=True):
            if not 0 <= clicks <= looks:
                raise ValueError(
                    f"counts of {name!r}: {clicks} clicks on {looks} looks; must be 0 <= clicks <= looks"
                )
        self._counts = {
            name: (float(looks), float(clicks))
            for name, (looks, clicks) in zip(names, pairs, strict=True)
        }
        self._examination = Examination.restore(state["examination"])
