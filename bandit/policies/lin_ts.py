"""Linear Thompson sampling (Agrawal & Goyal 2013), one model shared by all members.

P(click | examined) = x' W a with a Gaussian posterior over W [p, q], exact Bayesian linear regression. The pmf of a slot
is the share of posterior draws in which each article is best, plus a floor: what is logged is what was sampled from.
It knows attributes and text, not the single member.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit import check, exact, keys
from bandit.bilinear import Gaussian, draws, gram, moment
from bandit.examination import Examination
from bandit.exploration import thompson
from bandit.features import Features
from bandit.types import Context, Floats, Round, SlotPmf


class LinTS:
    """ridge: prior precision of an entry of W, in looks (higher trusts the prior longer). scale: how wide the posterior
    draws are against the posterior itself (1 is textbook, higher explores more, 0 is greedy). draws: how many.
    floor: share of slots filled at random, so that the log supports any other policy. rate: click rate to start from.
    """

    def __init__(
        self,
        ridge: float = 1000.0,
        scale: float = 0.3,
        draws: int = 16,
        floor: float = 0.02,
        rate: float = 0.03,
        max_slots: int = 24,
    ) -> None:
        check.at_least("ridge", ridge, 1e-6)
        check.at_least("scale", scale, 0)
        check.at_least("draws", draws, 1)
        for what, value in {"floor": floor, "rate": rate}.items():
            check.share(what, value)
        self.ridge, self.scale, self.draws, self.floor, self.rate = ridge, scale, draws, floor, rate
        self._examination = Examination.start(max_slots)

    def start(self, features: Features) -> None:
        self._shape = (len(features.member_names), len(features.article_names))
        mean, precision = np.zeros(self._shape), np.full(self._shape, self.ridge)
        mean[0, 0], precision[0, 0] = self.rate, self.ridge / 20
        self._posterior = Gaussian.start(mean.ravel(), precision.ravel())
        self.W: Floats = mean
        self._factor: Floats = np.diag(np.sqrt(precision.ravel()))

    def _refit(self) -> None:
        self._factor = self._posterior.factor()
        self.W = self._posterior.solve(self._factor).reshape(self._shape)

    def plan(self, context: Context) -> SlotPmf:
        noise = keys.generator("lin_ts", context.campaign).standard_normal((self.draws, self.W.size))
        sd = self.scale * np.sqrt(self.rate * (1 - self.rate))  # of one look's click, around its probability
        drawn = draws(self.W.ravel(), self._factor, sd * noise).reshape(-1, *self._shape)
        x, articles = context.member_features, context.article_features
        scored = np.stack([exact.dot(x, exact.dot(articles, W)) for W in drawn])
        scores = exact.dot(x, exact.dot(articles, self.W))
        return SlotPmf(scores, lambda scores, open: thompson(scored, open, self.floor))

    def learn(self, round: Round) -> None:
        rows, slots, index, clicked = round.exposures()
        if not len(rows):
            return
        x, articles = round.context.member_features, round.context.article_features
        rate = np.clip((x @ self.W @ articles.T)[rows, index], 1e-3, 0.9)
        looked = self._examination.weights(rate, slots, clicked)
        self._posterior.absorb(gram(x, articles, rows, index, looked), moment(x, articles, rows, index, clicked))
        self._refit()
        self._examination.learn(rate, slots, clicked)

    def state(self) -> dict[str, NDArray[Any]]:
        fitted = {"W": self.W, "factor": self._factor}  # the sender plans from these, without torch
        return self._posterior.state() | fitted | {"examination": self._examination.state()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check.shape("W", state["W"], self._shape)
        names = ("prior_mean", "prior_precision", "precision", "shift")
        self._posterior = Gaussian(**{name: state[name].copy() for name in names})
        self.W, self._factor = state["W"].copy(), state["factor"].copy()
        self._examination = Examination.restore(state["examination"])
