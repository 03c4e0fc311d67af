"""As many segments as one asks for: members grouped by what they clicked, or by their attributes.

`segment_learned` chooses its segments among the values of attributes; here their number is given,
so that a study can ask what more of them would bring. Within a segment taste is learned as there.
"""

import numpy as np

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Array, Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.segments import Moments, make_ridge
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy

BASES = ("clicks", "attributes")
OWN = 2.0  # clicks that "as everybody" is worth in what a member's own clicks say


class CountedSegments(Policy):
    """Groups members by k-means, and shows each group what it is thought to click on most.

    count: how many groups
    by: "clicks", the mean text of what each member clicked, grouped anew after each issue; or
        "attributes", grouped once
    fixed_after: issue after which nobody who has a group changes it, and who joins later gets the
        nearest one at the first issue; 0: never
    ridge: looks that "no preference" is worth for the whole list; higher learns slower
    shrinkage: looks that the whole list's taste is worth in a group; higher keeps groups alike
    epsilon: share of slots filled at random
    max_slots: the longest layout to be met, in slots

    Raises ValueError naming the option at fault.
    """

    def __init__(
        self,
        count: int = 8,
        by: str = "clicks",
        fixed_after: int = 0,
        ridge: float = 200.0,
        shrinkage: float = 1000.0,
        epsilon: float = 0.02,
        max_slots: int = 24,
    ) -> None:
        check.whole("count", count, 1, 5000)
        check.whole("fixed_after", fixed_after, 0)
        if by not in BASES:
            raise ValueError(f"by = {by!r}; choose from {', '.join(BASES)}")
        for name, value in {"ridge": ridge, "shrinkage": shrinkage}.items():
            check.at_least(name, value, 1e-6)
        check.share("epsilon", epsilon)
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        self.count, self.by, self.fixed_after = count, by, fixed_after
        self.ridge, self.shrinkage, self.epsilon = ridge, shrinkage, epsilon
        self.max_slots = max_slots

    def start(self, features: Features) -> None:
        """Set up: nobody is known yet, and everybody is in group 0."""
        q = len(features.article_names)
        self._examination = Examination.start(self.max_slots)
        self._place: dict[object, int] = {}  # of each member in the arrays below
        self._clicks = np.zeros((0, q))  # sum of the text that each member clicked
        self._count = np.zeros(0)
        self._group = np.zeros(0, dtype=np.int64)
        self._centres = np.zeros((0, 0))
        self._seen: list[tuple[Ints, Floats, Floats, Floats]] = []  # member, looks, clicks, text
        self._weights: Floats = np.zeros((1, q))

    def _find(self, ids: Array) -> Ints:
        """Where members stand, [n]; -1: not known yet."""
        return np.array([self._place.get(member, -1) for member in ids.tolist()], dtype=np.int64)

    def _describe(self, context: Context, places: Ints) -> Floats:
        """What members are grouped by [n, d]."""
        if self.by == "attributes":
            return context.member_features
        known = places >= 0
        own = np.zeros((len(places), self._clicks.shape[1]))
        own[known] = self._clicks[places[known]] / (self._count[places[known]] + OWN)[:, None]
        return own

    def _assign(self, context: Context) -> Ints:
        """Each member's group [n]."""
        places = self._find(context.member_ids)
        if not len(self._centres):
            return np.zeros(len(places), dtype=np.int64)
        own = self._describe(context, places)
        gaps = (self._centres**2).sum(axis=1) - 2 * own @ self._centres.T
        return np.where(places >= 0, self._group[places], gaps.argmin(axis=1))

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the click rates of the member's group."""
        rates = exact.dot(self._weights, context.article_features)
        return SlotPmf(rates[self._assign(context)], epsilon_greedy(self.epsilon))

    def learn(self, round: Round) -> None:
        """Learn from the openers' slots, then group the members anew."""
        rows, slots, index, clicked = round.list_exposures()
        context, articles = round.context, round.context.article_features
        groups = self._assign(context)
        for member in context.member_ids.tolist():
            self._place.setdefault(member, len(self._place))
        places, fresh = self._find(context.member_ids), len(self._place) - len(self._count)
        self._clicks = np.pad(self._clicks, ((0, fresh), (0, 0)))
        self._count, self._group = np.pad(self._count, (0, fresh)), np.pad(self._group, (0, fresh))
        self._group[places] = groups
        if not len(rows):
            return
        rate = np.clip(exact.dot(self._weights, articles)[groups[rows], index], 1e-3, 0.9)
        looked = self._examination.weigh(rate, slots, clicked)
        self._examination.learn(rate, slots, clicked)
        np.add.at(self._clicks, places[rows], clicked[:, None] * articles[index])
        np.add.at(self._count, places[rows], clicked)
        self._seen.append((places[rows], looked, clicked, articles[index]))
        if not self.fixed_after or context.issue <= self.fixed_after:
            self._regroup(context, places)
        self._fit()

    def _regroup(self, context: Context, places: Ints) -> None:
        """Group the members of this issue; by attributes only once."""
        if self.count == 1 or (self.by == "attributes" and len(self._centres)):
            return
        from sklearn.cluster import KMeans  # a second of imports

        everyone = np.arange(len(self._count)) if self.by == "clicks" else places
        own = self._describe(context, everyone)
        count = min(self.count, len(np.unique(own, axis=0)))
        found = KMeans(count, n_init=1, random_state=0).fit(own)
        self._centres = np.asarray(found.cluster_centers_, dtype=np.float64)
        self._group[everyone] = found.labels_

    def _fit(self) -> None:
        """Each group's taste from all that its present members were shown."""
        q = self._weights.shape[1]
        moments, total = Moments.start(max(len(self._centres), 1), q), Moments.start(1, q)
        for members, looked, clicked, text in self._seen:
            group = self._group[members]
            for one in np.unique(group):
                mine = group == one
                moments.gram[one] += (text[mine] * looked[mine, None]).T @ text[mine]
                moments.moment[one] += clicked[mine] @ text[mine]
        total.gram[0], total.moment[0] = moments.gram.sum(axis=0), moments.moment.sum(axis=0)
        everyone = total.fit(np.zeros(q), make_ridge(q, self.ridge))
        self._weights = moments.fit(everyone, make_ridge(q, self.shrinkage))

    def state(self) -> State:
        """What the groups are and want; enough to plan, not to go on learning."""
        ids = np.array(list(self._place), dtype=np.int64)
        own: State = {"clicks": self._clicks, "count": self._count, "group": self._group}
        return own | {"member": ids, "centres": self._centres, "weights": self._weights}

    def restore(self, state: State) -> None:
        """Plan as the policy did that left this state."""
        self._place = {int(member): place for place, member in enumerate(state["member"])}
        self._clicks, self._count = state["clicks"].copy(), state["count"].copy()
        self._group, self._centres = state["group"].copy(), state["centres"].copy()
        self._weights = state["weights"].copy()
