"""An examination model and the articles' attractions from a log of opened newsletters, by EM.

Chuklin, Markov & de Rijke 2015, chapter 4. Given the clicks, whether a slot was looked at is a
hidden chain of two states, so one forward-backward pass is the E-step of every model; the M-step is
the model's own (`maximise`), and an article's attraction is its clicks over its expected looks. At
click rates of a few per cent EM creeps, since hardly anything tells whether a slot was looked at;
SQUAREM (Varadhan & Roland 2008, "Simple and globally convergent methods for accelerating the
convergence of any EM algorithm", scheme S3) takes the long steps, and none that lowers the
likelihood.

EM leaves what is 0 or 1 where it is. That settles the scale: clicks tell examination times
attraction, so the joint fit starts with, and thereby keeps, the first slot's chance at 1; an
attraction is P(click | opened, shown in the first slot). Open this to fit a model to a log;
`compare.py` chooses between models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from scipy.special import xlog1py, xlogy

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from simulators.examination.walk import Examine, tabulate

M = TypeVar("M", bound=Examine)
Nested = float | tuple["Nested", ...]
CHUNK = 1 << 14  # rows at a time: what the E-step works on stays in the processor's cache
FAR = 10.0  # no extrapolation beyond logits of ±10: EM could not come back


@dataclass(frozen=True)
class Fit(Generic[M]):
    """What `fit` found.

    model: the most likely one
    attraction: [m], P(click | examined) of each article; empty where p was given
    log_likelihood: before each accelerated step and after the last
    converged: whether the last step gained less than the tolerance
    """

    model: M
    attraction: Floats
    log_likelihood: tuple[float, ...]
    converged: bool


def fit(
    model: M,
    article: Ints,
    clicks: Bools,
    p: Floats | None = None,
    slots: int | None = None,
    prior: float = 0.0,
    tolerance: float = 1e-3,
    most: int = 300,
) -> Fit[M]:
    """The model, of the kind of `model` and starting there, that makes the clicks most likely.

    Without p, members who differ in how readily they click pass for effects of earlier clicks:
    satisfaction is underestimated, looks after a click are overestimated. Clicks that the model
    rules out (a second one under `Cascade`) are left out, with all below them in that newsletter.

    article: [n, k], index of the article in each slot, -1 where it is empty; only opened
        newsletters
    clicks: [n, k]
    p: [n, k], P(click | examined) of each member and slot, from a simulation or a profile model;
        without it one attraction for each article is estimated with the model, with the first
        slot's chance at 1
    slots: of the layout, where the log holds only its top k
    prior: looks that the log's mean click rate counts for in each attraction (a Beta prior; its log
        density is added to the log-likelihood); 0 is maximum likelihood
    tolerance: stop where an accelerated step, of three EM steps, gains less log-likelihood
    most: how many such steps to take at the most

    Raises ValueError naming the first bad value.
    """
    article, clicks = np.asarray(article), np.asarray(clicks, dtype=bool)
    _check(article, clicks, p)
    m = int(article.max(initial=-1)) + 1
    start = model if p is not None else model.fix_scale()
    groups = list(_group(tabulate(start, clicks.shape[1], slots), article, clicks, p, m))
    shown = np.bincount(article[article >= 0], minlength=m)
    clicked = np.bincount(article[clicks], minlength=m)
    rate = clicked.sum() / max(int(shown.sum()), 1)
    smooth = shown + prior
    attraction = np.zeros(0)
    if p is None:
        attraction = (clicked + prior * rate) / np.where(smooth > 0, smooth, 1)
    em = _GroupedLog(
        groups, m, slots or clicks.shape[1], p is None, prior * rate, prior * (1 - rate)
    )
    now: tuple[M, Floats] = (start, attraction)
    trace: list[float] = []
    for _ in range(most):
        one, value = em.step(*now)
        trace.append(value)
        if len(trace) > 1 and trace[-1] - trace[-2] < tolerance:
            break
        two, least = em.step(*one)
        landed, reached = em.step(*_extrapolate(now, one, two))
        now = landed if reached >= least else two
    else:
        trace.append(em.step(*now)[1])
    return Fit(now[0], now[1], tuple(trace), len(trace) <= most)


@dataclass(frozen=True)
class _Group:
    """Newsletters with the same clicks: clicked [depth], article and p (if given) [depth, rows]."""

    clicked: tuple[bool, ...]
    article: Ints
    p: Floats | None


def _group(
    chances: Floats, article: Ints, clicks: Bools, p: Floats | None, m: int
) -> Iterator[_Group]:
    """The log by click pattern, a chunk at a time.

    Empty slots are article m, whose attraction is 0.
    """
    patterns, which = np.unique(clicks, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(which.ravel()))[:-1])
    for pattern, rows in zip(patterns, parts, strict=True):
        depth = _count_possible(chances, pattern)
        for i in range(0, len(rows), CHUNK):
            some = rows[i : i + CHUNK]
            cells = np.ascontiguousarray(article[some, :depth].T)
            cells[cells < 0] = m
            given = None
            if p is not None:
                given = np.where(cells < m, np.minimum(p[some, :depth].T, 1 - 1e-12), 0.0)
            yield _Group(tuple(map(bool, pattern[:depth])), cells, given)


def _count_possible(chances: Floats, clicked: Bools) -> int:
    """How many slots from the top could have these clicks at all."""
    last = 0
    looked, passed = True, False  # can the slot above have been looked at, can it not have been?
    for j, click in enumerate(clicked):
        no, yes = chances[:, last, j]
        can_look = (looked and yes > 0) or (passed and no > 0)
        if click and not can_look:
            return j
        passed = not click and ((looked and yes < 1) or (passed and no < 1))
        looked, last = can_look, j + 1 if click else last
    return len(clicked)


@dataclass(frozen=True)
class _GroupedLog:
    """A log in groups, of which EM takes steps.

    groups: the newsletters
    articles: how many there are
    slots: of the layout
    joint: whether attractions are estimated, too
    prior_clicks, prior_skips: looks with and without a click that are added to each article's
    """

    groups: list[_Group]
    articles: int
    slots: int
    joint: bool
    prior_clicks: float
    prior_skips: float

    def step(self, model: M, attraction: Floats) -> tuple[tuple[M, Floats], float]:
        """One EM step: the new (model, attraction), and the log-likelihood of the old."""
        chances = model.chances(self.slots)
        tried, looked = np.zeros(chances.shape), np.zeros(chances.shape)
        looks, clicked = np.zeros(self.articles + 1), np.zeros(self.articles + 1)
        padded, value = np.append(attraction, 0.0), 0.0
        for group in self.groups:
            p = padded[group.article] if group.p is None else group.p
            seen, gain = expect_looks(chances, p, group.clicked, tried, looked)
            value += gain
            if self.joint:
                looks += np.bincount(group.article.ravel(), seen.ravel(), len(looks))
                for j in np.flatnonzero(group.clicked):
                    clicked += np.bincount(group.article[j], minlength=len(looks))
        if self.joint:
            value += float(
                xlogy(self.prior_clicks, attraction).sum()
                + xlog1py(self.prior_skips, -attraction).sum()
            )
            clicked = clicked + self.prior_clicks
            looks = looks + self.prior_clicks + self.prior_skips
            attraction = np.where(looks > 0, clicked / np.where(looks > 0, looks, 1.0), padded)[:-1]
        return (model.maximise(tried, looked), attraction), value


def expect_looks(
    chances: Floats, p: Floats, clicked: Sequence[bool], tried: Floats, looked: Floats
) -> tuple[Floats, float]:
    """The E-step: forward and back over newsletters with the same clicks.

    Returns P(examined | all clicks) [depth, rows] and the log-likelihood. Adds each state's
    expected visits to `tried` and its looks to `looked`, both as `chances`.

    chances: [2, slots + 1, slots], as `Examine.chances`
    p: [depth, rows], P(click | examined)
    clicked: [depth]
    """
    depth, rows = p.shape
    lasts = [0]
    for j, click in enumerate(clicked):
        lasts.append(j + 1 if click else lasts[-1])
    above, value = [np.ones(rows)], 0.0  # P(the slot above was looked at | clicks above)
    for j, click in enumerate(clicked):
        no, yes = chances[:, lasts[j], j]
        looks = above[j] * yes + (1 - above[j]) * no
        chance = looks * p[j]
        value += float(np.log(chance).sum() if click else np.log1p(-chance).sum())
        above.append(np.ones(rows) if click else (looks - chance) / (1 - chance))
    seen = np.empty((depth, rows))
    # P(clicks below | this slot was looked at, was not), up to a factor
    below_yes, below_no = np.ones(rows), np.ones(rows)
    for j in range(depth - 1, -1, -1):
        no, yes = chances[:, lasts[j], j]
        if clicked[j]:
            go, stay = p[j] * below_yes, np.zeros(rows)
        else:
            go, stay = (1 - p[j]) * below_yes, below_no
        below_yes, below_no = yes * go + (1 - yes) * stay, no * go + (1 - no) * stay
        total = above[j] * below_yes + (1 - above[j]) * below_no
        visits = above[j] * below_yes / total  # P(the slot above was looked at | all clicks)
        from_yes, from_no = above[j] * yes * go / total, (1 - above[j]) * no * go / total
        seen[j] = from_yes + from_no
        tried[1, lasts[j], j] += visits.sum()
        tried[0, lasts[j], j] += rows - visits.sum()
        looked[1, lasts[j], j] += from_yes.sum()
        looked[0, lasts[j], j] += from_no.sum()
        below_yes, below_no = below_yes / total, below_no / total
    return seen, value


def _extrapolate(
    zero: tuple[M, Floats], one: tuple[M, Floats], two: tuple[M, Floats]
) -> tuple[M, Floats]:
    """From three EM iterates to where they are heading, in logits (SQUAREM)."""
    vectors = [
        np.concatenate([_flatten(_list_numbers(model)), attraction])
        for model, attraction in (zero, one, two)
    ]
    free = np.all([(v > 0) & (v < 1) for v in vectors], axis=0)
    a, b, c = (np.log(v[free]) - np.log1p(-v[free]) for v in vectors)
    step, turn = b - a, c - 2 * b + a
    ratio = float(np.linalg.norm(step)) / max(float(np.linalg.norm(turn)), 1e-300)
    size = min(max(1.0, ratio), 1e3)
    leap = vectors[2].copy()
    inside = np.clip(a + 2 * size * step + size**2 * turn, np.minimum(-FAR, c), np.maximum(FAR, c))
    leap[free] = 1 / (1 + np.exp(-inside))
    cut = len(leap) - len(two[1])
    numbers = iter(leap[:cut].tolist())
    kind: Any = type(two[0])  # its options are the numbers, in the order of its fields
    return kind(*(_unflatten(each, numbers) for each in _list_numbers(two[0]))), leap[cut:]


def _list_numbers(model: Examine) -> tuple[Nested, ...]:
    """A model's numbers, which are all that it has, as tuples of its own shape."""
    return tuple(vars(model).values())


def _flatten(values: Nested) -> Floats:
    """Nested tuples of numbers as one vector."""
    if not isinstance(values, tuple):
        return np.array([values])
    return np.concatenate([np.zeros(0), *map(_flatten, values)])


def _unflatten(like: Nested, numbers: Iterator[float]) -> Nested:
    """The next numbers in the shape of `like`."""
    if not isinstance(like, tuple):
        return next(numbers)
    return tuple(_unflatten(each, numbers) for each in like)


def _check(article: Ints, clicks: Bools, p: Floats | None) -> None:
    check.shape("clicks", clicks, article.shape)
    if not len(clicks):
        raise ValueError("the log holds no opened newsletter; fitting needs at least one")
    empty = clicks & (article < 0)
    if empty.any():
        i, j = np.argwhere(empty)[0]
        raise ValueError(
            f"clicks[{i}, {j}] is true; slot {j + 1} is empty there (article {article[i, j]})"
        )
    if p is not None:
        check.shape("p", p, article.shape)
        bad = (article >= 0) & ~((p >= 0) & (p <= 1))
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise ValueError(f"p[{i}, {j}] = {p[i, j]}; must be in [0, 1]")
