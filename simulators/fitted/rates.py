"""Members' rates of opening and of bouncing, from how often each did.

Members' rates are Beta around what attributes say, by maximum likelihood. Open this to see how a
member whose own history says little comes to a rate.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, digamma, expit, logit

from bandit.core.types import Floats

PULL_SD = 0.5  # of what an attribute does to a rate, logits, before data says so


@dataclass(frozen=True)
class Rates:
    """Member i's rate is Beta(s mu_i, s (1 - mu_i)) with mu_i = sigmoid(x_i pull).

    pull: [p], what each feature does to the rate, logits
    concentration: s; higher makes members with the same attributes more alike
    """

    pull: Floats
    concentration: float

    def mean(self, x: Floats) -> Floats:
        """mu [n] for member features [n, p]."""
        return np.asarray(expit(np.einsum("np,p->n", x, self.pull)))

    def draw(self, x: Floats, hits: Floats, trials: Floats, uniform: Floats) -> Floats:
        """A draw of each member's rate from its posterior after `hits` of `trials`, all [n].

        It is the inverse CDF of `uniform` [n]. The draws differ as much as the members do;
        posterior means would differ less.
        """
        mean = np.clip(self.mean(x), 1e-9, 1 - 1e-9)
        a, b = self.concentration * mean + hits, self.concentration * (1 - mean) + trials - hits
        drawn = betaincinv(a, b, uniform)
        return np.asarray(np.where(np.isfinite(drawn), drawn, a / (a + b)))


def fit_rates(hits: Floats, trials: Floats, x: Floats, pull_sd: float = PULL_SD) -> Rates:
    """The most likely `Rates` after `hits` of `trials` [n] of members with features x [n, p].

    It is a beta-binomial regression, with a Gaussian prior on all pulls but the first, which is the
    constant's.

    pull_sd: standard deviation of that prior, logits; higher lets attributes say more

    Raises ValueError for hits that cannot be.
    """
    hits, trials = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    bad = ~((hits >= 0) & (hits <= trials))
    if bad.any():
        i = int(bad.argmax())
        raise ValueError(
            f"hits[{i}] = {hits[i]} of trials[{i}] = {trials[i]}; must be between 0 and that"
        )
    met = trials > 0
    hits, trials, x = hits[met], trials[met], np.asarray(x, dtype=np.float64)[met]
    pull = np.zeros(x.shape[1])
    if not hits.sum() or hits.sum() == trials.sum():  # no member is known to differ
        pull[0] = 20.0 if hits.sum() else -20.0
        return Rates(pull, 1.0)
    found = minimize(
        _measure_loss,
        np.concatenate([[np.log(2.0), logit(hits.sum() / trials.sum())], pull[1:]]),
        args=(hits, trials, x, pull_sd),
        jac=True,
        method="L-BFGS-B",
        bounds=[(np.log(1e-2), np.log(1e4)), *[(-20.0, 20.0)] * len(pull)],
        options={"maxiter": 500, "ftol": 1e-13},
    )
    return Rates(found.x[1:], float(np.exp(found.x[0])))


def _measure_loss(
    values: Floats, hits: Floats, trials: Floats, x: Floats, pull_sd: float
) -> tuple[float, Floats]:
    """Minus the log posterior density a member, and its gradient, at (ln s, pull) [1 + p]."""
    pull, s = values[1:], np.exp(values[0])
    mean = np.clip(expit(x @ pull), 1e-9, 1 - 1e-9)
    a, b = s * mean, s * (1 - mean)
    likelihood = (betaln(a + hits, b + trials - hits) - betaln(a, b)).sum()
    value = likelihood - 0.5 * np.square(pull[1:] / pull_sd).sum()
    both = digamma(s) - digamma(s + trials)
    by_a = digamma(a + hits) - digamma(a) + both
    by_b = digamma(b + trials - hits) - digamma(b) + both
    by_pull = x.T @ ((by_a - by_b) * s * mean * (1 - mean))
    by_pull[1:] -= pull[1:] / pull_sd**2
    by_s = s * (mean * by_a + (1 - mean) * by_b).sum()
    return -value / len(hits), -np.concatenate([[by_s], by_pull]) / len(hits)
