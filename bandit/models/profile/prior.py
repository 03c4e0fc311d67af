"""What attributes say about interests, learned across members: B [p, q] with a Gaussian posterior.

Logistic regression in batches with a Laplace posterior (Chapelle & Li 2011, algorithm 3, with the
full precision matrix). The articles' own appeals are regression coefficients, too, for one issue:
they are solved for jointly and integrated out, so that an article many have met is not taken for as
many independent articles. Beside what is free in each entry, B may hold unknown multiples of given
matrices; the free entries and the multiples are one vector of coefficients. Open this file for what
`profile` learns from all about somebody new.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check, exact
from bandit.core.columns import Floats, Ints
from bandit.core.state import State
from bandit.models.bilinear import Gaussian, gram, moment

PRIOR_ENTRIES = 20  # how many entries of B a starting prior variance is worth
BOUND = 3.0  # logits that one Newton step moves any slot at most


@dataclass(frozen=True)
class Step:
    """What one Newton step found.

    posterior: of B's coefficients, after the step
    factor: Cholesky factor of its precision
    mean: [d + h], its mean, which is where the whole step leads
    share: of the step that was taken, because from afar a whole one may overshoot
    gradient: [m], what is left to the articles' appeals, of the whole step
    shared: [d + h, m], how much an article's appeal moves with each of B's coefficients
    """

    posterior: Gaussian
    factor: Floats
    mean: Floats
    share: float
    gradient: Floats
    shared: Floats


class Prior:
    """The prior from attributes.

    mean, sd: [p, q], what is thought of B before data; a higher sd lets attributes say more, sooner
    group: [p, q], entries that share a prior variance, which is learned by MacKay's fixed point
        (MacKay 1992, eq. 4.4); -1: the variance stays as given
    shapes: [h, p, q], the matrices of which B holds unknown multiples
    pull, pull_sd: [h], what is thought of these multiples before data
    """

    def __init__(
        self, mean: Floats, sd: Floats, group: Ints, shapes: Floats, pull: Floats, pull_sd: Floats
    ) -> None:
        start = np.concatenate([mean.ravel(), pull])
        precision = np.concatenate([sd.ravel(), pull_sd]) ** -2.0
        self.posterior = Gaussian.start(start, precision)
        self._start, self._group = sd.ravel() ** 2, group.ravel()
        self._shape, self._shapes = mean.shape, shapes.reshape(len(shapes), mean.size).T
        self._move(start)
        # coordinates of which the same was thought share one covariance: the mean of theirs
        _, self._alike = np.unique(np.vstack([mean, sd, group]), axis=1, return_inverse=True)
        doubt = self._share(np.einsum("pq,pr->qpr", sd**2, np.eye(len(sd))))
        # the constant's is soon known; until then counting it would drown the rest
        doubt[self._alike[0]] = 0.0
        self._hold(doubt)

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

        Only B moves, and so far that no slot's logit moves by more than `BOUND`. Steps may be
        repeated on the same slots; `settle` takes the last one for good, and whole.

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
        del table  # as long as the members' list
        curvature = gram(x, articles, rows, index, weight) - (both / own) @ both.T
        push = moment(x, articles, rows, index, gradient) - both @ (total / own)
        across = curvature @ self._shapes
        curvature = np.block([[curvature, across], [across.T, self._shapes.T @ across]])
        push, both = self._widen(push), self._widen(both)
        before, settled = self._coefficients, self.posterior
        posterior = Gaussian(
            settled.prior_mean,
            settled.prior_precision,
            settled.precision + curvature,
            settled.shift + curvature @ before + push,
        )
        factor = posterior.factor()
        after = posterior.solve(factor)
        left = total - both.T @ (after - before)
        was = self.B
        self._move(after)
        moved = x @ ((self.B - was) @ articles.T)
        moved += left / own
        share = float(min(1.0, BOUND / max(np.abs(moved[rows, index]).max(), BOUND)))
        if share < 1:
            self._move(before + share * (after - before))
        return Step(posterior, factor, after, share, left, both / own)

    def _move(self, coefficients: Floats) -> None:
        d = len(self._start)
        self._coefficients = coefficients
        self.B: Floats = (coefficients[:d] + self._shapes @ coefficients[d:]).reshape(self._shape)

    def _widen(self, array: Floats) -> Floats:
        """From derivatives by the entries of B [d, ...] to those by its coefficients [d + h, ...].

        The multiples' are the entries', weighted by their matrices.
        """
        return np.concatenate([array, self._shapes.T @ array])

    def settle(self, step: Step) -> Floats:
        """Absorb the evidence of the last step, and re-estimate the prior variances.

        Returns what of the variance of the articles' appeals [m] comes from B.
        """
        from scipy.linalg import solve_triangular  # the sender has no need of it

        self.posterior = step.posterior
        self._move(step.mean)
        joint = step.posterior.covariance(step.factor)
        self._hold(self._share(self._add_up_columns(joint)))
        self._learn_variances(np.diag(joint)[: len(self._start)])
        spread: Floats = solve_triangular(step.factor, step.shared, lower=True)
        return np.asarray((spread**2).sum(axis=0))

    def _hold(self, doubt: Floats) -> None:
        """Hold covariances [kinds, p, p], and what is multiplied by them in each plan."""
        self._doubt = doubt
        self._stacked = exact.Factor.of(doubt.reshape(-1, doubt.shape[2]))

    def _add_up(self, joint: Floats) -> Floats:
        """Covariance of B's entries [d, d], from that of its coefficients [d + h, d + h]."""
        d = len(self._start)
        both = self._halve(joint) @ self._shapes.T
        return joint[:d, :d] + both + both.T

    def _halve(self, joint: Floats) -> Floats:
        """Half of what multiples add to the covariance of B's entries, as a product.

        Its left factor [d, h]; the right one are the matrices that are multiplied. The other half
        is the transpose.
        """
        d = len(self._start)
        return np.asarray(joint[:d, d:] + self._shapes @ joint[d:, d:] / 2)

    def _add_up_columns(self, joint: Floats) -> Floats:
        """Of what `_add_up` gives, the covariance of each column of B, [q, p, p]."""
        d, (p, q) = len(self._start), self._shape
        half = self._halve(joint).reshape(p, q, -1)
        both = np.einsum("pqh,rqh->qpr", half, self._shapes.reshape(p, q, -1))
        free = np.einsum("pqrq->qpr", joint[:d, :d].reshape(p, q, p, q))
        return np.asarray(free + both + both.swapaxes(1, 2))

    def draw(self, noise: Floats) -> Floats:
        """B [p, q] drawn from its posterior, made from standard normal noise [p q]."""
        covariance = self._add_up(self.posterior.covariance(self.posterior.factor()))
        return self.B + (np.linalg.cholesky(covariance) @ noise).reshape(self._shape)

    def _share(self, covariance: Floats) -> Floats:
        """The mean of the covariances [q, p, p] over coordinates that share one, [kinds, p, p]."""
        kinds = range(self._alike.max() + 1)
        return np.stack([covariance[self._alike == kind].mean(axis=0) for kind in kinds])

    def _learn_variances(self, doubt: Floats) -> None:
        precision, free = self.posterior.prior_precision[: len(doubt)], self._coefficients
        for group in np.unique(self._group[self._group >= 0]):
            at = self._group == group
            found = (free[: len(at)][at] ** 2).sum() + PRIOR_ENTRIES * self._start[at].mean()
            precision[at] = ((1 - precision[at] * doubt[at]).sum() + PRIOR_ENTRIES) / found

    def variance(self, x: Floats, rounded: exact.Factor | None = None) -> Floats:
        """Variance of x B under the posterior [n, q], for attributes x [n, p].

        rounded: x as a factor, where it is at hand
        """
        given = x if rounded is None else rounded
        products = exact.dot(given, self._stacked).reshape(len(x), len(self._doubt), x.shape[1])
        each = np.einsum("nkp,np->nk", products, x)
        return np.asarray(np.maximum(each, 0.0))[:, self._alike]

    def state(self) -> State:
        """The posterior, B's coefficients and covariances, as named arrays."""
        kept = {"coefficients": self._coefficients.copy(), "doubt": self._doubt.copy()}
        return self.posterior.state() | kept

    def restore(self, state: State, B: Floats) -> None:
        """Raises ValueError for arrays of other shapes, and for a B [p, q] that is not theirs."""
        d = len(self._coefficients)
        shapes = {"prior_mean": (d,), "prior_precision": (d,), "precision": (d, d), "shift": (d,)}
        more = {"coefficients": (d,), "doubt": self._doubt.shape}
        for name, shape in (shapes | more).items():
            check.shape(f"prior's {name}", state[name], shape)
        check.shape("B", B, self.B.shape)
        self._move(state["coefficients"].copy())
        if not np.array_equal(B, self.B):
            raise ValueError("B is not what the prior's coefficients add up to")
        self._hold(state["doubt"].copy())
        self.posterior = Gaussian(**{name: state[name].copy() for name in shapes})
