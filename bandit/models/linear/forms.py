"""Linear and logistic click models in attributes and text: the learner that `lin_ts` and `lin_ucb` share.

P(click | examined) = link(x' W a), a Gaussian posterior over W. One bilinear model gives all the forms of Li, Chu, Langford
& Schapire (2010), by what x (the member) and a (the article) are:

    shared    attributes and text: one W [p, q] for everyone
    disjoint  a group instead of the article (or of the member): every group has weights of its own (algorithm 1)
    hybrid    the group beside the text (or the attributes), under one joint posterior (algorithm 2)

Groups are the values of an attribute, or cells of articles. A disjoint posterior falls into one block for each group; the
others are one block.
"""

import numpy as np
from scipy.special import expit, logit

from bandit.core import check, exact
from bandit.core.state import State
from bandit.core.types import Context, Floats, Ints, Round
from bandit.features.features import Features
from bandit.models.bilinear import gram, moment
from bandit.models.examination import Examination
from bandit.models.linear.blocks import Blocks, lengths, unit
from bandit.models.linear.fourier import Fourier

MODELS, LINKS, ARTICLES = ("shared", "disjoint", "hybrid"), ("linear", "logistic"), "articles"
FEW = 8  # looks up to which an issue is learned one by one
_PIECE = (
    256  # members whose widths are computed together: what that takes fits the processor's cache
)
STEPS, CLOSE = (
    20,
    1e-6,
)  # Newton: steps at most, and the squared distance from the mode, in posterior sds, that will do


def cells(coordinates: Floats) -> Ints:
    """The cell of each article [m] by its text [m, d]: the nearest of the 2 d signed axes, 0 to 2 d - 1.

    This is cross-polytope hashing (Andoni et al. 2015) on the archive's principal components: no corpus is needed, an
    article never changes its cell, and one-hot articles (classes) get a cell each.
    """
    axis = np.abs(coordinates).argmax(axis=1)
    return np.asarray(2 * axis + (coordinates[np.arange(len(axis)), axis] < 0))


class Linear:
    """model, link: as above. by: 'articles' or the attribute that makes the groups. axes: how many of the leading text
    components make the articles' cells, two a component (None: all). ridge: prior precision of an entry of W, in looks;
    constant: that of the overall rate, as a share of it. rate: click rate to start from. fourier: how many random Fourier
    features stand for the member's attributes (0: the attributes themselves); bandwidth: see `bandit.models.linear.fourier.Fourier`.

    Raises ValueError naming the parameter at fault.
    """

    def __init__(
        self,
        model: str = "shared",
        link: str = "linear",
        by: str = ARTICLES,
        axes: int | None = None,
        fourier: int = 0,
        bandwidth: float = 0.4,
        ridge: float = 1000.0,
        constant: float = 0.05,
        rate: float = 0.03,
        max_slots: int = 24,
    ) -> None:
        for what, value, valid in (("model", model, MODELS), ("link", link, LINKS)):
            if value not in valid:
                raise ValueError(f"{what} = {value!r}; must be one of {', '.join(valid)}")
        check.at_least("axes", 1 if axes is None else axes, 1)
        check.at_least("fourier", fourier, 0)
        check.at_least("bandwidth", bandwidth, 1e-6)
        check.at_least("ridge", ridge, 1e-6)
        check.at_least("constant", constant, 1e-6)
        check.share("rate", rate)
        if link == "logistic" and rate in (0, 1):
            raise ValueError(f"rate = {rate}; must be between 0 and 1 where link is logistic")
        self.model, self.link, self.by, self.axes = model, link, by, axes
        self.rate, self._ridge, self._constant = rate, ridge, constant
        self._fourier, self._bandwidth = fourier, bandwidth
        self._examination = Examination.start(max_slots)

    def start(self, features: Features) -> None:
        """Set up for these features. Raises ValueError where `by` is no attribute."""
        members, articles = features.member_names, features.article_names
        text = [
            j
            for j, name in enumerate(articles)
            if name != "constant" and not name.startswith("kind=")
        ]
        self._text = np.array(text[: self.axes])
        self._levels = np.array(
            [i for i, name in enumerate(members) if name.startswith(f"{self.by}=")], dtype=np.int64
        )
        if self.by != ARTICLES and not len(self._levels):
            raise ValueError(
                f"by = {self.by!r}; must be {ARTICLES!r} or an attribute of {', '.join(features.levels)}"
            )
        p, q = len(members), len(articles)
        self._expand = Fourier.keyed(p, self._fourier, self._bandwidth) if self._fourier else None
        x, a = self._sides(np.eye(p), np.eye(q))  # only for their widths
        self._shape = (x.shape[1], a.shape[1])
        mean, precision = np.zeros(self._shape), np.full(self._shape, float(self._ridge))
        # the constants: one, or every group's
        alone = self.model == "disjoint"
        at = (slice(None) if alone and not self._turned else 0, slice(None) if self._turned else 0)
        mean[at] = self.rate if self.link == "linear" else logit(self.rate)
        precision[at] *= self._constant
        if self.link == "logistic":  # what a look at the starting rate says about the log-odds
            precision *= self.rate * (1 - self.rate)
        self.blocks = Blocks.start(self._split(mean), self._split(precision))

    @property
    def _turned(self) -> bool:
        """Whether the blocks are the columns of W."""
        return self.model == "disjoint" and self.by == ARTICLES

    def _sides(self, x: Floats, a: Floats) -> tuple[Floats, Floats]:
        """The model's x [n, p'] and a [m, q']: groups one-hot, instead of the features or beside them."""
        wide = self._expand(x) if self._expand else x
        if self.model == "shared":
            return wide, a
        if self.by == ARTICLES:
            group = np.eye(2 * len(self._text))[cells(a[:, self._text])]
            return wide, group if self.model == "disjoint" else np.hstack([a, group])
        known = x[:, self._levels]
        group = np.hstack(
            [known, 1 - known.sum(axis=1, keepdims=True)]
        )  # the last: a value never seen before
        return group if self.model == "disjoint" else np.hstack([wide, group]), a

    def _split(self, W: Floats) -> Floats:
        """W [p', q'] as blocks [b, d]."""
        if self.model != "disjoint":
            return W.reshape(1, -1)
        return np.ascontiguousarray(W.T) if self._turned else W

    def _joined(self, mean: Floats) -> Floats:
        """Blocks [..., b, d] as W [..., p', q']."""
        return (
            mean.swapaxes(-1, -2) if self._turned else mean.reshape(*mean.shape[:-2], *self._shape)
        )

    def _looks(self, x: Floats, a: Floats, rows: Ints, index: Ints) -> tuple[Ints, Floats]:
        """Each look's block [e] and what it is linear in there [e, d]."""
        if self.model != "disjoint":
            return np.zeros_like(rows), np.einsum("ep,eq->epq", x[rows], a[index]).reshape(
                len(rows), -1
            )
        return (
            (a.argmax(axis=1)[index], x[rows])
            if self._turned
            else (x.argmax(axis=1)[rows], a[index])
        )

    def _gram(self, x: Floats, a: Floats, rows: Ints, index: Ints, weights: Floats) -> Floats:
        """sum_e w_e z_e z_e' of each block, [b, d, d]."""
        if self.model != "disjoint":
            return gram(x, a, rows, index, weights)[None]
        total = np.zeros(self.blocks.precision.shape)
        group, z = self._looks(x, a, rows, index)
        for g in np.unique(group):
            part = z[group == g]
            total[g] = (part * weights[group == g, None]).T @ part
        return total

    @property
    def W(self) -> Floats:
        """Posterior mean of the weights [p', q']."""
        return self._joined(self.blocks.mean)

    def scores(self, context: Context, W: Floats) -> Floats:
        """x' W a of every member and article for each of the W [s, p', q'], [s, n, m]: click rates or their log-odds."""
        x, a = self._sides(context.member_features, context.article_features)
        (s, p, q), m = W.shape, len(a)
        pulls = exact.dot(W.reshape(-1, q), a).reshape(s, p, m)
        return np.moveaxis(
            exact.dot(x, pulls.swapaxes(1, 2).reshape(-1, p)).reshape(-1, s, m), 1, 0
        )

    def draws(self, noise: Floats) -> Floats:
        """Posterior draws of W [s, p', q'] from standard normal noise [s, b, d]."""
        return self._joined(self.blocks.draws(noise))

    def widths(self, context: Context) -> Floats:
        """sqrt(z' A^-1 z) of every member and article [n, m], A the posterior precision.

        One block: with z = x (x) a this is sqrt(x' C x), C [p', p'] the covariance contracted with the article, so that a
        member costs p'^2 for each article instead of (p' q')^2.
        """
        x, a = self._sides(context.member_features, context.article_features)
        if self._turned:
            used, at = np.unique(a.argmax(axis=1), return_inverse=True)
            return lengths(x, self.blocks.root[used])[:, at]
        if self.model == "disjoint":
            return lengths(a, self.blocks.root)[:, x.argmax(axis=1)].T
        (p, q), (root, scale) = self._shape, unit(self.blocks.root)
        pulls = root.reshape(p, q, -1).swapaxes(1, 2).reshape(-1, q)
        K, more = unit(exact.dot(a, pulls).reshape(len(a), p, -1))
        C = np.stack([exact.dot(part, part) for part in K]).reshape(-1, p)
        squares, on_grid = np.empty((len(x), len(a))), exact.snap(x)
        for first in range(0, len(x), _PIECE):
            some = on_grid[first : first + _PIECE]
            Cx = exact.snap(exact.dot(some, C)).reshape(len(some), len(a), p)
            squares[first : first + _PIECE] = (Cx @ some[:, :, None])[:, :, 0]
        return np.asarray(scale * more * np.sqrt(np.maximum(squares, 0.0)))

    def learn(self, round: Round) -> None:
        """From the filled slots of those who opened, each weighted by the chance that it was looked at."""
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        opened, rows = np.unique(rows, return_inverse=True)
        x, a = self._sides(round.context.member_features[opened], round.context.article_features)
        eta = (x @ self.W @ a.T)[rows, index]
        rate = np.clip(eta if self.link == "linear" else expit(eta), 1e-3, 0.9)
        looked = self._examination.weights(rate, slots, clicked)
        if len(rows) <= FEW:
            for g, z, click, weight in zip(
                *self._looks(x, a, rows, index), clicked, looked, strict=True
            ):
                self.blocks.look(int(g), z, float(click), float(weight), self.link)
        else:
            self._newton(x, a, rows, index, clicked, looked)
        self._examination.learn(rate, slots, clicked)

    def _newton(
        self, x: Floats, a: Floats, rows: Ints, index: Ints, clicked: Floats, looked: Floats
    ) -> None:
        """The mode of prior and looks together, and the precision there: one step where linear, which is exact; where
        logistic Chapelle & Li 2011, algorithm 3, with the full precision matrix."""
        import torch

        old, mean = self.blocks, self.blocks.mean
        for _ in range(STEPS):
            eta = (x @ self._joined(mean) @ a.T)[rows, index]
            rate = eta if self.link == "linear" else expit(eta)
            curvature = np.ones_like(eta) if self.link == "linear" else rate * (1 - rate)
            precision = old.precision + self._gram(x, a, rows, index, looked * curvature)
            back = (old.precision @ (mean - old.mean)[:, :, None])[:, :, 0]
            push = (
                self._split(moment(x, a, rows, index, clicked - looked * rate).reshape(self._shape))
                - back
            )
            factor = torch.linalg.cholesky(torch.from_numpy(precision))
            step = torch.cholesky_solve(torch.from_numpy(push)[:, :, None], factor)[:, :, 0].numpy()
            if self.link == "logistic":
                along = (x @ self._joined(step) @ a.T)[rows, index]
                bend = float((step * (old.precision @ step[:, :, None])[:, :, 0]).sum())
                step = step * _length(eta, along, clicked, looked, float((back * step).sum()), bend)
            mean = mean + step
            if self.link == "linear" or float((push * step).sum()) < CLOSE:
                break
        self.blocks.update(mean, precision, factor)

    def state(self) -> State:
        return {name: array.copy() for name, array in vars(self.blocks).items()} | {
            "examination": self._examination.state()
        }

    def restore(self, state: State) -> None:
        """Raises ValueError for other shapes or types, and for matrices that are no posterior's."""
        check.like("examination", state["examination"], self._examination.state())
        self.blocks = self.blocks.restored(state)
        self._examination = Examination.restore(state["examination"])


def _length(
    eta: Floats, along: Floats, clicked: Floats, looked: Floats, slope: float, bend: float
) -> float:
    """How much of a Newton step to take: halved until the negative log posterior, less its value at 0, is not positive."""
    length = 1.0
    for _ in range(30):
        moved = eta + length * along
        gain = clicked * length * along - looked * (np.logaddexp(0, moved) - np.logaddexp(0, eta))
        if length * slope + length**2 * bend / 2 <= gain.sum() + 1e-9:
            break
        length /= 2
    return length
