"""What an article's headline promises of its appeal, learned from the clicks of past articles.

b_j ~ Normal(u . z_j, s^2): z_j are the columns of a title (`bandit/features/headline.py`), u is
the same for all articles, and u ~ Normal(0, v I). The larger of v and s^2 says how much titles
tell: where they tell nothing v shrinks towards 0, the promise with it, and nothing is lost. Open
this file for the one fit by which a title's columns are weighed, online or on a whole archive.
"""

import numpy as np

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Floats, Ints

PRIOR_WEIGHTS = 1.0  # how many weights' evidence the starting v is worth


class Promise:
    """Posterior of u by Bayesian linear regression, with v learned (MacKay 1992, eq. 4.4).

    width: d, columns of a title
    told: v to start from, in squared logits: the variance of what titles promise, where the
        columns' variances sum to 1; higher believes titles sooner
    own: s^2, the variance of appeal that no title tells, in squared logits; higher averages over
        more articles
    shared: variance of what the articles of a group (an issue, a contest) have in common and no
        title tells, in squared logits; 0: nothing. The higher it is, the less is learned from
        comparing articles of different groups
    learns: whether v is learned; False: it stays as given
    """

    def __init__(
        self,
        width: int,
        told: float = 0.02,
        own: float = 0.1,
        shared: float = 0.0,
        learns: bool = True,
    ) -> None:
        """Raises ValueError for a width below 1, and variances that are not positive."""
        check.at_least("width", width, 1)
        check.at_least("told", told, 1e-9)
        check.at_least("own", own, 1e-9)
        check.at_least("shared", shared, 0)
        check.flag("learns", learns)
        self.own, self.shared = own, shared
        self._start, self._learns = told, learns
        self.told = told
        self._gram, self._moment = np.zeros((width, width)), np.zeros(width)
        self._solve()

    def learn(
        self, columns: Floats, appeal: Floats, variance: Floats, groups: Ints | None = None
    ) -> None:
        """Add articles whose clicks have been counted, each once.

        columns: [m, d]
        appeal, variance: [m], what the clicks alone tell (see `free_of_prior`); the variance may
            be infinite where nobody looked
        groups: [m], which of them have what in common (default: all are of one group)

        Raises ValueError for shapes that do not fit, and values that are not finite or negative.
        """
        m = len(columns)
        check.shape("columns", columns, (m, len(self._moment)))
        check.finite("columns", columns, range(m))
        check.shape("appeal", appeal, (m,))
        check.shape("variance", variance, (m,))
        bad = ~(variance >= 0)
        if bad.any():
            raise ValueError(f"variance[{bad.argmax()}] = {variance[bad][0]}; must be at least 0")
        known = np.isfinite(variance)
        check.finite("appeal", appeal[known, None], np.flatnonzero(known))
        if not known.any():
            return
        x, y = columns[known], appeal[known]
        weight = 1 / (self.own + variance[known])
        self._gram += (x.T * weight) @ x
        self._moment += x.T @ (weight * y)
        if self.shared:
            code = np.zeros(len(y), dtype=np.int64)
            if groups is not None:
                check.shape("groups", groups, (m,))
                code = np.unique(groups[known], return_inverse=True)[1]
            # (W^-1 + shared 1 1')^-1 = W - W 1 1' W / (1 / shared + 1' W 1), group by group
            mass = np.bincount(code, weight)
            sums = np.zeros((len(mass), x.shape[1]))
            np.add.at(sums, code, x * weight[:, None])
            less = sums / (1 / self.shared + mass)[:, None]
            self._gram -= sums.T @ less
            self._moment -= less.T @ np.bincount(code, weight * y)
        self._solve()

    def foretell(self, columns: Floats) -> tuple[Floats, Floats]:
        """What these titles promise [m], and how unsure that is, as a variance [m].

        Of an article's appeal, s^2 is unknown beside this.
        """
        check.shape("columns", columns, (len(columns), len(self.weights)))
        spread = np.einsum("md,de,me->m", columns, self._covariance, columns, optimize=True)
        return np.einsum("md,d->m", columns, self.weights), np.maximum(spread, 0.0)

    def _solve(self) -> None:
        """Posterior mean and covariance of u, at the v that the evidence asks for.

        In the Gram matrix's own axes each step of MacKay's fixed point takes d operations.
        """
        values, axes = np.linalg.eigh(self._gram)
        values, turned = np.maximum(values, 0.0), axes.T @ self._moment
        told = self.told if self._learns else self._start
        for _ in range(200 if self._learns else 0):
            mean = turned / (values + 1 / told)
            determined = float((values / (values + 1 / told)).sum())
            found = float(mean @ mean)
            new = (found + PRIOR_WEIGHTS * self._start) / (determined + PRIOR_WEIGHTS)
            if abs(new - told) < 1e-6 * told:
                break
            told = new
        self.told = told
        self._covariance = (axes / (values + 1 / told)) @ axes.T
        self.weights = axes @ (turned / (values + 1 / told))

    def state(self) -> State:
        """Gram matrix [d, d], moment [d] and v, as named arrays."""
        return {
            "gram": self._gram.copy(),
            "moment": self._moment.copy(),
            "told": np.array([self.told]),
        }

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays that do not fit."""
        width = len(self._moment)
        check.shape("promise's gram", state["gram"], (width, width))
        check.shape("promise's moment", state["moment"], (width,))
        check.shape("promise's told", state["told"], (1,))
        check.gram("promise's gram", state["gram"][None], -1e-6)
        check.finite("promise's moment", state["moment"][:, None], range(width))
        check.at_least("promise's told", float(state["told"][0]), 0)
        self._gram, self._moment = state["gram"].copy(), state["moment"].copy()
        self.told = float(state["told"][0])
        self._solve()


def free_of_prior(
    mean: Floats, variance: Floats, prior_mean: Floats, prior_variance: Floats
) -> tuple[Floats, Floats]:
    """What the clicks alone tell of each appeal [m]: the posterior without its normal prior.

    Precisions subtract: 1/V = 1/variance - 1/prior_variance. Where the posterior is no narrower
    than the prior, nobody looked, and the variance is infinite.
    """
    precision = 1 / variance - 1 / prior_variance
    told = precision > 1e-9 / prior_variance
    safe = np.where(told, precision, 1.0)
    alone = (mean / variance - prior_mean / prior_variance) / safe
    return np.where(told, alone, 0.0), np.where(told, 1 / safe, np.inf)
