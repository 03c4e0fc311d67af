"""Segmentation at its best: click rates by segment, and the segmentation chosen by held-out clicks.

Every subset of the attributes is a candidate. Within a candidate each segment has its own taste in
article text, shrunk to the whole list's; how hard, and which candidate, is what predicted the
clicks of issues before learning from them. Compare with this policy to see what profiles of single
members are worth over the best segments.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import combinations

import numpy as np

from bandit.core import check, exact
from bandit.core.columns import number_values, read_text
from bandit.core.state import State, require
from bandit.core.types import Columns, Context, Floats, Ints, Planner, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.segments import Membership, Moments, make_ridge
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy

Read = tuple[Ints, Ints, Ints, int]  # an attribute's values, as `Membership.cross` takes them
MOST_SEGMENTS = 5000  # of crossed attributes: each segment keeps a matrix of the text's size


class SegmentLearned(Policy):
    """Shows each segment the articles that it is thought to click on most.

    attributes: those that may form segments, levels or tags; None: all
    shrinkage: candidates for how many looks the whole list's taste is worth in a segment; higher
        keeps small segments closer to the list
    largest: attributes to cross at most; higher allows finer segments. What would form more than
        5,000 is not crossed
    ridge: looks that "no preference" is worth for the whole list; higher learns slower
    epsilon: share of slots filled at random; higher explores more
    keep: what is left of a look after one issue; lower forgets faster
    max_slots: the longest layout to be met, in slots

    Raises ValueError naming the option at fault.
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
        check.at_least("ridge", ridge, 1e-6)
        check.listed("shrinkage", shrinkage, 20)
        for value in shrinkage:
            check.at_least("shrinkage", value, 1e-6)
        check.whole("largest", largest, 0, 10)
        self.attributes, self.shrinkage, self.largest = attributes, tuple(shrinkage), largest
        self.ridge, self.epsilon, self.keep = ridge, epsilon, keep
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        self.max_slots = max_slots

    def start(self, features: Features) -> None:
        """Set up the candidates. Raises ValueError where an attribute is unknown."""
        known = {**features.attributes.levels, **features.attributes.tags}
        names = list(known) if self.attributes is None else list(self.attributes)
        for name in names:
            if name not in known:
                raise ValueError(f"attributes: {name!r} is not one of the members' {list(known)}")
        self._examination = Examination.start(self.max_slots)
        self._levels = {name: list(known[name]) for name in names}
        self._attributes = features.attributes
        sizes = range(self.largest + 1)
        every = [subset for size in sizes for subset in combinations(names, size)]
        self.candidates = [s for s in every if len(s) < 2 or self._count(s) <= MOST_SEGMENTS]
        q = len(features.article_names)
        self._moments = [Moments.start(self._count(subset), q) for subset in self.candidates]
        # held-out squared error of each issue, candidate and shrinkage
        self._errors = np.zeros((0, len(self.candidates), len(self.shrinkage)))

    def _shape(self, subset: Sequence[str]) -> list[int]:
        """How many values each attribute has, with one more for unknown values."""
        return [len(self._levels[name]) + 1 for name in subset]

    def _count(self, subset: Sequence[str]) -> int:
        """How many segments the attributes form."""
        return int(np.prod(self._shape(subset), dtype=int))

    def _read(self, context: Context, name: str) -> Read:
        """The members' values of an attribute, as `Membership.cross` takes them."""
        values = self._levels[name]
        code, unknown = {value: i for i, value in enumerate(values)}, len(values)
        place, cells = number_values(read_text(context.members[name]))
        given = [self._attributes.list_values(name, cell) for cell in cells]
        codes = [sorted({code.get(value, unknown) for value in some}) for some in given]
        lists = [some or [unknown] for some in [*codes, []]]  # the last: missing
        many = np.array([len(some) for some in lists])
        first = np.cumsum(many) - many
        return first[place], many[place], np.concatenate(lists), unknown + 1

    def _assign(
        self, context: Context, subset: Sequence[str], read: Callable[[str], Read] | None = None
    ) -> Membership:
        """The segments of each member: one for each combination of its values and tags.

        read: gives what `_read` does; None: each attribute is read here
        """
        read = read or partial(self._read, context)
        membership = Membership.start(len(context.members))
        for name in subset:
            membership = membership.cross(*read(name))
        return membership

    @property
    def best(self) -> tuple[int, int]:
        """The places of the best candidate and the best shrinkage.

        This is the finest segmentation that predicts no worse, by two standard errors over the
        issues, than the one that predicts best: the one-standard-error rule of Breiman et al. 1984,
        turned round, because fine segments see more different articles, which teaches more, and
        shrinkage keeps them from harm.
        """
        total = self._errors.sum(axis=0)
        i, j = np.unravel_index(total.argmin(), total.shape)
        beside = self._errors - self._errors[:, i, j][:, None, None]
        doubt = beside.std(axis=0, ddof=1) * np.sqrt(len(beside)) if len(beside) > 1 else np.inf
        size = np.array([len(subset) for subset in self.candidates])[:, None]
        fine = size * (beside.sum(axis=0) <= 2 * doubt)
        i, j = np.unravel_index(np.where(fine == fine.max(), total, np.inf).argmin(), total.shape)
        return int(i), int(j)

    def _fit(
        self, candidate: int, strength: float, singles: dict[str, Floats] | None = None
    ) -> Floats:
        """Each segment's taste [s, q].

        A crossed segment is shrunk to the sum of its attributes' own effects, and those to the
        whole list's taste.

        strength: the shrinkage, in looks
        singles: what `_fit_singles` returned for these attributes or more, where it is at hand
        """
        subset, everyone = self.candidates[candidate], self._fit_everyone()
        if not subset:
            return everyone
        parent = everyone
        if len(subset) > 1:
            singles = singles or self._fit_singles(subset, strength)
            codes = np.indices(self._shape(subset)).reshape(len(subset), -1)
            effects = zip(subset, codes, strict=True)
            parent = everyone + sum(singles[name][code] - everyone for name, code in effects)
        return self._moments[candidate].fit(parent, make_ridge(everyone.shape[1], strength))

    def _fit_everyone(self) -> Floats:
        """The whole list's taste [1, q]."""
        q = self._moments[0].moment.shape[1]
        return self._moments[0].fit(np.zeros(q), make_ridge(q, self.ridge))

    def _fit_singles(self, names: Sequence[str], strength: float) -> dict[str, Floats]:
        """Taste [s, q] by each attribute alone."""
        return {name: self._fit(self.candidates.index((name,)), strength) for name in names}

    def _predict(self, article_features: Floats) -> tuple[Floats, Sequence[str]]:
        """Click rates [s, m] of the best candidate's segments, and the attributes that form it."""
        candidate, shrinkage = self.best
        weights = self._fit(candidate, self.shrinkage[shrinkage])
        return exact.dot(weights, article_features), self.candidates[candidate]

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the click rates of the member's segment, or the mean of several segments'."""
        return self.plan_for(context.articles, context.article_features)(context)

    def plan_for(self, articles: Columns, article_features: Floats) -> Planner:
        """See `Policy.plan_for`: the segments are fitted once."""
        rates, subset = self._predict(article_features)

        def plan(context: Context) -> SlotPmf:
            scores = self._assign(context, subset).average(rates)
            return SlotPmf(scores, epsilon_greedy(self.epsilon))

        return plan

    def learn(self, round: Round) -> None:
        """Judge every candidate by this issue's clicks, then learn from them."""
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        context, articles = round.context, round.context.article_features
        rates, subset = self._predict(context.article_features)
        read = cache(partial(self._read, context))  # several candidates want the same attribute
        membership = self._assign(context, subset, read)
        group = membership.take(rows)
        rate = np.clip(group.average_pairs(rates, index), 1e-3, 0.9)
        looked = self._examination.weigh(rate, slots, clicked)
        groups = [self._assign(context, each, read).take(rows) for each in self.candidates]
        errors = np.zeros(self._errors.shape[1:])
        for s, strength in enumerate(self.shrinkage):
            singles = self._fit_singles(list(self._levels), strength)
            for c, group in enumerate(groups):
                rates = exact.dot(self._fit(c, strength, singles), articles)
                each = group.average_pairs(rates, index)
                errors[c, s] = _measure_error(each, rows, looked, clicked)
        self._errors = np.concatenate([self._errors, errors[None]])
        for moments, group in zip(self._moments, groups, strict=True):
            shape = (len(moments.moment), len(articles))
            looks, clicks = (group.tally(index, each, shape) for each in (looked, clicked))
            moments.fade(self.keep)
            moments.add(looks, clicks, articles)
        self._examination.learn(rate, slots, clicked)

    def state(self) -> State:
        """The errors, the position curve, and candidate c's moments as `gram.c` and `moment.c`."""
        kept = {"errors": self._errors.copy(), "examination": self._examination.state()}
        for c, moments in enumerate(self._moments):
            kept |= moments.state(f".{c}")
        return kept

    def restore(self, state: State) -> None:
        """Raises ValueError for what this policy, with these features, cannot have come to hold."""
        require(state, self.state())
        errors = state["errors"]
        check.like("errors", errors, np.zeros((len(errors), *self._errors.shape[1:])))
        self._moments = [
            moments.read_state(state, f".{c}") for c, moments in enumerate(self._moments)
        ]
        self._errors = errors.copy()
        self._examination = self._examination.read_state(state["examination"])


def _measure_error(rates: Floats, rows: Ints, looked: Floats, clicked: Floats) -> float:
    """Squared error of the rates, up to a constant, in telling apart one newsletter's articles.

    Rates and clicks are taken from their mean over the slots the member looked at, because who
    clicks at all is not what segments are for.

    rates, rows, looked, clicked: [e], of each slot
    """
    looks = np.bincount(rows, looked)
    mean = np.bincount(rows, looked * rates) / np.maximum(looks, 1e-9)
    clicks = np.bincount(rows, clicked) / np.maximum(looks, 1e-9)
    apart = rates - mean[rows]
    return float((looked * apart**2 - 2 * (clicked - looked * clicks[rows]) * apart).sum())
