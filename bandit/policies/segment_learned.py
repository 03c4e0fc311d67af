"""Segmentation at its best: learned click rates per segment, and the segmentation itself chosen by held-out clicks.

Every subset of the attributes is a candidate. Within a candidate each segment has its own taste in article text, shrunk
to the whole list's; how hard, and which candidate, is what predicted the clicks of issues before learning from them.
"""

from collections.abc import Sequence
from functools import partial
from itertools import combinations

import numpy as np

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.segments import Moments, ridges, tally
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy


class SegmentLearned(Policy):
    """attributes: those that may form segments (None: all). shrinkage: candidates for how many looks the whole list's
    taste is worth in a segment. largest: attributes to cross at most. keep: what is left of a look after one issue.
    """

    def __init__(
        self,
        attributes: Sequence[str] | None = None,
        shrinkage: Sequence[float] = (1000.0, 3000.0),
        largest: int = 3,
        ridge: float = 200.0,
        epsilon: float = 0.02,
        keep: float = 1.0,
        max_slots: int = 24,
    ) -> None:
        check.share("epsilon", epsilon)
        check.share("keep", keep)
        for value in (ridge, *shrinkage):
            check.at_least("shrinkage", value, 1e-6)
        if not shrinkage:
            raise ValueError("shrinkage is empty; give at least one candidate")
        self.attributes, self.shrinkage, self.largest = attributes, tuple(shrinkage), largest
        self.ridge, self.epsilon, self.keep = ridge, epsilon, keep
        self._examination = Examination.start(max_slots)

    def start(self, features: Features) -> None:
        names = list(features.levels) if self.attributes is None else list(self.attributes)
        for name in names:
            if name not in features.levels:
                raise ValueError(
                    f"attributes: {name!r} is not one of the members' {list(features.levels)}"
                )
        self._levels = {name: list(features.levels[name]) for name in names}
        self.candidates = [
            subset for size in range(self.largest + 1) for subset in combinations(names, size)
        ]
        q = len(features.article_names)
        self._moments = [Moments.empty(self._size(subset), q) for subset in self.candidates]
        # held-out squared error of each issue, candidate and shrinkage
        self._errors = np.zeros((0, len(self.candidates), len(self.shrinkage)))

    def _size(self, subset: Sequence[str]) -> int:
        return int(
            np.prod([len(self._levels[name]) + 1 for name in subset], dtype=int)
        )  # one more for unknown values

    def _segments(self, context: Context, subset: Sequence[str]) -> Ints:
        """Segment of each member [n]."""
        segment = np.zeros(len(context.members), dtype=np.int64)
        for name in subset:
            values = self._levels[name]
            code = {value: i for i, value in enumerate(values)}
            codes = (
                context.members[name]
                .astype(str)
                .map(code)
                .fillna(len(values))
                .to_numpy(dtype=np.int64)
            )
            segment = segment * (len(values) + 1) + codes
        return segment

    @property
    def best(self) -> tuple[int, int]:
        """Candidate and shrinkage: the finest segmentation that predicts no worse, by two standard errors over the issues,
        than the one that predicts best (the one-standard-error rule of Breiman et al. 1984, turned round: fine segments
        see more different articles, which teaches more, and shrinkage keeps them from harm)."""
        total = self._errors.sum(axis=0)
        beside = (
            self._errors
            - self._errors[(slice(None), *np.unravel_index(total.argmin(), total.shape))][
                :, None, None
            ]
        )
        doubt = beside.std(axis=0, ddof=1) * np.sqrt(len(beside)) if len(beside) > 1 else np.inf
        fine = np.array([len(subset) for subset in self.candidates])[:, None] * (
            beside.sum(axis=0) <= 2 * doubt
        )
        i, j = np.unravel_index(np.where(fine == fine.max(), total, np.inf).argmin(), total.shape)
        return int(i), int(j)

    def _weights(
        self, candidate: int, strength: float, singles: dict[str, Floats] | None = None
    ) -> Floats:
        """Each segment's taste [s, q]. A crossed segment is shrunk to the sum of its attributes' own effects (`singles`, if
        at hand), and those to the whole list's taste."""
        subset, everyone = self.candidates[candidate], self._everyone()
        if not subset:
            return everyone
        parent = everyone
        if len(subset) > 1:
            singles = singles or self._singles(subset, strength)
            codes = np.indices([len(self._levels[name]) + 1 for name in subset]).reshape(
                len(subset), -1
            )
            parent = everyone + sum(
                singles[name][code] - everyone for name, code in zip(subset, codes, strict=True)
            )
        return self._moments[candidate].fit(parent, ridges(everyone.shape[1], strength))

    def _everyone(self) -> Floats:
        q = self._moments[0].moment.shape[1]
        return self._moments[0].fit(np.zeros(q), ridges(q, self.ridge))

    def _singles(self, names: Sequence[str], strength: float) -> dict[str, Floats]:
        """Taste by each attribute alone."""
        return {name: self._weights(self.candidates.index((name,)), strength) for name in names}

    def _rates(self, context: Context, candidate: int, shrinkage: float) -> tuple[Floats, Ints]:
        """Click rates [s, m] and each member's segment [n]."""
        rates = exact.dot(self._weights(candidate, shrinkage), context.article_features)
        return rates, self._segments(context, self.candidates[candidate])

    def plan(self, context: Context) -> SlotPmf:
        candidate, shrinkage = self.best
        rates, segment = self._rates(context, candidate, self.shrinkage[shrinkage])
        return SlotPmf(rates[segment], partial(epsilon_greedy, epsilon=self.epsilon))

    def learn(self, round: Round) -> None:
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        context = round.context
        candidate, shrinkage = self.best
        rates, segment = self._rates(context, candidate, self.shrinkage[shrinkage])
        rate = np.clip(rates[segment[rows], index], 1e-3, 0.9)
        looked = self._examination.weights(rate, slots, clicked)
        singles = [self._singles(list(self._levels), strength) for strength in self.shrinkage]
        tallies, errors = [], np.zeros(self._errors.shape[1:])
        for c, subset in enumerate(self.candidates):
            groups = self._segments(context, subset)[rows]
            shape = (self._size(subset), len(context.articles))
            looks, clicks = (
                tally(groups, index, looked, shape),
                tally(groups, index, clicked, shape),
            )
            tallies.append((looks, clicks))
            for s, strength in enumerate(self.shrinkage):
                rates = exact.dot(self._weights(c, strength, singles[s]), context.article_features)
                errors[c, s] = _held_out(rates[groups, index], rows, looked, clicked)
        self._errors = np.concatenate([self._errors, errors[None]])
        for moments, (looks, clicks) in zip(self._moments, tallies, strict=True):
            moments.fade(self.keep)
            moments.add(looks, clicks, context.article_features)
        self._examination.learn(rate, slots, clicked)

    def state(self) -> State:
        kept = {"errors": self._errors.copy(), "examination": self._examination.state()}
        for c, moments in enumerate(self._moments):
            kept |= moments.state(f".{c}")
        return kept

    def restore(self, state: State) -> None:
        """Raises ValueError for what this policy, with these features, cannot have come to hold."""
        check.like(
            "errors", state["errors"], np.zeros((len(state["errors"]), *self._errors.shape[1:]))
        )
        check.like("examination", state["examination"], self._examination.state())
        self._moments = [
            moments.restored(state, f".{c}") for c, moments in enumerate(self._moments)
        ]
        self._errors = state["errors"].copy()
        self._examination = Examination.restore(state["examination"])


def _held_out(rates: Floats, rows: Ints, looked: Floats, clicked: Floats) -> float:
    """Squared error of the rates [e], up to a constant, in telling apart the articles of one newsletter: rates and clicks
    are taken from their mean over the slots the member looked at. Who clicks at all is not a segment's business."""
    looks = np.bincount(rows, looked)
    mean = np.bincount(rows, looked * rates) / np.maximum(looks, 1e-9)
    clicks = np.bincount(rows, clicked) / np.maximum(looks, 1e-9)
    apart = rates - mean[rows]
    return float((looked * apart**2 - 2 * (clicked - looked * clicks[rows]) * apart).sum())
