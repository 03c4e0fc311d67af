"""The part of a log that a policy learns from, and what can be fitted to it: a click model, and a policy.

Both score (W x + g * own) . a: x a member's attributes, own what the member's earlier clicks say, a the article. Both stay
near where they start: a Gaussian prior with standard deviations `sd` around it, a click gained against a nat.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from bandit.models.offpolicy import objectives
from bandit.ope.estimators import snips

Tensor = Any  # torch is imported where it is used: planning needs none
OBJECTIVES = ("ips", "snips", "dr")
GAIN_SD = 0.3  # of g: 1 takes the member's own clicks at their word


@dataclass(frozen=True)
class Page:
    """One issue's part of the log: s sends, e exposures that were kept, m articles.

    x [s, p], own [s, q], member [s] keys; articles [m, q]. By exposure [e]: send and article (rows of these), slot,
    logged (propensity given the slots above), clicked, count (how many exposures it stands for); open [e, m].
    """

    x: Floats
    own: Floats
    member: NDArray[np.uint64]
    articles: Floats
    send: Ints
    article: Ints
    slot: Ints
    logged: Floats
    clicked: Floats
    count: Floats
    open: Bools

    def check(self, p: int, q: int, slots: int) -> None:
        """Raise ValueError where the arrays do not fit one another, or hold what no log can."""
        s, m, e = len(self.x), len(self.articles), len(self.send)
        shapes = {"x": (s, p), "own": (s, q), "member": (s,), "articles": (m, q), "open": (e, m)}
        for name, kind in KINDS.items():
            array(f"log {name}", getattr(self, name), shapes.get(name, (e,)), kind)
        for name, below in (("send", s), ("article", m), ("slot", slots)):
            values = getattr(self, name)
            if e and not 0 <= values.min() <= values.max() < below:
                raise ValueError(
                    f"log {name} goes from {values.min()} to {values.max()}; must be in [0, {below})"
                )
        shown_open = self.open[np.arange(e), self.article]
        for name, values, must, good in (
            ("logged", self.logged, "in (0, 1]", (self.logged > 0) & (self.logged <= 1)),
            ("clicked", self.clicked, "0 or 1", (self.clicked == 0) | (self.clicked == 1)),
            ("count", self.count, "at least 1", self.count >= 1),
            ("open", shown_open, "True for the article shown", shown_open),
        ):
            if not good.all():
                i = int(good.argmin())
                raise ValueError(f"log {name}[{i}] = {values[i]}; must be {must}")

    def take(self, kept: Bools) -> "Page":
        """Some of the exposures."""
        names = ("send", "article", "slot", "logged", "clicked", "count", "open")
        return Page(
            self.x,
            self.own,
            self.member,
            self.articles,
            *(getattr(self, name)[kept] for name in names),
        )


KINDS = dict.fromkeys(("x", "own", "articles"), "f4") | dict.fromkeys(
    ("send", "article", "slot"), "i8"
)
KINDS |= dict.fromkeys(("logged", "clicked", "count"), "f8") | {
    "member": "u8",
    "open": "?",
}  # numpy's names


def array(what: str, values: NDArray[Any], shape: tuple[int, ...], kind: str) -> None:
    """Raise ValueError unless `values` have this shape, numpy's type of that name, and are finite."""
    check.shape(what, values, shape)
    if values.dtype != np.dtype(kind):
        raise ValueError(f"{what} is {values.dtype}; must be {np.dtype(kind)}")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} holds {values[~np.isfinite(values)][0]}; must be finite")


@dataclass(frozen=True)
class Weights:
    """Scores (W x + g * own) . a: W [p, q], g [q]."""

    W: Floats
    g: Floats


class Exposures:
    """A log as tensors. curve [k]: P(slot is looked at). temperature: of the policies learned and judged."""

    def __init__(
        self, pages: Sequence[Page], curve: Floats, temperature: float, steps: int
    ) -> None:
        import torch

        self._temperature, self._steps = temperature, steps
        pages = [page for page in pages if len(page.send)]
        self._sends = [
            tuple(map(torch.from_numpy, (page.x, page.own, page.articles))) for page in pages
        ]
        self._at = [(torch.from_numpy(page.send), torch.from_numpy(page.article)) for page in pages]
        self._open = [torch.from_numpy(page.open) for page in pages]

        def together(values: Callable[[Page], NDArray[Any]]) -> Tensor:
            return (
                torch.from_numpy(np.concatenate([values(page) for page in pages])).float()
                if pages
                else torch.zeros(0)
            )

        self.member = (
            np.concatenate([page.member[page.send] for page in pages])
            if pages
            else np.zeros(0, np.uint64)
        )
        self._logged, self._clicked = (
            together(lambda page: page.logged),
            together(lambda page: page.clicked),
        )
        self._count = together(lambda page: page.count)
        self._looked = together(lambda page: curve[page.slot])
        self.clicks = float(self._clicked.sum())

    def click_model(self, prior: Weights, sd: Floats) -> Weights:
        """P(click) = P(looked at) sigmoid(score): the most likely weights under the prior (position-based model)."""
        return self._fit(self._surprise, prior, sd)

    def surprise(self, clicks: Weights) -> float:
        """-log P(these clicks) by a click model, summed over the log."""
        return float(self._surprise(*_tensors(clicks)))

    def policy(
        self,
        start: Weights,
        sd: Floats,
        clicks: Weights,
        objective: str,
        clip: float,
        penalty: float,
    ) -> Weights:
        """The Plackett-Luce weights that maximise the penalised estimate, from `start`."""
        guess, tables = self._guesses(clicks)

        def loss(W: Tensor, g: Tensor) -> Tensor:
            chosen, direct = self._policy(W, g, tables if objective == "dr" else None)
            w = objectives.weights(chosen, self._logged, clip)
            if objective == "ips":
                terms = objectives.ips(w, self._clicked)
            elif objective == "snips":
                terms = objectives.self_normalised(w, self._clicked, self._count)
            else:
                terms = objectives.doubly_robust(w, self._clicked, guess, direct)
            return -self._count.sum() * objectives.penalised(terms, self._count, penalty)

        return self._fit(loss, start, sd)

    def estimate(self, weights: Weights, clicks: Weights) -> Floats:
        """Clicks an exposure that a policy would have earned, [e] terms: doubly robust, self-normalised, nothing clipped.

        The thinning is part of the propensity: an exposure is in this log if it was chosen and kept.
        """
        import torch

        guess, tables = self._guesses(clicks)
        with torch.no_grad():
            chosen, direct = self._policy(*_tensors(weights), tables)
        kept = 1 / self._count.double().numpy()[:, None]
        logged, rest = (
            self._logged.double().numpy()[:, None],
            (self._clicked - guess).double().numpy()[:, None],
        )
        target = chosen.double().numpy()[:, None].clip(0, 1)
        modelled = snips(kept, np.ones_like(kept), direct.double().numpy()[:, None])
        return np.asarray(modelled + snips(logged * kept, target, rest))

    def _scores(self, page: int, W: Tensor, g: Tensor) -> Tensor:
        x, own, articles = self._sends[page]
        return (x @ W + own * g) @ articles.T

    def _shown(self, tables: Sequence[Tensor]) -> Tensor:
        """[e] from one table [s, m] a page."""
        import torch

        return torch.cat([table[at] for table, at in zip(tables, self._at, strict=True)])

    def _guesses(self, clicks: Weights) -> tuple[Tensor, list[Tensor]]:
        """The click model's P(click | looked at): of what was shown, times P(looked at), [e]; and a table a page [s, m]."""
        import torch

        with torch.no_grad():
            W, g = _tensors(clicks)
            tables = [self._scores(page, W, g).sigmoid() for page in range(len(self._open))]
            return self._looked * self._shown(tables), tables

    def _policy(self, W: Tensor, g: Tensor, tables: list[Tensor] | None) -> tuple[Tensor, Tensor]:
        """P(what was shown) [e], and what the click model expects of the policy in its place [e]."""
        import torch

        chosen, value = [], []
        for page, ((send, article), open) in enumerate(zip(self._at, self._open, strict=True)):
            pi = objectives.log_policy(
                self._scores(page, W, g)[send] / self._temperature, open
            ).exp()
            chosen.append(pi[torch.arange(len(send)), article])
            if tables is not None:
                value.append((pi * tables[page][send]).sum(dim=1))
        return torch.cat(chosen), self._looked * torch.cat(value) if value else torch.zeros(0)

    def _surprise(self, W: Tensor, g: Tensor) -> Tensor:
        from torch.nn.functional import softplus

        score = self._shown([self._scores(page, W, g) for page in range(len(self._open))])
        # the logs of looked sigmoid(s), but for a constant, and of 1 - looked sigmoid(s)
        hit, missed = -softplus(-score), softplus(score + (-self._looked).log1p()) - softplus(score)
        return -(self._count * (self._clicked * hit + (1 - self._clicked) * missed)).sum()

    def _fit(self, loss: Callable[[Tensor, Tensor], Tensor], start: Weights, sd: Floats) -> Weights:
        """L-BFGS on weights measured in standard deviations `sd` [p, q] from `start`; full batch, nothing random."""
        import torch

        (W0, g0), unit = _tensors(start), torch.from_numpy(sd).float()
        V, v = torch.zeros_like(W0, requires_grad=True), torch.zeros_like(g0, requires_grad=True)
        optimiser = torch.optim.LBFGS(
            [V, v], max_iter=self._steps, history_size=8, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            value = loss(W0 + unit * V, g0 + GAIN_SD * v) + ((V**2).sum() + (v**2).sum()) / 2
            value.backward()
            return value

        optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch's own is not
        with torch.no_grad():
            W, g = W0 + unit * V, g0 + GAIN_SD * v
        return Weights(W.double().numpy(), g.double().numpy())


def _tensors(weights: Weights) -> tuple[Tensor, Tensor]:
    import torch

    return torch.from_numpy(weights.W).float(), torch.from_numpy(weights.g).float()
