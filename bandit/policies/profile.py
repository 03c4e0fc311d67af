"""Hierarchical Bayesian interest profiles: attributes first, behaviour later.

Member i wants article j with P(click | examined) = sigmoid(w_i . a_j + b_j), w_i = B x_i + d_i, d_i ~ Normal(0, S),
b_j ~ Normal(0, s^2), where x_i are the attributes and a_j is the article's text. B (the prior from attributes) and S
(how far members differ from it) are learned across members, d_i from the member's own clicks, b_j (an article's own
appeal) from everybody's. A slot that was perhaps not looked at counts with the probability that it was.

B: logistic regression in batches with a Laplace posterior (Chapelle & Li 2011, algorithm 3, with the full precision
matrix), one prior variance for each attribute. Those variances and S: MacKay's evidence fixed point (MacKay 1992,
eq. 4.4). d_i: Laplace on each issue, projected on a diagonal Gaussian.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bandit import check, exact
from bandit.bilinear import Gaussian, gram, moment
from bandit.examination import Examination
from bandit.exploration import budgeted
from bandit.features import Features
from bandit.profiles import Profiles, laplace, pack, unpack
from bandit.types import Context, Floats, Ints, Round, SlotPmf


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
        text_sd: float = 0.15,
        click_sd: float = 0.8,
        kind_sd: float = 0.3,
        prior_sd: float = 0.08,
        quality_sd: float = 0.3,
        click_rate: float = 0.03,
        max_slots: int = 24,
    ) -> None:
        for what, value in {"budget": budget, "keep": keep, "click_rate": click_rate}.items():
            check.share(what, value)
        for what, value in {"temperature": temperature, "text_sd": text_sd, "prior_sd": prior_sd}.items():
            check.at_least(what, value, 1e-6)
        self.budget, self.temperature, self.keep = budget, temperature, keep
        self._sds = (click_sd, kind_sd, text_sd)
        self._prior_sd, self._quality_sd, self._click_rate = prior_sd, quality_sd, click_rate
        self._examination = Examination.start(max_slots)
        self._learns = True  # False: the hyperparameters are given and stay

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
        self._begin(mean, sd**2)
        self._posterior = Gaussian.start(mean.ravel(), looseness.ravel() ** -2.0)
        # the B entries that share a prior variance: an attribute's (or the constant's) pull on the text
        self._group = np.where(is_text, np.array([[attributes.index(name)] for name in attributes]), -1).ravel()

    def given(self, B: Floats, variance: Floats, quality_variance: float, examine: Floats) -> None:
        """Start with hyperparameters that are known and stay: B [p, q], S [q], s^2, examination [k]."""
        self._begin(B, variance)
        self._quality_sd = float(np.sqrt(quality_variance))
        self._examination = Examination.known(examine)
        self._posterior, self._group = Gaussian.start(np.zeros(0), np.zeros(0)), np.zeros(0)
        self._learns = False

    def _begin(self, B: Floats, variance: Floats) -> None:
        self.B, self.variance = B, variance
        self._prior_variance = variance.copy()
        self.profiles = Profiles(B.shape[1])
        self._articles: dict[Any, tuple[float, float]] = {}  # article -> appeal's mean and variance

    def plan(self, context: Context) -> SlotPmf:
        """Scores are the log-odds of a click given examination, averaged over what is not yet known."""
        mean, spread, _ = self._member(context)
        articles, appeal, doubt = context.article_features, *self._appeal(context)
        eta = exact.dot(mean, articles) + appeal
        scores = _averaged(eta, exact.dot(spread, articles**2) + doubt)
        return SlotPmf(scores, partial(budgeted, budget=self.budget, temperature=self.temperature))

    def rests_on(self, context: Context) -> Floats:
        """How far each member's newsletter rests on behaviour [n]: 0 on attributes alone, towards 1 on clicks alone.

        The share of the prior's variance that the member's own evidence has removed, over taste in kinds and text. The
        constant, how readily a member clicks at all, is left out: it is learned fast and orders nothing.
        """
        _, spread, _ = self._member(context)
        return np.asarray(1 - spread[:, 1:].sum(axis=1) / self.variance[1:].sum())

    def _member(self, context: Context) -> tuple[Floats, Floats, Floats]:
        """Posterior mean and variance of w_i, and the attributes' part, each [n, q]."""
        own, spread = self.profiles.posterior(self.profiles.rows(context.member_ids), self.variance)
        prior = exact.dot(context.member_features, self.B.T)
        return prior + own, spread, prior

    def _appeal(self, context: Context) -> tuple[Floats, Floats]:
        known = [self._articles.get(article, (0.0, self._quality_sd**2)) for article in context.article_ids]
        mean, variance = np.array(known).T
        return mean, variance

    def learn(self, round: Round) -> None:
        context = round.context
        rows, slots, index, clicked = round.exposures()
        if self.keep < 1:
            self.profiles.forget(self.keep)
        if not len(rows):
            return
        articles = context.article_features
        mean, spread, prior = self._member(context)
        appeal, doubt = self._appeal(context)
        eta = np.einsum("eq,eq->e", mean[rows], articles[index]) + appeal[index]
        noise = np.einsum("eq,eq->e", spread[rows], articles[index] ** 2) + doubt[index]
        p = expit(_averaged(eta, noise))
        looked = self._examination.weights(p, slots, clicked)

        self._learn_members(round, looked, mean, prior, spread, appeal, doubt)
        self._learn_appeal(context, looked, p, index, clicked)
        if self._learns:
            self._learn_prior(context.member_features, articles, rows, index, clicked, looked, appeal)
            self._learn_variance()
            self._examination.learn(p, slots, clicked)

    def _learn_members(
        self, round: Round, looked: Floats, mean: Floats, prior: Floats, spread: Floats, appeal: Floats, doubt: Floats
    ) -> None:
        """Each opener's own part d_i, from this issue's slots; a click may also be due to the article's own appeal."""
        choice = round.slates.choice
        opened = np.flatnonzero(round.feedback.opened & (choice >= 0).any(axis=1))
        weight = np.zeros(choice.shape)
        weight[round.feedback.opened[:, None] & (choice >= 0)] = looked
        a = round.context.article_features[choice[opened]]  # [o, k, q]; an empty slot weighs 0
        scaled = a * spread[opened][:, None, :]
        K = np.einsum("okq,olq->okl", scaled, a)
        K += np.eye(choice.shape[1]) * doubt[choice[opened]][:, :, None]
        eta = np.einsum("okq,oq->ok", a, mean[opened]) + appeal[choice[opened]]
        gradient, M = laplace(eta, K, round.feedback.clicked[opened].astype(np.float64), weight[opened])
        own = (mean - prior)[opened] + np.einsum("okq,ok->oq", scaled, gradient)
        shrink = np.einsum("okq,okl,olq->oq", scaled, M, scaled, optimize=True)
        rows = self.profiles.add(round.context.member_ids[opened])
        self.profiles.absorb(rows, own, np.maximum(spread[opened] - shrink, 1e-6), self.variance)

    def _learn_appeal(self, context: Context, looked: Floats, p: Floats, index: Ints, clicked: Floats) -> None:
        """One Newton step on each shown article's own appeal; articles no longer in the pool are dropped."""
        m = len(context.articles)
        mean, variance = self._appeal(context)
        gradient = np.bincount(index, looked * (clicked - p), m)
        precision = 1 / np.maximum(variance, 1e-12) + np.bincount(index, looked * p * (1 - p), m)
        mean = mean + gradient / precision
        self._articles = dict(
            zip(context.article_ids.tolist(), zip(mean.tolist(), (1 / precision).tolist(), strict=True), strict=True)
        )

    def _learn_prior(
        self, x: Floats, articles: Floats, rows: Ints, index: Ints, clicked: Floats, looked: Floats, appeal: Floats
    ) -> None:
        """B: a Newton step from where it stands, members' own parts averaged out."""
        noise = (articles**2) @ self.variance + self._quality_sd**2
        shrink = (1 / np.sqrt(1 + np.pi * noise / 8))[index]
        p = expit(shrink * ((x @ self.B @ articles.T)[rows, index] + appeal[index]))
        curvature = gram(x, articles, rows, index, looked * shrink**2 * p * (1 - p))
        push = curvature @ self.B.ravel() + moment(x, articles, rows, index, looked * shrink * (clicked - p))
        self._posterior.absorb(curvature, push)
        factor = self._posterior.factor()
        self.B = self._posterior.solve(factor).reshape(self.B.shape)
        self._learn_pull(self._posterior.variances(factor))

    def _learn_pull(self, doubt: Floats) -> None:
        """Each attribute's prior variance, with the starting value worth twenty entries of B."""
        posterior, start = self._posterior, self._prior_sd**2
        for group in np.unique(self._group[self._group >= 0]):
            at = self._group == group
            found = (self.B.ravel()[at] ** 2).sum() + 20 * start
            determined = (1 - posterior.prior_precision[at] * doubt[at]).sum() + 20
            posterior.prior_precision[at] = determined / found

    def _learn_variance(self) -> None:
        """S: how far members turned out to differ, with the starting value worth fifty members."""
        own, spread = self.profiles.posterior(np.arange(len(self.profiles.ids)), self.variance)
        learned = 1 - spread / self.variance
        found = ((own**2).sum(axis=0) + 50 * self._prior_variance) / (learned.sum(axis=0) + 50)
        self.variance = np.clip(found, 1e-4, 9.0)

    def state(self) -> dict[str, NDArray[Any]]:
        names = list(self._articles)
        appeal = np.array([self._articles[name] for name in names]).reshape(-1, 2)
        kept = {f"profiles.{name}": array for name, array in self.profiles.state().items()}
        kept |= {f"prior.{name}": array for name, array in self._posterior.state().items()}
        return kept | {
            "B": self.B,
            "group": self._group,
            "variance": self.variance,
            "prior_variance": self._prior_variance,
            "examination": self._examination.state(),
            "article_ids": pack(names),
            "article_appeal": appeal,
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check.shape("B", state["B"], self.B.shape)
        check.shape("variance", state["variance"], self.variance.shape)
        self._begin(state["B"].copy(), state["variance"].copy())
        self._posterior = Gaussian(
            **{n.removeprefix("prior."): a.copy() for n, a in state.items() if n.startswith("prior.")}
        )
        self._prior_variance, self._group = state["prior_variance"].copy(), state["group"].copy()
        self.profiles.restore(
            {name.removeprefix("profiles."): a for name, a in state.items() if name.startswith("profiles.")}
        )
        self._examination = Examination.restore(state["examination"])
        pairs = [(float(mean), float(variance)) for mean, variance in state["article_appeal"]]
        self._articles = dict(zip(unpack(state["article_ids"]), pairs, strict=True))


def _averaged(eta: Floats, variance: Floats) -> Floats:
    """The logit of E[sigmoid(Normal(eta, variance))], by MacKay's approximation (MacKay 1992b, eq. 10)."""
    return eta / np.sqrt(1 + np.pi * variance / 8)
