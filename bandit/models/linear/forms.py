"""The forms of a linear click model: what its weights multiply, and which of them are independent.

P(click | examined) = link(x' W a). One bilinear model gives all the forms of Li, Chu, Langford &
Schapire (2010), by what x (the member) and a (the article) are:

    shared    attributes and text: one W [p, q] for everyone
    disjoint  a group instead of the article (or of the member): every group has weights of its own
              (algorithm 1)
    hybrid    the group beside the text (or the attributes), under one joint posterior (algorithm 2)

Groups are the values of an attribute, or cells of articles. A disjoint posterior falls into one
block for each group; the others are one block. Open this file for the options that `lin_ts` and
`lin_ucb` share, or to add a form.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Floats, Ints
from bandit.features.features import Features
from bandit.models.bilinear import gram
from bandit.models.linear.fourier import Fourier

MODELS, LINKS, ARTICLES = ("shared", "disjoint", "hybrid"), ("linear", "logistic"), "articles"


@dataclass(frozen=True)
class Form:
    """The options of a linear click model.

    model: 'shared', 'disjoint' or 'hybrid', as above
    link: 'linear', which is exact, or 'logistic', by Laplace's approximation, which is slower
    by: what makes the groups: 'articles', or the name of a member attribute
    axes: how many of the leading text components make the articles' cells, two a component; more
        makes more and smaller cells; None: all
    fourier: how many random Fourier features, up to 1,000, stand for the member's attributes; more
        lets taste bend more closely with them; 0: the attributes themselves
    bandwidth: how far two members may differ in each attribute and still be alike, where
        fourier > 0; higher bends less, at .05, the least, hardly two are alike (see
        `bandit.models.linear.fourier.Fourier`)
    ridge: prior precision of an entry of W, in looks; higher learns slower
    constant: prior precision of the overall rate, as a share of `ridge`; 1 is textbook, lower
        learns the rate faster
    rate: click rate to start from
    max_slots: the longest layout to be met, in slots

    Raises ValueError naming the option at fault.
    """

    model: str = "shared"
    link: str = "linear"
    by: str = ARTICLES
    axes: int | None = None
    fourier: int = 0
    bandwidth: float = 0.4
    ridge: float = 1000.0
    constant: float = 0.05
    rate: float = 0.03
    max_slots: int = 24

    def __post_init__(self) -> None:
        for what, name, valid in (("model", self.model, MODELS), ("link", self.link, LINKS)):
            if name not in valid:
                raise ValueError(f"{what} = {name!r}; must be one of {', '.join(valid)}")
        check.whole("axes", 1 if self.axes is None else self.axes, 1, 10_000)
        check.whole("fourier", self.fourier, 0, 1000)
        check.at_least("bandwidth", self.bandwidth, 0.05)
        check.at_least("ridge", self.ridge, 1e-6)
        check.at_least("constant", self.constant, 1e-6)
        check.share("rate", self.rate)
        check.whole("max_slots", self.max_slots, 1, check.MOST_SLOTS)
        if self.link == "logistic" and self.rate in (0, 1):
            raise ValueError(f"rate = {self.rate}; must be between 0 and 1 where link is logistic")


class Design:
    """What W [p', q'] multiplies, x [n, p'] and a [m, q'], and how W falls into blocks.

    form: the options
    features: how members [n, p] and articles [m, q] are read

    Raises ValueError where `by` is no attribute.
    """

    def __init__(self, form: Form, features: Features) -> None:
        members, articles = features.member_names, features.article_names
        text = [name != "constant" and not name.startswith("kind=") for name in articles]
        self._text = np.flatnonzero(text)[: form.axes]
        self._levels = np.flatnonzero([name.startswith(f"{form.by}=") for name in members])
        if form.by in features.attributes.tags:
            raise ValueError(
                f"by = {form.by!r}; its values are tags, of which a member may have several: "
                "a group needs an attribute of which a member has one value"
            )
        if form.by != ARTICLES and not len(self._levels):
            raise ValueError(
                f"by = {form.by!r}; must be {ARTICLES!r} or an attribute of "
                f"{', '.join(features.attributes.levels)}"
            )
        p, q = len(members), len(articles)
        self._fourier = Fourier.draw(p, form.fourier, form.bandwidth) if form.fourier else None
        self._model, self._by = form.model, form.by
        x, a = self.expand(np.eye(p), np.eye(q))  # only for their widths
        self.shape = (x.shape[1], a.shape[1])

    @property
    def joint(self) -> bool:
        """Whether all weights are one block, under one posterior."""
        return self._model != "disjoint"

    @property
    def by_column(self) -> bool:
        """Whether a block is a column of W: the weights of the members' x for one cell of articles.

        Where neither this nor `joint` holds, a block is a row: the weights of the articles' a for
        one group of members.
        """
        return not self.joint and self._by == ARTICLES

    @property
    def constants(self) -> tuple[slice | int, slice | int]:
        """Where W [p', q'] holds the overall click rate: one entry, or one of every group."""
        every = slice(None)
        return every if not (self.joint or self.by_column) else 0, every if self.by_column else 0

    def expand(self, x: Floats, a: Floats) -> tuple[Floats, Floats]:
        """The model's x [n, p'] and a [m, q'] from features [n, p] and [m, q].

        Groups are one-hot, instead of the features or beside them.
        """
        return self.expand_members(x), self.expand_articles(a)

    def expand_members(self, x: Floats) -> Floats:
        """The first half of `expand`."""
        wide = self._fourier.expand(x) if self._fourier else x
        if self._model == "shared" or self._by == ARTICLES:
            return wide
        known = x[:, self._levels]
        rest = 1 - known.sum(axis=1, keepdims=True)  # the last group: a value never seen before
        group = np.hstack([known, rest])
        return np.hstack([wide, group]) if self.joint else group

    def expand_articles(self, a: Floats) -> Floats:
        """The second half of `expand`."""
        if self._model == "shared" or self._by != ARTICLES:
            return a
        group = np.eye(2 * len(self._text))[find_cells(a[:, self._text])]
        return np.hstack([a, group]) if self.joint else group

    def split(self, W: Floats) -> Floats:
        """W [p', q'] as blocks [b, d]."""
        if self.joint:
            return W.reshape(1, -1)
        return np.ascontiguousarray(W.T) if self.by_column else W

    def join(self, blocks: Floats) -> Floats:
        """Blocks [..., b, d] as W [..., p', q']."""
        if self.by_column:
            return blocks.swapaxes(-1, -2)
        return blocks.reshape(*blocks.shape[:-2], *self.shape)

    def locate(self, x: Floats, a: Floats, rows: Ints, index: Ints) -> tuple[Ints, Floats]:
        """Each look's block [e], and the z [e, d] that the block's weights are multiplied with.

        x: [n, p'], a: [m, q'], as `expand` returns them
        rows, index: [e], the member and the article of each look
        """
        if self.joint:
            z = np.einsum("ep,eq->epq", x[rows], a[index])
            return np.zeros_like(rows), z.reshape(len(rows), -1)
        if self.by_column:
            return a.argmax(axis=1)[index], x[rows]
        return x.argmax(axis=1)[rows], a[index]

    def gram(self, x: Floats, a: Floats, rows: Ints, index: Ints, weights: Floats) -> Floats:
        """sum_e w_e z_e z_e' of each block, [b, d, d], with z as in `locate`, weights [e]."""
        if self.joint:
            return gram(x, a, rows, index, weights)[None]
        p, q = self.shape
        count, d = (q, p) if self.by_column else (p, q)
        total = np.zeros((count, d, d))
        group, z = self.locate(x, a, rows, index)
        for g in np.unique(group):
            part = z[group == g]
            total[g] = (part * weights[group == g, None]).T @ part
        return total


def find_cells(coordinates: Floats) -> Ints:
    """The cell of each article [m] by its text [m, d]: the nearest of the 2 d signed axes.

    Cells are numbered from 0 to 2 d - 1. This is cross-polytope hashing (Andoni et al. 2015) on the
    columns that text is read as: no corpus is needed, an article never changes its cell, and
    one-hot articles (classes) get a cell each.
    """
    axis = np.abs(coordinates).argmax(axis=1)
    return np.asarray(2 * axis + (coordinates[np.arange(len(axis)), axis] < 0))
