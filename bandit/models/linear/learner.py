"""Linear and logistic click models in attributes and text: the learner of `lin_ts` and `lin_ucb`.

P(click | examined) = link(x' W a), with a Gaussian posterior over W. What x and a are is told by
`bandit.models.linear.forms`; open this file to see how the model scores and learns.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bandit.compiling import is_worth
from bandit.core import exact
from bandit.core.state import State, require
from bandit.core.types import Context, Floats, Ints, Round
from bandit.features.features import Features
from bandit.models.bilinear import factorise, moment, solve
from bandit.models.examination import Examination
from bandit.models.linear.blocks import (
    Blocks,
    find_scale,
    measure_lengths,
    scale_down,
    shorten,
)
from bandit.models.linear.forms import Design, Form
from bandit.models.link import expit, logit

FEW = 8  # looks up to which an issue is learned one by one
PIECE = 256  # members whose widths are computed together, so that it fits the processor's cache
STEPS = 20  # Newton steps at most
CLOSE = 1e-6  # squared distance from the mode, in posterior sds, at which Newton steps end


class Linear:
    """A linear click model of the given form (see `bandit.models.linear.forms.Form`)."""

    def __init__(self, form: Form) -> None:
        self.form = form

    def start(self, features: Features) -> None:
        """Set up for these features. Raises ValueError where the form's `by` is no attribute."""
        form, design = self.form, Design(self.form, features)
        mean, precision = np.zeros(design.shape), np.full(design.shape, float(form.ridge))
        mean[design.constants] = form.rate if form.link == "linear" else logit(form.rate)
        precision[design.constants] *= form.constant
        if form.link == "logistic":  # what a look at the starting rate says about the log-odds
            precision *= form.rate * (1 - form.rate)
        self._design, self._examination = design, Examination.start(form.max_slots)
        self.blocks = Blocks.start(design.split(mean), design.split(precision))

    @property
    def W(self) -> Floats:
        """Posterior mean of the weights [p', q']."""
        return self._design.join(self.blocks.mean)

    def score(self, context: Context, W: Floats) -> Floats:
        """x' W a of every member and article for each of the W [s, p', q'], [s, n, m].

        These are click rates where the link is linear, and their log-odds where it is logistic.
        """
        return self.prepare_scores(context, W)(slice(None))

    def prepare_scores(self, context: Context, W: Floats) -> Callable[[slice | Ints], Floats]:
        """What gives `score` [s, rows, m] of some of the members.

        Raises ValueError as `exact.dot` does.
        """
        x, a = self._design.expand(context.member_features, context.article_features)
        (s, p, q), m = W.shape, len(a)
        # draws under a prior that says hardly anything may be beyond the range of exact products
        rows, scale = shorten(W.reshape(-1, q))
        pulls = exact.dot(rows, a).reshape(s, p, m).swapaxes(1, 2).reshape(-1, p)
        short, more = shorten(pulls)
        members, both, scale = exact.Factor.of(x), exact.Factor.of(short), scale * more

        def score(rows: slice | Ints) -> Floats:
            some = exact.dot(exact.Factor(members.table[rows], members.longest), both)
            some = some if scale == 1 else scale * some
            return np.moveaxis(some.reshape(-1, s, m), 1, 0)

        score(slice(0, 0))  # what it raises, it raises here
        return score

    def draw(self, noise: Floats) -> Floats:
        """Posterior draws of W [s, p', q'] from standard normal noise [s, b, d]."""
        return self._design.join(self.blocks.draw(noise))

    def measure_widths(self, context: Context) -> Floats:
        """sqrt(z' A^-1 z) of every member and article [n, m], A the posterior precision."""
        return self.prepare_widths(context.article_features)(context.member_features)

    def prepare_widths(self, article_features: Floats) -> Callable[[Floats], Floats]:
        """What gives `measure_widths` [n, m] of these articles for any members' features [n, p].

        Nearly all of the work for a few thousand members depends on the articles alone.
        """
        design, root = self._design, self.blocks.root
        a = design.expand_articles(article_features)
        if design.joint:
            contracted = _contract(a, root.reshape(*design.shape, -1))
            return lambda x: contracted.measure(design.expand_members(x))
        if design.by_column:
            used, at = np.unique(a.argmax(axis=1), return_inverse=True)
            roots = root[used]
            return lambda x: measure_lengths(design.expand_members(x), roots)[:, at]
        lengths = measure_lengths(a, root)
        return lambda x: lengths[:, design.expand_members(x).argmax(axis=1)].T

    def learn(self, round: Round) -> None:
        """Learn from the filled slots of members who opened.

        Each slot is weighted by the chance that it was looked at.
        """
        rows, slots, index, clicked = round.list_exposures()
        if not len(rows):
            return
        context, design = round.context, self._design
        opened, rows = np.unique(rows, return_inverse=True)
        x, a = design.expand(context.member_features[opened], context.article_features)
        rate = np.clip(self._predict((x @ self.W @ a.T)[rows, index]), 1e-3, 0.9)
        looked = self._examination.weigh(rate, slots, clicked)
        if len(rows) <= FEW:
            looks = zip(*design.locate(x, a, rows, index), clicked, looked, strict=True)
            for g, z, click, weight in looks:
                self.blocks.look(int(g), z, float(click), float(weight), self.form.link)
        else:
            self._learn_batch(x, a, rows, index, clicked, looked)
        self._examination.learn(rate, slots, clicked)

    def _predict(self, eta: Floats) -> Floats:
        """Click rates of scores, any shape."""
        return eta if self.form.link == "linear" else np.asarray(expit(eta))

    def _learn_batch(
        self, x: Floats, a: Floats, rows: Ints, index: Ints, clicked: Floats, looked: Floats
    ) -> None:
        """Find the mode of prior and looks together, and the precision there.

        Where the link is linear this is one Newton step, which is exact; where it is logistic,
        Chapelle & Li 2011, algorithm 3, with the full precision matrix.
        """
        design, linear = self._design, self.form.link == "linear"
        old, mean = self.blocks, self.blocks.mean
        for _ in range(STEPS):
            eta = (x @ design.join(mean) @ a.T)[rows, index]
            rate = self._predict(eta)
            curvature = np.ones_like(eta) if linear else rate * (1 - rate)
            precision = old.precision + design.gram(x, a, rows, index, looked * curvature)
            back = (old.precision @ (mean - old.mean)[:, :, None])[:, :, 0]
            pull = moment(x, a, rows, index, clicked - looked * rate).reshape(design.shape)
            push = design.split(pull) - back
            factors = [factorise(each) for each in precision]
            step = np.stack([solve(*each) for each in zip(factors, push, strict=True)])
            if not linear:
                along = (x @ design.join(step) @ a.T)[rows, index]
                bend = float((step * (old.precision @ step[:, :, None])[:, :, 0]).sum())
                slope = float((back * step).sum())
                step = step * _find_length(eta, along, clicked, looked, slope, bend)
            mean = mean + step
            if linear or float((push * step).sum()) < CLOSE:
                break
        self.blocks.update(mean, precision, factors)

    def state(self) -> State:
        """The posterior and the position curve, as named arrays."""
        kept = {name: array.copy() for name, array in vars(self.blocks).items()}
        return kept | {"examination": self._examination.state()}

    def restore(self, state: State) -> None:
        """Raises ValueError for other shapes or types, and for matrices that are no posterior's."""
        require(state, self.state())
        self.blocks = self.blocks.read_state(state)
        self._examination = self._examination.read_state(state["examination"])


class _Contracted(NamedTuple):
    """A covariance contracted with each of m articles.

    C: [m p, p], one below the other, rounded to the grid; scale: what its roots are multiplied by
    """

    C: exact.Factor
    scale: float

    def measure(self, x: Floats) -> Floats:
        """sqrt(x' C x) [n, m] of members [n, p]: p^2 steps for each article, not (p q)^2."""
        p, on_grid = x.shape[1], exact.Factor.of(x)
        m = len(self.C.table) // p
        exact.dot(exact.Factor(on_grid.table[:0], on_grid.longest), self.C)  # raises out of range
        # no entry of C is above 1, so sums are exact in any order
        if p * on_grid.longest**2 < exact.LIMIT and is_worth(len(x) * m * p):
            squares = self._add_compiled(on_grid.table, m)
        else:
            squares = self._add(on_grid.table, m)
        return np.asarray(self.scale * np.sqrt(np.maximum(squares, 0.0)))

    def _add(self, x: Floats, m: int) -> Floats:
        """x' C x [n, m] of members on the grid [n, p]."""
        squares = np.empty((len(x), m))
        for first in range(0, len(x), PIECE):
            some = x[first : first + PIECE]
            Cx = exact.snap(exact.dot(some, self.C)).reshape(len(some), m, -1)
            squares[first : first + PIECE] = (Cx @ some[:, :, None])[:, :, 0]
        return squares

    def _add_compiled(self, x: Floats, m: int) -> Floats:
        """The same to the bit, in a compiled loop."""
        from bandit.models.linear.compiled import add_squares

        squares, p = np.zeros((len(x), m)), x.shape[1]
        C = self.C.table.reshape(m, p, p).transpose(1, 2, 0)
        add_squares(np.ascontiguousarray(x), np.ascontiguousarray(C), squares)
        return squares


def _contract(a: Floats, root: Floats) -> _Contracted:
    """What measures sqrt(z' R R' z) of z = x (x) a, for a [m, q] and the root R [p, q, p q]."""
    p, q, _ = root.shape
    root, scale = scale_down(root)
    pulls = root.swapaxes(1, 2).reshape(-1, q)
    K = exact.dot(a, pulls).reshape(len(a), p, -1)
    more, C = find_scale(K), np.empty((len(a), p, p))
    for part, contracted in zip(K, C, strict=True):  # one that fits the cache after the other
        rows = exact.Factor.of(part / more)
        contracted[:] = exact.dot(rows, rows)
    return _Contracted(exact.Factor.of(C.reshape(-1, p)), scale * more)


def _find_length(
    eta: Floats, along: Floats, clicked: Floats, looked: Floats, slope: float, bend: float
) -> float:
    """How much of a Newton step to take.

    The step is halved until the negative log posterior, less its value at 0, is not positive.
    """
    length = 1.0
    for _ in range(30):
        moved = eta + length * along
        gain = clicked * length * along - looked * (np.logaddexp(0, moved) - np.logaddexp(0, eta))
        if length * slope + length**2 * bend / 2 <= gain.sum() + 1e-9:
            break
        length /= 2
    return length
