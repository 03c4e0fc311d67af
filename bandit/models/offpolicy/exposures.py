"""What can be fitted to a log: a click model, and a policy. Everything here is torch.

Open this file to see what the off-policy learner optimises. Click model and policy both score
(W x + g * own) . a: x a member's attributes, own what the member's earlier clicks say, a the
article. Both stay near where they start: a Gaussian prior with standard deviations `sd` around it,
a click gained against a nat.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core.types import Array, Floats
from bandit.models.offpolicy import objectives
from bandit.models.offpolicy.objectives import Tensor
from bandit.models.offpolicy.pages import Page
from bandit.ope.estimators import snips

OBJECTIVES = ("ips", "snips", "dr")
GAIN_SD = 0.3  # of g: 1 takes the member's own clicks at their word


@dataclass(frozen=True)
class Weights:
    """Scores (W x + g * own) . a: W [p, q], g [q]."""

    W: Floats
    g: Floats


class Exposures:
    """A log as tensors: e exposures on some pages.

    pages: the log
    curve: [k], P(slot is looked at)
    temperature: of the policies that are fitted and judged
    steps: of the optimiser
    """

    def __init__(
        self, pages: Sequence[Page], curve: Floats, temperature: float, steps: int
    ) -> None:
        import torch

        self._temperature, self._steps = temperature, steps
        pages = [page for page in pages if len(page.send)]
        tensors = torch.from_numpy
        self._sends = [tuple(map(tensors, (page.x, page.own, page.articles))) for page in pages]
        self._at = [(tensors(page.send), tensors(page.article)) for page in pages]
        self._open = [tensors(page.open) for page in pages]

        def join(columns: list[Array]) -> Tensor:
            return tensors(np.concatenate(columns)).float() if columns else torch.zeros(0)

        members = [np.zeros(0, np.uint64), *(page.member[page.send] for page in pages)]
        self.member = np.concatenate(members)  # [e], keys
        self._logged = join([page.logged for page in pages])
        self._clicked = join([page.clicked for page in pages])
        self._count = join([page.count for page in pages])
        self._looked = join([curve[page.slot] for page in pages])
        self.clicks = float(self._clicked.sum())

    def fit_click_model(self, prior: Weights, sd: Floats) -> Weights:
        """The most likely weights under the prior, of the position-based model.

        P(click) = P(looked at) sigmoid(score).
        """
        return self._fit(self._surprise, prior, sd)

    def surprise(self, clicks: Weights) -> float:
        """-log P(the clicks of this log) by a click model, in nats, summed over the log."""
        return float(self._surprise(*_to_tensors(clicks)))

    def fit_policy(
        self,
        start: Weights,
        sd: Floats,
        clicks: Weights,
        objective: str,
        clip: float,
        penalty: float,
    ) -> Weights:
        """The Plackett-Luce weights that maximise the penalised estimate, from `start`.

        objective is one of OBJECTIVES. clip: the largest importance weight. penalty: standard
        errors that are taken off.
        """
        guess, guesses = self._guess(clicks)

        def loss(W: Tensor, g: Tensor) -> Tensor:
            chosen, direct = self._act(W, g, guesses if objective == "dr" else None)
            w = objectives.weights(chosen, self._logged, clip)
            if objective == "ips":
                terms = objectives.ips(w, self._clicked)
            elif objective == "snips":
                terms = objectives.snips(w, self._clicked, self._count)
            else:
                terms = objectives.doubly_robust(w, self._clicked, guess, direct)
            return -self._count.sum() * objectives.penalise(terms, self._count, penalty)

        return self._fit(loss, start, sd)

    def estimate(self, weights: Weights, clicks: Weights) -> Floats:
        """The clicks per exposure that a policy would have earned, as terms [e] with this mean.

        Doubly robust by the click model `clicks`, self-normalised, nothing clipped. The thinning is
        part of the propensity: an exposure is in this log if it was chosen and kept.
        """
        import torch

        guess, guesses = self._guess(clicks)
        with torch.no_grad():
            chosen, direct = self._act(*_to_tensors(weights), guesses)

        def column(tensor: Tensor) -> Floats:
            return np.asarray(tensor.double().numpy()[:, None])

        kept = 1 / column(self._count)
        modelled = snips(kept, np.ones_like(kept), column(direct))
        target, rest = column(chosen).clip(0, 1), column(self._clicked - guess)
        return np.asarray(modelled + snips(column(self._logged) * kept, target, rest))

    def _scores(self, page: int, W: Tensor, g: Tensor) -> Tensor:
        x, own, articles = self._sends[page]
        return (x @ W + own * g) @ articles.T

    def _pick_shown(self, tables: Sequence[Tensor]) -> Tensor:
        """The values of what was shown [e], from one table [s, m] for each page."""
        import torch

        return torch.cat([table[at] for table, at in zip(tables, self._at, strict=True)])

    def _guess(self, clicks: Weights) -> tuple[Tensor, list[Tensor]]:
        """What a click model expects.

        P(click) of what was shown [e], and for each page P(click | looked at) of every article, a
        row for each exposure [e, m].
        """
        import torch

        with torch.no_grad():
            W, g = _to_tensors(clicks)
            tables = [self._scores(page, W, g).sigmoid() for page in range(len(self._open))]
            rows = [table[send] for table, (send, _) in zip(tables, self._at, strict=True)]
            return self._looked * self._pick_shown(tables), rows

    def _act(self, W: Tensor, g: Tensor, guesses: list[Tensor] | None) -> tuple[Tensor, Tensor]:
        """P(what was shown) [e], and the clicks to be expected of the policy in its place [e].

        guesses are the click model's, from `_guess`. Without them the second is empty.
        """
        import torch

        chosen, value = [], []
        for page, ((send, article), open) in enumerate(zip(self._at, self._open, strict=True)):
            # the gradients of index_select and gather take half as long as those of brackets
            scores = self._scores(page, W, g).index_select(0, send) / self._temperature
            pi = objectives.log_policy(scores, open).exp()
            chosen.append(pi.gather(1, article[:, None])[:, 0])
            if guesses is not None:
                value.append((pi * guesses[page]).sum(dim=1))
        return torch.cat(chosen), self._looked * torch.cat(value) if value else torch.zeros(0)

    def _surprise(self, W: Tensor, g: Tensor) -> Tensor:
        from torch.nn.functional import softplus

        tables = [self._scores(page, W, g) for page in range(len(self._open))]
        score = self._pick_shown(tables)
        # the logs of looked sigmoid(s), but for a constant, and of 1 - looked sigmoid(s)
        hit, missed = -softplus(-score), softplus(score + (-self._looked).log1p()) - softplus(score)
        return -(self._count * (self._clicked * hit + (1 - self._clicked) * missed)).sum()

    def _fit(self, loss: Callable[[Tensor, Tensor], Tensor], start: Weights, sd: Floats) -> Weights:
        """L-BFGS on weights measured in standard deviations `sd` [p, q] from `start`.

        Every step sees the whole log, and nothing is random.
        """
        import torch

        (W0, g0), unit = _to_tensors(start), torch.from_numpy(sd).float()
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


def _to_tensors(weights: Weights) -> tuple[Tensor, Tensor]:
    import torch

    return torch.from_numpy(weights.W).float(), torch.from_numpy(weights.g).float()
