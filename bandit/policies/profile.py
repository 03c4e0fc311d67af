"""Hierarchical Bayesian interest profiles: attributes first, behaviour later.

Member i has the attributes x_i, article j has the text a_j, and

    P(click | examined) = sigmoid(w_i . a_j + b_j)
    w_i ~ Normal(B x_i, S), S diagonal
    b_j ~ Normal(m, s^2), m = 0 for kinds that a_j tells apart

All is learned by empirical Bayes:

    B       what attributes say, the prior            bandit.models.profile.prior, .outset
    S       how far members differ from it            here
    e       P(examined) of each slot                  bandit.models.examination
    w_i     from the member's own clicks              bandit.models.profiles
    b_j     from everybody's clicks, with m and s^2   bandit.models.profile.appeal

w_i is learned by expectation propagation in each issue, projected on a Gaussian with an arrow for
its precision (assumed density filtering, Minka 2001). Open this file for the order of all this.
"""

from copy import copy

import numpy as np

from bandit.core import check, exact
from bandit.core.ids import Aliases
from bandit.core.state import State, nest, part, require
from bandit.core.types import Columns, Context, Floats, Ints, Planner, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.profile.appeal import Appeal
from bandit.models.profile.expectation import average, average_with_slope, score
from bandit.models.profile.outset import Outset
from bandit.models.profile.prior import Prior, Step
from bandit.models.profile.slots import cut, score_slots
from bandit.models.profiles import NAMES, Belief, Pool, Profiles
from bandit.policy import Policy
from bandit.slates.exploration import budgeted

STEPS = 3  # Newton steps on each issue
MOST_STEPS = 12  # the same where the first ones had to be cut short
Pulls = exact.Factor | None  # B's transpose [q, p], rounded once for many products


class Profile(Policy):
    """A profile for each member, which starts from attributes and learns from the member's clicks.

    budget: share of slots given to exploration, in proportion to the click odds; higher explores
        more
    first_budget: the same until something has been learned, when greedy slates would be all alike
    temperature: of the exploration; higher spreads it more evenly over the articles
    keep: what is left of a member's evidence after one issue; 1 never forgets, lower follows drift
        faster
    text_sd: how far members are thought to differ from their attributes in what an article's whole
        text pulls, in logits, before data says so; higher lets a member's own clicks count more
    click_sd: the same for how readily they click at all, in logits
    kind_sd: the same for taste in events and resources, in logits
    prior_sd: how strongly an attribute is thought to move that pull, in logits, before data says
        so, and half of it for kinds; higher lets everybody's clicks move B further
    name_pull: how much more members are thought to want articles about what their attributes'
        values name, in logits, before data says so, give or take as much; 0 reads no values
    quality_sd: how far articles are thought to differ in appeal beyond their text, in logits;
        higher lets clicks move an article's appeal further
    click_rate: P(click | examined) to start from
    max_slots: the longest layout to be met, in slots

    Raises ValueError naming the option at fault.

    >>> from types import SimpleNamespace
    >>> features = SimpleNamespace(
    ...     member_names=["constant", "area=a", "area=b"],
    ...     article_names=["constant", "text0"],
    ...     encode_texts=lambda values: np.array([[0.5], [-2.0]]),
    ... )
    >>> policy = Profile(max_slots=2)
    >>> policy.start(features)
    >>> policy.B.round(2).tolist()  # before data: the click rate, and taste for what values name
    [[-3.48, 0.0], [0.0, 0.5], [0.0, -1.0]]
    """

    def __init__(
        self,
        budget: float = 0.05,
        first_budget: float = 1.0,
        temperature: float = 1.0,
        keep: float = 1.0,
        text_sd: float = 1.5,
        click_sd: float = 0.8,
        kind_sd: float = 0.3,
        prior_sd: float = 0.4,
        name_pull: float = 1.0,
        quality_sd: float = 0.3,
        click_rate: float = 0.03,
        max_slots: int = 24,
    ) -> None:
        for name, value in {"budget": budget, "first_budget": first_budget, "keep": keep}.items():
            check.share(name, value)
        check.between("click_rate", click_rate, 1e-6, 1 - 1e-6)
        check.between("name_pull", name_pull, 0, 10)
        sds = {"text_sd": text_sd, "click_sd": click_sd, "kind_sd": kind_sd, "prior_sd": prior_sd}
        for name, value in (sds | {"quality_sd": quality_sd}).items():
            check.between(name, value, 1e-6, 10)
        check.at_least("temperature", temperature, 1e-6)
        self.budget, self.first_budget = budget, first_budget
        self.temperature, self.keep = temperature, keep
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        self._thought = sds | {"name_pull": name_pull, "click_rate": click_rate}
        self._quality_sd, self._max_slots = quality_sd, max_slots
        self.prior: Prior | None = None  # None: the hyperparameters are given and stay

    def start(self, features: Features) -> None:
        """Set up for these members' and articles' features."""
        self._outset = Outset.read(features, **self._thought)
        self.appeal = Appeal(self._quality_sd**2, known=self._outset.kinds)
        self.examination = Examination.start(self._max_slots)
        self.length = 0.0  # of text vectors in the first pool that was learned from; 0: none was
        self._set_up(self._outset.usual)

    def _set_up(self, length: float) -> None:
        self.prior = self._outset.prior(length)
        self._begin(self.prior.B, self._outset.spread(length))

    def fix(self, B: Floats, variance: Floats, quality_variance: float, examine: Floats) -> None:
        """Start with hyperparameters that are known and stay.

        B, variance: [p, q], and [q], S
        quality_variance: s^2
        examine: [k], P(examined) of each slot
        """
        self._begin(B, variance)
        self.appeal = Appeal(quality_variance, learns=False)
        self.examination, self.prior = Examination.fix(examine), None

    def _begin(self, B: Floats, variance: Floats) -> None:
        self.B, self.variance, self._start_variance = B, variance, variance.copy()
        self.profiles = Profiles(B.shape[1])

    def _get_ready(self, articles: Floats) -> "Profile":
        """This policy; before it has learned anything, a copy that is set up for this pool."""
        if not self.prior or self.length:
            return self
        ready = copy(self)
        ready.length = self._outset.measure(articles)
        ready._set_up(ready.length)
        return ready

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the log-odds of a click given examination, averaged over what is not known."""
        return self.plan_for(context.articles, context.article_features)(context)

    def plan_for(self, articles: Columns, article_features: Floats) -> Planner:
        """See `Policy.plan_for`."""
        ready, pool = self._get_ready(article_features), Pool.of(article_features)
        pulls, (appeal, doubt) = exact.Factor.of(ready.B.T), self.appeal.look_up(articles)
        first = self.prior and not len(self.profiles.roster)
        explore = budgeted(self.first_budget if first else self.budget, self.temperature)

        def plan(context: Context) -> SlotPmf:
            belief = ready.infer_interests(context, pulls)
            return SlotPmf(belief.expect(pool, appeal, doubt), explore)

        return plan

    def draw_weights(self, noise: Floats) -> Floats:
        """B [p, q] drawn from its posterior by normal noise [p q]; where B is given, B itself."""
        return self.prior.draw(noise) if self.prior else self.B

    def rests_on(self, context: Context) -> Floats:
        """How far each member's newsletter rests on behaviour [n]: 0 on attributes alone.

        It is the share of the prior's variance that the member's own evidence has removed, over
        taste in kinds and text; how readily a member clicks at all is left out, it orders nothing.
        """
        ready = self._get_ready(context.article_features)
        before = ready.variance + ready._read_attributes(context)[1]
        after = self.infer_interests(context).variance
        return np.asarray(np.maximum(1 - after[:, 1:].sum(axis=1) / before[:, 1:].sum(axis=1), 0.0))

    def infer_interests(self, context: Context, pulls: Pulls = None) -> Belief:
        """Posterior of the interests w_i of the n members; `pulls` is B's transpose."""
        ready = self._get_ready(context.article_features)
        prior, doubt = ready._read_attributes(context, pulls)
        rows = self.profiles.find_rows(context.member_ids)
        return self.profiles.posterior(rows, prior, ready.variance + doubt)

    def _read_attributes(self, context: Context, pulls: Pulls = None) -> tuple[Floats, Floats]:
        """What attributes alone say of w_i: B x_i, and its variance as B is in doubt; [n, q]."""
        rounded = exact.Factor.of(x := context.member_features)
        mean = exact.dot(rounded, self.B.T if pulls is None else pulls)
        return mean, self.prior.variance(x, rounded) if self.prior else np.zeros_like(mean)

    def learn(self, round: Round) -> None:
        """Learn B and the appeals from all openers, then each opener, then S and examination."""
        context = round.context
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        if self.prior and not self.length:
            self.length = self._outset.measure(context.article_features)
            self._set_up(self.length)
        if self.keep < 1:
            self.profiles.forget(self.keep)
        looked = self.examination.chance(slots)
        openers, rows = np.unique(rows, return_inverse=True)
        expected = self._learn_shared(context.take(openers), rows, index, clicked, looked)
        self._learn_members(round)
        if self.prior:
            parts = map(context.take, cut(len(context.members)))
            known = ((part.member_ids, *self._read_attributes(part)) for part in parts)
            self.variance = self.profiles.learn_spread(known, self.variance, self._start_variance)
            self.examination.learn(expected, slots, clicked)

    def _learn_shared(
        self, context: Context, rows: Ints, index: Ints, clicked: Floats, looked: Floats
    ) -> Floats:
        """Learn B and the articles' appeals, with members' own interests averaged out.

        Several Newton steps are taken: what the first one, from afar, got wrong would stay in B's
        posterior for good. The last one is whole, so that B is its posterior's mean.

        rows, index, clicked, looked: [e], the member and the article of each slot, whether it was
            clicked, and P(examined)

        Returns P(click | examined) [e] as it was expected before the issue.
        """
        x, articles, m = context.member_features, context.article_features, len(context.articles)
        pool, (start, doubt) = Pool.of(articles), self.appeal.look_up(context.articles)
        belief, appeal = 1 / np.maximum(doubt, 1e-12), start
        expected: Floats = np.zeros(0)
        step: Step | None = None
        for number in range(MOST_STEPS):
            mean, noise = score_slots(self.infer_interests, context, pool, rows, index)
            eta = mean + appeal[index]
            if number == 0:
                expected = average(eta, noise + doubt[index])
            gradient, weight = score(*average_with_slope(eta, noise), clicked, looked)
            own = belief + np.bincount(index, weight, m)
            total: Floats = np.bincount(index, gradient, m) + belief * (start - appeal)
            if self.prior:
                step = self.prior.step(x, articles, rows, index, gradient, weight, total, own)
                self.B, total = self.prior.B, step.share * step.gradient
            appeal = appeal + total / own
            if number + 1 >= STEPS and (step is None or step.share == 1):
                break
        variance: Floats = 1 / own
        if self.prior and step:
            variance = variance + self.prior.settle(step)
            self.B = self.prior.B
        self.appeal.absorb(context.articles, appeal, variance)
        return expected

    def _learn_members(self, round: Round) -> None:
        """Learn each opener's interests from this issue's slots."""
        opened = np.flatnonzero(round.feedback.opened & (round.slates.choice >= 0).any(axis=1))
        steps = (self._learn_some(round.take(opened[part])) for part in cut(len(opened)))
        self.profiles.absorb_parts(self.profiles.add(round.context.member_ids[opened]), steps)

    def _learn_some(self, round: Round) -> tuple[Belief, Belief]:
        """Some openers' interests before this issue, and after it; a click may be due to appeal."""
        context, choice = round.context, round.slates.choice
        filled = choice >= 0  # an empty slot is never looked at
        looked = np.where(filled, self.examination.chance(np.arange(choice.shape[1])), 0.0)
        clicked = (round.feedback.clicked & filled).astype(np.float64)
        before = self.infer_interests(context)
        a, (appeal, doubt) = context.article_features[choice], self.appeal.look_up(context.articles)
        return before, before.update(a, appeal[choice], doubt[choice], clicked, looked)

    def follow(self, aliases: Aliases) -> None:
        """Members' profiles follow their ids, and add up."""
        self.profiles.follow(aliases)

    @classmethod
    def by_row(cls) -> set[str]:
        """See `Policy.by_row`."""
        return {f"profiles.{name}" for name in NAMES}

    def state(self) -> State:
        """The parts' arrays, as `part.array`, with B, S ('variance') and the position curve."""
        parts = {"profiles": self.profiles.state(), "appeal": self.appeal.state()}
        if self.prior:
            parts["prior"] = self.prior.state() | {"length": np.array([self.length])}
        own = {"B": self.B.copy(), "variance": self.variance.copy()}
        return nest(**parts) | own | {"examination": self.examination.state()}

    def restore(self, state: State) -> None:
        """Raises ValueError naming an array of another shape, or one that nothing can have left."""
        require(state, self.state())
        if self.prior:
            kept = part(state, "prior")
            check.shape("prior's length", kept["length"], (1,))
            self.length = float(kept["length"][0])
            check.at_least("prior's length", self.length, 0)
            self._set_up(self.length or self._outset.usual)
            self.prior.restore(kept, state["B"])
        check.shape("B", state["B"], self.B.shape)
        check.shape("variance", state["variance"], self.variance.shape)
        self.B, self.variance = state["B"].copy(), state["variance"].copy()
        self.profiles.restore(part(state, "profiles"))
        self.appeal.restore(part(state, "appeal"))
        self.examination = self.examination.read_state(state["examination"])
