"""Hierarchical Bayesian interest profiles: attributes first, behaviour later.

Member i wants article j with P(click | examined) = sigmoid(w_i . a_j + b_j), w_i ~ Normal(B x_i, S), S diagonal,
b_j ~ Normal(0, s^2), where x_i are the attributes and a_j is the article's text. Learned by empirical Bayes: B (the prior
from attributes, `bandit.models.profile.prior`), S (how far members differ from it), s^2 (`bandit.models.profile.appeal`), and P(examined) for each slot.
w_i is learned from the member's own clicks by expectation propagation in each issue, projected on a Gaussian with an arrow
for its precision (assumed density filtering, Minka 2001; `bandit.models.profiles`); b_j from everybody's.
"""

from functools import partial

import numpy as np
from scipy.special import logit

from bandit.core import check, exact
from bandit.core.state import State, nest, part
from bandit.core.types import Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.bilinear import draws
from bandit.models.examination import Examination
from bandit.models.profile.appeal import Appeal
from bandit.models.profile.expectation import averaged, propagate, score
from bandit.models.profile.prior import Prior
from bandit.models.profiles import Belief, Profiles
from bandit.policy import Policy
from bandit.slates.exploration import budgeted

WORTH = 50  # how many members the starting S is worth
STEPS = 3  # of Newton, on each issue


class Profile(Policy):
    """budget: share of slots given to exploration, in proportion to the click odds (higher temperature: more evenly);
    first_budget: the same until something has been learned, for greedy slates would show everybody the same six articles.

    keep: what is left of a member's evidence after one issue (1 never forgets, lower follows drift faster).
    text_sd, click_sd, kind_sd: how far a member is thought to differ from the attributes before data says so;
    quality_sd: how far articles differ in appeal beyond their text. max_slots: the longest layout to be met.
    """

    def __init__(
        self,
        budget: float = 0.05,
        first_budget: float = 1.0,
        temperature: float = 1.0,
        keep: float = 1.0,
        text_sd: float = 0.3,
        click_sd: float = 0.8,
        kind_sd: float = 0.3,
        prior_sd: float = 0.08,
        quality_sd: float = 0.3,
        click_rate: float = 0.03,
        max_slots: int = 24,
    ) -> None:
        for what, value in {
            "budget": budget,
            "first_budget": first_budget,
            "keep": keep,
            "click_rate": click_rate,
        }.items():
            check.share(what, value)
        sds = {
            "text_sd": text_sd,
            "click_sd": click_sd,
            "kind_sd": kind_sd,
            "prior_sd": prior_sd,
            "quality_sd": quality_sd,
        }
        for what, value in ({"temperature": temperature} | sds).items():
            check.at_least(what, value, 1e-6)
        self.budget, self.first_budget, self.temperature, self.keep = (
            budget,
            first_budget,
            temperature,
            keep,
        )
        self._sds, self._prior_sd, self._click_rate = (
            (click_sd, kind_sd, text_sd),
            prior_sd,
            click_rate,
        )
        self.examination = Examination.start(max_slots)
        self.appeal = Appeal(quality_sd**2)
        self.prior: Prior | None = None  # None: the hyperparameters are given and stay

    def start(self, features: Features) -> None:
        """Set up for these members' and articles' features."""
        names = features.member_names
        p, q = len(names), len(features.article_names)
        is_text = np.array([name.startswith("text") for name in features.article_names])
        click_sd, kind_sd, text_sd = self._sds
        sd = np.where(is_text, text_sd, kind_sd)
        sd[0] = click_sd
        attributes = [name.split("=")[0] for name in names]
        looseness = np.where(is_text, self._prior_sd, 2 * self._prior_sd) * np.ones((p, 1))
        looseness[0, 0] = 2.0
        mean = np.zeros((p, q))
        mean[0, 0] = logit(self._click_rate)
        # an attribute's (or the constant's) pull on the text has one prior variance
        group = np.where(is_text, np.array([[attributes.index(name)] for name in attributes]), -1)
        self._begin(mean, sd**2)
        self.prior = Prior(mean, looseness, group)

    def given(self, B: Floats, variance: Floats, quality_variance: float, examine: Floats) -> None:
        """Start with hyperparameters that are known and stay: B [p, q], S [q], s^2, examination [k]."""
        self._begin(B, variance)
        self.appeal = Appeal(quality_variance, learns=False)
        self.examination = Examination.known(examine)
        self.prior = None

    def _begin(self, B: Floats, variance: Floats) -> None:
        self.B, self.variance = B, variance
        self._start_variance = variance.copy()
        self.profiles = Profiles(B.shape[1])

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the log-odds of a click given examination, averaged over what is not yet known."""
        (mean, spread), (appeal, doubt) = (
            self._scores(context),
            self.appeal.of(context.article_ids),
        )
        p, _ = averaged(mean + appeal, spread + doubt)
        scores = logit(np.clip(p, 1e-12, 1 - 1e-12))
        budget = self.first_budget if self.prior and not len(self.profiles.ids) else self.budget
        return SlotPmf(scores, partial(budgeted, budget=budget, temperature=self.temperature))

    def draw_weights(self, noise: Floats) -> Floats:
        """B [p, q] drawn from its posterior, by standard normal noise [p q]; where B is given, B."""
        if not self.prior:
            return self.B
        factor = self.prior.posterior.factor()
        return draws(self.B.ravel(), factor, noise[None]).reshape(self.B.shape)

    def rests_on(self, context: Context) -> Floats:
        """How far each member's newsletter rests on behaviour [n]: 0 on attributes alone, towards 1 on clicks alone.

        The share of the prior's variance that the member's own evidence has removed, over taste in kinds and text. The
        constant, how readily a member clicks at all, is left out: it is learned fast and orders nothing.
        """
        before = self.variance + self._attributes(context)[1]
        after = self.interests(context).variance
        return np.asarray(np.maximum(1 - after[:, 1:].sum(axis=1) / before[:, 1:].sum(axis=1), 0.0))

    def _scores(self, context: Context) -> tuple[Floats, Floats]:
        return self.interests(context).scores(context.article_features)

    def interests(self, context: Context) -> Belief:
        """Posterior of w_i."""
        prior, doubt = self._attributes(context)
        return self.profiles.posterior(
            self.profiles.rows(context.member_ids), prior, self.variance + doubt
        )

    def _attributes(self, context: Context) -> tuple[Floats, Floats]:
        """What attributes alone say of w_i: B x_i, and how far that is in doubt, as variances; each [n, q]."""
        x = context.member_features
        doubt = self.prior.variance(x) if self.prior else np.zeros((len(x), self.B.shape[1]))
        return exact.dot(x, self.B.T), doubt

    def learn(self, round: Round) -> None:
        context = round.context
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        if self.keep < 1:
            self.profiles.forget(self.keep)
        expected = self._learn_shared(context, rows, index, clicked, self.examination.at(slots))
        self._learn_members(round)
        if self.prior:
            self._learn_variance(context)
            self.examination.learn(expected, slots, clicked)

    def _learn_shared(
        self, context: Context, rows: Ints, index: Ints, clicked: Floats, looked: Floats
    ) -> Floats:
        """B and the articles' appeals, members' own interests averaged out; returns what was expected, P(click | examined).

        Several steps: the first one, from afar, overshoots, and what it got wrong would stay in B's posterior for good.
        """
        x, articles, m = context.member_features, context.article_features, len(context.articles)
        start, doubt = self.appeal.of(context.article_ids)
        belief, appeal = 1 / np.maximum(doubt, 1e-12), start
        expected: Floats = np.zeros(0)
        for step in range(STEPS):
            mean, spread = self._scores(context)
            eta, noise = mean[rows, index] + appeal[index], spread[rows, index]
            if step == 0:
                expected, _ = averaged(eta, noise + doubt[index])
            gradient, weight = score(*averaged(eta, noise), clicked, looked)
            own = belief + np.bincount(index, weight, m)
            total: Floats = np.bincount(index, gradient, m) + belief * (start - appeal)
            inherited: Floats = np.zeros(m)
            if self.prior:
                total, inherited = self.prior.step(
                    x, articles, rows, index, gradient, weight, total, own
                )
                self.B = self.prior.B
            appeal = appeal + total / own
        if self.prior:
            self.prior.settle()
        self.appeal.absorb(context.article_ids, appeal, 1 / own + inherited)
        return expected

    def _learn_members(self, round: Round) -> None:
        """Each opener's interests, from this issue's slots; a click may also be due to the article's own appeal."""
        choice = round.slates.choice
        opened = np.flatnonzero(round.feedback.opened & (choice >= 0).any(axis=1))
        choice, context = choice[opened], round.context.take(opened)
        filled = choice >= 0
        looked = np.where(filled, self.examination.at(np.arange(choice.shape[1])), 0.0)
        clicked = (round.feedback.clicked[opened] & filled).astype(np.float64)
        before = self.interests(context)
        appeal, doubt = self.appeal.of(context.article_ids)
        a = context.article_features[choice]  # [o, k, q]; an empty slot is never looked at
        along = np.einsum("okq,oq->ok", a, before.root)
        scaled = (
            a * before.spread[:, None, :] + along[:, :, None] * before.root[:, None, :]
        )  # a times the covariance
        K = scaled @ a.transpose(0, 2, 1) + np.eye(choice.shape[1]) * doubt[choice][:, :, None]
        eta = np.einsum("okq,oq->ok", a, before.mean) + appeal[choice]
        g, M = propagate(eta, K, clicked, looked)
        learned = M @ scaled
        after = Belief.of(
            before.mean + np.einsum("okq,ok->oq", scaled, g),
            before.variance - np.einsum("okq,okq->oq", scaled, learned),
            before.root[:, :1] * before.root - np.einsum("ok,okq->oq", scaled[:, :, 0], learned),
        )
        self.profiles.absorb(self.profiles.add(context.member_ids), before, after)

    def _learn_variance(self, context: Context) -> None:
        """S: how far this issue's members turned out to differ (MacKay 1992, eq. 4.4), the doubt about B included."""
        prior, doubt = self._attributes(context)
        S = np.broadcast_to(self.variance, prior.shape)
        own = self.profiles.posterior(self.profiles.rows(context.member_ids), prior, S)
        learned = 1 - own.variance / S
        found = ((own.mean - prior) ** 2 + learned**2 * doubt).sum(
            axis=0
        ) + WORTH * self._start_variance
        self.variance = np.clip(found / (learned.sum(axis=0) + WORTH), 1e-4, 9.0)

    def state(self) -> State:
        parts = {"profiles": self.profiles.state(), "appeal": self.appeal.state()}
        if self.prior:
            parts["prior"] = self.prior.state()
        return nest(**parts) | {
            "B": self.B.copy(),
            "variance": self.variance.copy(),
            "examination": self.examination.state(),
        }

    def restore(self, state: State) -> None:
        check.shape("B", state["B"], self.B.shape)
        check.shape("variance", state["variance"], self.variance.shape)
        self.B, self.variance = state["B"].copy(), state["variance"].copy()
        self.profiles.restore(part(state, "profiles"))
        self.appeal.restore(part(state, "appeal"))
        self.examination = Examination.restore(state["examination"])
        if self.prior:
            self.prior.restore(part(state, "prior"), self.B)
