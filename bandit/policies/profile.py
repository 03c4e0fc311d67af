"""Hierarchical Bayesian interest profiles: attributes first, behaviour later.

Member i wants article j with P(click | examined) = sigmoid(w_i . a_j + b_j), w_i ~ Normal(B x_i, S), S diagonal,
b_j ~ Normal(0, s^2), where x_i are the attributes and a_j is the article's text. Learned by empirical Bayes: B (the prior
from attributes, `bandit.prior`), S (how far members differ from it), s^2 (`bandit.appeal`), and P(examined) for each slot.
w_i is learned from the member's own clicks by expectation propagation in each issue, projected on a diagonal Gaussian
(assumed density filtering, Minka 2001); b_j from everybody's.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from bandit import check, exact
from bandit.appeal import Appeal
from bandit.examination import Examination
from bandit.expectation import averaged, propagate, score
from bandit.exploration import budgeted
from bandit.features import Features
from bandit.prior import Prior
from bandit.profiles import Profiles
from bandit.types import Context, Floats, Ints, Round, SlotPmf

WORTH = 50  # how many members the starting S is worth
STEPS = 3  # of Newton, on each issue


class Profile:
    """budget: share of slots given to exploration, in proportion to the click odds (higher temperature: more evenly).

    keep: what is left of a member's evidence after one issue (1 never forgets, lower follows drift faster).
    text_sd, click_sd, kind_sd: how far a member is thought to differ from the attributes before data says so;
    quality_sd: how far articles differ in appeal beyond their text. max_slots: the longest layout to be met.
    """

    def __init__(
        self,
        budget: float = 0.05,
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
        for what, value in {"budget": budget, "keep": keep, "click_rate": click_rate}.items():
            check.share(what, value)
        sds = {"text_sd": text_sd, "click_sd": click_sd, "kind_sd": kind_sd, "prior_sd": prior_sd, "quality_sd": quality_sd}
        for what, value in ({"temperature": temperature} | sds).items():
            check.at_least(what, value, 1e-6)
        self.budget, self.temperature, self.keep = budget, temperature, keep
        self._sds, self._prior_sd, self._click_rate = (click_sd, kind_sd, text_sd), prior_sd, click_rate
        self._examination = Examination.start(max_slots)
        self._appeal = Appeal(quality_sd**2)
        self._prior: Prior | None = None  # None: the hyperparameters are given and stay

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
        self._prior = Prior(mean, looseness, group)

    def given(self, B: Floats, variance: Floats, quality_variance: float, examine: Floats) -> None:
        """Start with hyperparameters that are known and stay: B [p, q], S [q], s^2, examination [k]."""
        self._begin(B, variance)
        self._appeal = Appeal(quality_variance, learns=False)
        self._examination = Examination.known(examine)
        self._prior = None

    def _begin(self, B: Floats, variance: Floats) -> None:
        self.B, self.variance = B, variance
        self._start_variance = variance.copy()
        self.profiles = Profiles(B.shape[1])

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the log-odds of a click given examination, averaged over what is not yet known."""
        mean, spread = self.interests(context)
        articles, (appeal, doubt) = context.article_features, self._appeal.of(context.article_ids)
        p, _ = averaged(exact.dot(mean, articles) + appeal, exact.dot(spread, articles**2) + doubt)
        scores = logit(np.clip(p, 1e-12, 1 - 1e-12))
        return SlotPmf(scores, partial(budgeted, budget=self.budget, temperature=self.temperature))

    def rests_on(self, context: Context) -> Floats:
        """How far each member's newsletter rests on behaviour [n]: 0 on attributes alone, towards 1 on clicks alone.

        The share of the prior's variance that the member's own evidence has removed, over taste in kinds and text. The
        constant, how readily a member clicks at all, is left out: it is learned fast and orders nothing.
        """
        _, before = self._attributes(context)
        _, spread = self.interests(context)
        return np.asarray(1 - spread[:, 1:].sum(axis=1) / before[:, 1:].sum(axis=1))

    def interests(self, context: Context) -> tuple[Floats, Floats]:
        """Posterior mean and variance of w_i, each [n, q]."""
        return self.profiles.posterior(self.profiles.rows(context.member_ids), *self._attributes(context))

    def _attributes(self, context: Context) -> tuple[Floats, Floats]:
        """What attributes alone say of w_i: mean B x_i and variance, S and the doubt about B, each [n, q]."""
        x = context.member_features
        doubt = self._prior.variance(x) if self._prior else np.zeros((len(x), 1))
        return exact.dot(x, self.B.T), self.variance + doubt

    def learn(self, round: Round) -> None:
        context = round.context
        rows, slots, index, clicked = round.exposures()
        if self.keep < 1:
            self.profiles.forget(self.keep)
        if not len(rows):
            return
        expected = self._learn_shared(context, rows, index, clicked, self._examination.curve[slots])
        self._learn_members(round)
        if self._prior:
            self._learn_variance(context)
            self._examination.learn(expected, slots, clicked)

    def _learn_shared(self, context: Context, rows: Ints, index: Ints, clicked: Floats, looked: Floats) -> Floats:
        """B and the articles' appeals, members' own interests averaged out; returns what was expected, P(click | examined).

        Several steps: the first one, from afar, overshoots, and what it got wrong would stay in B's posterior for good.
        """
        x, articles, m = context.member_features, context.article_features, len(context.articles)
        start, doubt = self._appeal.of(context.article_ids)
        belief, appeal = 1 / np.maximum(doubt, 1e-12), start
        expected: Floats = np.zeros(0)
        for step in range(STEPS):
            mean, spread = self.interests(context)
            eta = np.einsum("eq,eq->e", mean[rows], articles[index]) + appeal[index]
            noise = np.einsum("eq,eq->e", spread[rows], articles[index] ** 2)
            if step == 0:
                expected, _ = averaged(eta, noise + doubt[index])
            gradient, weight = score(*averaged(eta, noise), clicked, looked)
            own = belief + np.bincount(index, weight, m)
            total: Floats = np.bincount(index, gradient, m) + belief * (start - appeal)
            inherited: Floats = np.zeros(m)
            if self._prior:
                total, inherited = self._prior.step(x, articles, rows, index, gradient, weight, total, own)
                self.B = self._prior.B
            appeal = appeal + total / own
        if self._prior:
            self._prior.settle()
        self._appeal.absorb(context.article_ids, appeal, 1 / own + inherited)
        return expected

    def _learn_members(self, round: Round) -> None:
        """Each opener's interests, from this issue's slots; a click may also be due to the article's own appeal."""
        choice = round.slates.choice
        opened = np.flatnonzero(round.feedback.opened & (choice >= 0).any(axis=1))
        choice, context = choice[opened], round.context.take(opened)
        filled = choice >= 0
        looked = np.where(filled, self._examination.curve[: choice.shape[1]], 0.0)
        clicked = (round.feedback.clicked[opened] & filled).astype(np.float64)
        mean, spread = self.interests(context)
        appeal, doubt = self._appeal.of(context.article_ids)
        a = context.article_features[choice]  # [o, k, q]; an empty slot is never looked at
        scaled = a * spread[:, None, :]
        K = scaled @ a.transpose(0, 2, 1) + np.eye(choice.shape[1]) * doubt[choice][:, :, None]
        eta = np.einsum("okq,oq->ok", a, mean) + appeal[choice]
        g, M = propagate(eta, K, clicked, looked)
        after = mean + np.einsum("okq,ok->oq", scaled, g)
        shrink = np.einsum("okq,okq->oq", scaled, M @ scaled)
        rows = self.profiles.add(context.member_ids)
        self.profiles.absorb(rows, (mean, spread), (after, np.maximum(spread - shrink, 1e-6)))

    def _learn_variance(self, context: Context) -> None:
        """S: how far this issue's members turned out to differ (MacKay 1992, eq. 4.4)."""
        (prior, variance), (mean, spread) = self._attributes(context), self.interests(context)
        learned = 1 - spread / variance
        found = ((mean - prior) ** 2 - learned * (variance - self.variance)).sum(axis=0) + WORTH * self._start_variance
        self.variance = np.clip(found / (learned.sum(axis=0) + WORTH), 1e-4, 9.0)

    def state(self) -> dict[str, NDArray[Any]]:
        parts = {"profiles": self.profiles.state(), "appeal": self._appeal.state()}
        if self._prior:
            parts["prior"] = self._prior.state()
        kept = {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        return kept | {"B": self.B.copy(), "variance": self.variance.copy(), "examination": self._examination.state()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        def part(which: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(f"{which}."): array for name, array in state.items() if name.startswith(f"{which}.")}

        check.shape("B", state["B"], self.B.shape)
        check.shape("variance", state["variance"], self.variance.shape)
        self.B, self.variance = state["B"].copy(), state["variance"].copy()
        self.profiles.restore(part("profiles"))
        self._appeal.restore(part("appeal"))
        self._examination = Examination.restore(state["examination"])
        if self._prior:
            self._prior.restore(part("prior"), self.B)
