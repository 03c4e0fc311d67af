"""What attributes say about interests, learned across members: B [p, q] with a full Gaussian posterior.

Logistic regression in batches with a Laplace posterior (Chapelle & Li 2011, algorithm 3, with the full precision matrix).
The articles' own appeals are regression coefficients, too, for one issue: solved for jointly and integrated out, so that
an article many have met is not taken for as many independent articles.
"""

import numpy as np
from scipy.linalg import solve_triangular

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Floats, Ints
from bandit.models.bilinear import Gaussian, gram, moment

WORTH = 20  # how many entries of B a starting prior variance is worth


class Prior:
    """mean, sd [p, q]: what is thought of B before data. group [p, q]: entries that share a prior variance, to be learned
    by MacKay's fixed point (MacKay 1992, eq. 4.4); -1: as given."""

    def __init__(self, mean: Floats, sd: Floats, group: Ints) -> None:
        self.B: Floats = mean
        self.posterior = Gaussian.start(mean.ravel(), sd.ravel() ** -2.0)
        self._start, self._group = sd.ravel() ** 2, group.ravel()
        # coordinates of which the same was thought share one covariance of what attributes say, their mean
        _, self._alike = np.unique(np.vstack([mean, sd, group]), axis=1, return_inverse=True)
        self._doubt = self._shared(np.einsum("pq,pr->qpr", sd**2, np.eye(len(sd))))
        self._doubt[self._alike[0]] = (
            0.0  # the constant's is soon known; until then counting it would drown the rest
        )

    def step(
        self,
        x: Floats,
        articles: Floats,
        rows: Ints,
        index: Ints,
        gradient: Floats,
        weight: Floats,
        total: Floats,
        own: Floats,
    ) -> tuple[Floats, Floats]:
        """A Newton step from where B stands, on e slots: article index [e] shown to member rows [e], with the gradient and
        the information [e] of the log-likelihood in the logit; total, own [m]: gradient and information of each article's
        appeal, its prior's included. Steps may be repeated on the same slots; `settle` takes the last one for good.

        Returns, for the appeals [m], the gradient that is left to them, and the variance they take over from B.
        """
        n, m = len(x), len(articles)
        table = np.bincount(rows * m + index, weight, n * m).reshape(n, m)
        both = np.einsum("pm,mq->pqm", x.T @ table, articles).reshape(
            -1, m
        )  # B and the appeals explain the same clicks
        curvature = (
            gram(x, articles, rows, index, weight) - (both / own) @ both.T
        )  # Schur complement
        push = moment(x, articles, rows, index, gradient) - both @ (total / own)
        before, settled = self.B.ravel(), self.posterior
        self._next = Gaussian(
            settled.prior_mean,
            settled.prior_precision,
            settled.precision + curvature,
            settled.shift + curvature @ before + push,
        )
        self._factor = self._next.factor()
        after = self._next.solve(self._factor)
        self.B = after.reshape(self.B.shape)
        inherited = (solve_triangular(self._factor, both, lower=True) ** 2).sum(axis=0) / own**2
        return total - both.T @ (after - before), inherited

    def settle(self) -> None:
        """Absorb the last step's evidence, and re-estimate the prior variances."""
        self.posterior = self._next
        covariance = self.posterior.covariance(self._factor).reshape(self.B.shape * 2)
        self._doubt = self._shared(np.einsum("pqrq->qpr", covariance))
        self._learn_variances(np.einsum("pqpq->pq", covariance).ravel())

    def _shared(self, covariance: Floats) -> Floats:
        return np.stack(
            [covariance[self._alike == kind].mean(axis=0) for kind in range(self._alike.max() + 1)]
        )

    def _learn_variances(self, doubt: Floats) -> None:
        precision = self.posterior.prior_precision
        for group in np.unique(self._group[self._group >= 0]):
            at = self._group == group
            found = (self.B.ravel()[at] ** 2).sum() + WORTH * self._start[at].mean()
            precision[at] = ((1 - precision[at] * doubt[at]).sum() + WORTH) / found

    def variance(self, x: Floats) -> Floats:
        """Of x B under the posterior [n, q]."""
        each = [np.einsum("np,np->n", exact.dot(x, covariance), x) for covariance in self._doubt]
        return np.asarray(np.maximum(np.stack(each, axis=1), 0.0))[:, self._alike]

    def state(self) -> State:
        return self.posterior.state() | {"doubt": self._doubt.copy()}

    def restore(self, state: State, B: Floats) -> None:
        d = self.B.size
        shapes = {"prior_mean": (d,), "prior_precision": (d,), "precision": (d, d), "shift": (d,)}
        for name, shape in (shapes | {"doubt": self._doubt.shape}).items():
            check.shape(f"prior's {name}", state[name], shape)
        self.B, self._doubt = B, state["doubt"].copy()
        self.posterior = Gaussian(**{name: state[name].copy() for name in shapes})
