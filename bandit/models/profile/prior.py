"""What attributes say about interests, learned across members: B [p, q] with a Gaussian posterior.

Logistic regression in batches with a Laplace posterior (Chapelle & Li 2011, algorithm 3, with the
full precision matrix). The articles' own appeals are regression coefficients, too, for one issue:
they are solved for jointly and integrated out, so that an article many have met is not taken for as
many independent articles. Open this file for what `profile` learns from all about somebody new.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Floats, Ints
from bandit.models.bilinear import Gaussian, gram, moment

PRIOR_ENTRIES = 20  # how many entries of B a starting prior variance is worth


@dataclass(frozen=True)
class Step:
    """What one Newton step found.

    posterior: of B, after the step
    factor: Cholesky factor of its precision
    gradient: [m], what is left to the articles' appeals
    variance: [m], what the appeals take over from B
    """

    posterior: Gaussian
    factor: Floats
    gradient: Floats
    variance: Floats


class Prior:
    """The prior from attributes.

    mean, sd: [p, q], what is thought of B before data; a higher sd lets attributes say more, sooner
    group: [p, q], entries that share a prior variance, which is learned by MacKay's fixed point
        (MacKay 1992, eq. 4.4); -1: the variance stays as given
    """

    def __init__(self, mean: Floats, sd: Floats, group: Ints) -> None:
        self.B: Floats = mean
        self.posterior = Gaussian.start(mean.ravel(), sd.ravel() ** -2.0)
        self._start, self._group = sd.ravel() ** 2, group.ravel()
        # coordinates of which the same was thought share one covariance: the mean of theirs
        _, self._alike = np.unique(np.vstack([mean, sd, group]), axis=1, return_inverse=True)
        self._doubt = self._share(np.einsum("pq,pr->qpr", sd**2, np.eye(len(sd))))
        # the constant's is soon known; until then counting it would drown the rest
        self._doubt[self._alike[0]] = 0.0

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
    ) -> Step:
        """Take a Newton step from where B stands, on e slots.

        Only B moves. Steps may be repeated on the same slots; `settle` takes the last one for good.

        x: [n, p], of members
        articles: [m, q]
        rows, index: [e], the member and the article of each slot
        gradient, weight: [e], gradient and information of the log-likelihood in the logit
        total, own: [m], gradient and information of each article's appeal, its prior's included
        """
        n, m = len(x), len(articles)
        table = np.bincount(rows * m + index, weight, n * m).reshape(n, m)
        # B and the appeals explain the same clicks: what they share leaves by the Schur complement
        both = np.einsum("pm,mq->pqm", x.T @ table, articles).reshape(-1, m)
        curvature = gram(x, articles, rows, index, weight) - (both / own) @ both.T
        push = moment(x, articles, rows, index, gradient) - both @ (total / own)
        before, settled = self.B.ravel(), self.posterior
        posterior = Gaussian(
            settled.prior_mean,
            settled.prior_precision,
            settled.precision + curvature,
            settled.shift + curvature @ before + push,
        )
        factor = posterior.factor()
        after = posterior.solve(factor)
        self.B = after.reshape(self.B.shape)
        inherited = (solve_triangular(factor, both, lower=True) ** 2).sum(axis=0) / own**2
        return Step(posterior, factor, total - both.T @ (after - before), inherited)

    def settle(self, step: Step) -> None:
        """Absorb the evidence of the last step, and re-estimate the prior variances."""
        self.posterior = step.posterior
        covariance = step.posterior.covariance(step.factor).reshape(self.B.shape * 2)
        self._doubt = self._share(np.einsum("pqrq->qpr", covariance))
        self._learn_variances(np.einsum("pqpq->pq", covariance).ravel())

    def _share(self, covariance: Floats) -> Floats:
        """The mean of the covariances [q, p, p] over coordinates that share one, [kinds, p, p]."""
        kinds = range(self._alike.max() + 1)
        return np.stack([covariance[self._alike == kind].mean(axis=0) for kind in kinds])

    def _learn_variances(self, doubt: Floats) -> None:
        precision = self.posterior.prior_precision
        for group in np.unique(self._group[self._group >= 0]):
            at = self._group == group
            found = (self.B.ravel()[at] ** 2).sum() + PRIOR_ENTRIES * self._start[at].mean()
            precision[at] = ((1 - precision[at] * doubt[at]).sum() + PRIOR_ENTRIES) / found

    def variance(self, x: Floats) -> Floats:
        """Variance of x B under the posterior [n, q], for attributes x [n, p]."""
        each = [np.einsum("np,np->n", exact.dot(x, covariance), x) for covariance in self._doubt]
        return np.asarray(np.maximum(np.stack(each, axis=1), 0.0))[:, self._alike]

    def state(self) -> State:
        """The posterior and its covariances, as named arrays; B is not among them."""
        return self.posterior.state() | {"doubt": self._doubt.copy()}

    def restore(self, state: State, B: Floats) -> None:
        """Go on from a state and its B [p, q]. Raises ValueError for arrays of other shapes."""
        d = self.B.size
        shapes = {"prior_mean": (d,), "prior_precision": (d,), "precision": (d, d), "shift": (d,)}
        for name, shape in (shapes | {"doubt": self._doubt.shape}).items():
            check.shape(f"prior's {name}", state[name], shape)
        self.B, self._doubt = B, state["doubt"].copy()
        self.posterior = Gaussian(**{name: state[name].copy() for name in shapes})
