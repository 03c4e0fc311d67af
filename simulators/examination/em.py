"""An examination model and the articles' attractions from a log of opened newsletters, by EM.

Chuklin, Markov & de Rijke 2015, chapter 4. Given the clicks, whether a slot was looked at is a hidden chain of two states,
so one forward-backward pass is the E-step of every model; the M-step is the model's own (`learned`), and an article's
attraction is its clicks over its expected looks. At click rates of a few per cent EM creeps, since hardly anything tells
whether a slot was looked at; SQUAREM (Varadhan & Roland 2008, "Simple and globally convergent methods for accelerating the
convergence of any EM algorithm", scheme S3) takes the long steps, and none that lowers the likelihood.

EM leaves what is 0 or 1 where it is. That settles the scale: clicks tell examination times attraction, so the joint fit
starts with, and thereby keeps, the first slot's chance at 1; an attraction is P(click | opened, shown in the first slot).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from scipy.special import xlog1py, xlogy

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints, Round
from simulators.examination.walk import Examine, perplexity, table

M = TypeVar("M", bound=Examine)
CHUNK = 1 << 14  # rows at a time: what the E-step works on stays in the processor's cache
FAR = 10.0  # no extrapolation beyond logits of ±10: EM could not come back


@dataclass(frozen=True)
class Fit(Generic[M]):
    """model: the most likely one. attraction [m]: P(click | examined) of each article (empty where p was given).
    log_likelihood: before each accelerated step and after the last. converged: within the tolerance."""

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
    """The model, of the kind of `model` and starting there, that makes the clicks [n, k] most likely.

    article [n, k]: index of the article in each slot, -1 where it is empty; only opened newsletters. p [n, k]: P(click |
    examined) of each member and slot, from a simulation or a profile model; without it one attraction for each article
    is estimated with the model, with the first slot's chance at 1. Members who differ in how readily they click then
    pass for effects of earlier clicks: satisfaction is underestimated, looks after a click are overestimated.
    prior: looks that the log's mean click rate counts for in each attraction (a Beta prior; its log density is added to
    the log-likelihood); 0 is maximum likelihood. tolerance: stop where an accelerated step, of three EM steps, gains less
    log-likelihood; most: such steps. Clicks that the model rules out (a second one under `Cascade`) are left out, with all
    below them in that newsletter.
    Raises ValueError naming the first bad value.
    """
    article, clicks = np.asarray(article), np.asarray(clicks, dtype=bool)
    _check(article, clicks, p)
    m = int(article.max(initial=-1)) + 1
    start: Any = model if p is not None else model.relative()
    log = list(_groups(table(start, clicks.shape[1], slots), article, clicks, p, m))
    shown = np.bincount(article[article >= 0], minlength=m)
    clicked = np.bincount(article[clicks], minlength=m)
    rate = clicked.sum() / max(int(shown.sum()), 1)
    smooth = shown + prior
    attraction = (
        (clicked + prior * rate) / np.where(smooth > 0, smooth, 1) if p is None else np.zeros(0)
    )
    em = _Log(log, m, slots or clicks.shape[1], p is None, prior * rate, prior * (1 - rate))
    now: tuple[Any, Floats] = (start, attraction)
    trace: list[float] = []
    for _ in range(most):
        one, value = em.step(*now)
        trace.append(value)
        if len(trace) > 1 and trace[-1] - trace[-2] < tolerance:
            break
        two, least = em.step(*one)
        leap = _squarem(now, one, two)
        landed, reached = em.step(*leap)
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


def _groups(
    chances: Floats, article: Ints, clicks: Bools, p: Floats | None, m: int
) -> Iterator[_Group]:
    """The log by click pattern, a chunk at a time; empty slots are article m, whose attraction is 0."""
    patterns, which = np.unique(clicks, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    for pattern, rows in zip(
        patterns, np.split(order, np.cumsum(np.bincount(which.ravel()))[:-1]), strict=True
    ):
        depth = _possible(chances, pattern)
        for i in range(0, len(rows), CHUNK):
            some = rows[i : i + CHUNK]
            cells = np.ascontiguousarray(article[some, :depth].T)
            cells[cells < 0] = m
            given = (
                None
                if p is None
                else np.where(cells < m, np.minimum(p[some, :depth].T, 1 - 1e-12), 0.0)
            )
            yield _Group(tuple(map(bool, pattern[:depth])), cells, given)


def _possible(chances: Floats, clicked: Bools) -> int:
    """How many slots from the top could have these clicks at all."""
    last, looked, not_looked = (
        0,
        True,
        False,
    )  # can the slot above have been looked at, can it have been passed by?
    for j, click in enumerate(clicked):
        no, yes = chances[:, last, j]
        can_look = (looked and yes > 0) or (not_looked and no > 0)
        if click and not can_look:
            return j
        not_looked = not click and ((looked and yes < 1) or (not_looked and no < 1))
        looked, last = can_look, j + 1 if click else last
    return len(clicked)


@dataclass(frozen=True)
class _Log:
    groups: list[_Group]
    articles: int
    slots: int
    joint: bool
    prior_clicks: float
    prior_skips: float

    def step(self, model: Any, attraction: Floats) -> tuple[tuple[Any, Floats], float]:
        """One EM step: the new (model, attraction), and the log-likelihood of the old."""
        chances = model.chances(self.slots)
        tried, looked = np.zeros(chances.shape), np.zeros(chances.shape)
        looks, clicked = np.zeros(self.articles + 1), np.zeros(self.articles + 1)
        padded, value = np.append(attraction, 0.0), 0.0
        for group in self.groups:
            p = padded[group.article] if group.p is None else group.p
            seen, gain = _e_step(chances, p, group.clicked, tried, looked)
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
            clicked, looks = (
                clicked + self.prior_clicks,
                looks + self.prior_clicks + self.prior_skips,
            )
            attraction = np.where(looks > 0, clicked / np.where(looks > 0, looks, 1.0), padded)[:-1]
        return (model.learned(tried, looked), attraction), value


def _e_step(
    chances: Floats, p: Floats, clicked: Sequence[bool], tried: Floats, looked: Floats
) -> tuple[Floats, float]:
    """Forward and back over newsletters with the same clicks, p [depth, rows]: P(examined | all clicks) [depth, rows] and
    the log-likelihood. Adds each state's expected visits and looks to `tried` and `looked`."""
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
    below_yes, below_no = (
        np.ones(rows),
        np.ones(rows),
    )  # P(clicks below | this slot was looked at, was not), up to a factor
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


def _squarem(
    zero: tuple[Any, Floats], one: tuple[Any, Floats], two: tuple[Any, Floats]
) -> tuple[Any, Floats]:
    """From three EM iterates to where they are heading, in logits."""
    vectors = [
        np.concatenate([_numbers(astuple(model)), attraction])
        for model, attraction in (zero, one, two)
    ]
    free = np.all([(v > 0) & (v < 1) for v in vectors], axis=0)
    a, b, c = (np.log(v[free]) - np.log1p(-v[free]) for v in vectors)
    step, turn = b - a, c - 2 * b + a
    size = min(
        max(1.0, float(np.linalg.norm(step)) / max(float(np.linalg.norm(turn)), 1e-300)), 1e3
    )
    leap = vectors[2].copy()
    inside = np.clip(a + 2 * size * step + size**2 * turn, np.minimum(-FAR, c), np.maximum(FAR, c))
    leap[free] = 1 / (1 + np.exp(-inside))
    cut = len(leap) - len(two[1])
    numbers = iter(leap[:cut].tolist())
    return type(two[0])(*_shaped(astuple(two[0]), numbers)), leap[cut:]


def _numbers(values: Any) -> Floats:
    """Nested tuples of numbers as one vector."""
    return (
        np.concatenate([_numbers(v) for v in values] or [np.zeros(0)])
        if isinstance(values, tuple)
        else np.array([values])
    )


def _shaped(like: Any, numbers: Iterator[float]) -> Any:
    return tuple(_shaped(v, numbers) for v in like) if isinstance(like, tuple) else next(numbers)


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


def opens(rounds: Sequence[Round]) -> tuple[list[Any], Ints, Bools]:
    """What a log tells: article ids, and for each opened newsletter their indices (-1: empty) and clicks, both [n, k]."""
    ids = pd.Index(sorted({a for r in rounds for a in r.context.article_ids}))
    rows = [np.flatnonzero(r.feedback.opened) for r in rounds]
    index = [
        np.append(ids.get_indexer(r.context.article_ids), -1) for r in rounds
    ]  # -1 picks the last: empty
    article = [
        known[r.slates.choice[some]] for r, known, some in zip(rounds, index, rows, strict=True)
    ]
    clicks = [r.feedback.clicked[some] for r, some in zip(rounds, rows, strict=True)]
    return list(ids), np.concatenate(article), np.concatenate(clicks)


def perplexities(
    models: Mapping[str, Examine],
    article: Ints,
    clicks: Bools,
    p: Floats | None = None,
    slots: int | None = None,
    prior: float = 100.0,
) -> pd.DataFrame:
    """Each model fitted to every other newsletter of a log and judged on the rest, by perplexity, overall and by slot;
    the best first. Arguments as for `fit`; an article unknown to the first half is not judged."""
    rows = []
    for name, model in models.items():
        done = fit(model, article[::2], clicks[::2], None if p is None else p[::2], slots, prior)
        rest = article[1::2]
        if p is None:
            rest = np.where(rest < len(done.attraction), rest, -1)
            wanted = np.append(done.attraction, 0.0)[rest]
        else:
            wanted = np.where(rest >= 0, p[1::2], 0.0)
        judged = perplexity(done.model, wanted, clicks[1::2] & (rest >= 0), rest >= 0, slots)
        by_slot = {f"slot {j + 1}": value for j, value in enumerate(judged.slots)}
        rows.append({"model": name, "perplexity": judged.overall} | by_slot)
    return pd.DataFrame(rows).sort_values("perplexity", kind="stable", ignore_index=True)
