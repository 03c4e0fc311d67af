"""Slates of five slots and five articles, with three ways in which slots act on one another.

As in Kiyohara, Saito, Matsuhiro, Narita, Shimizu & Yamamoto (2022), section 5: rewards of a slot
depend on its own article alone, on those above too (the cascade), or on all. No estimator is told
which. Open this file for how ours does without the hint.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Bools, Floats, Ints
from bandit.ope import estimators
from bandit.ope.choosing import blend
from bandit.ope.folds import cross_fit
from bandit.ope.whole.doubly_robust import cascade_dr
from experiments.ope_benchmark.measure import Goal, Part, compare, find_best, list_errors

M, SLOTS, SENDS = 5, 5, 1000
RIDGE = 3.0  # of the models that are blended, in sends; chosen on seeds 100 to 199
REACH = {  # which of the other slots [k, k] act on a slot, and how far
    "apart": np.zeros((SLOTS, SLOTS)),
    "cascade": np.tril(np.ones((SLOTS, SLOTS)), -1),
    "all": 1 - np.eye(SLOTS),
}
SPECIALISTS = ("ips", "snips", "cascade", "rips", "cascade-dr", "item-position", "item-position-dr")


@dataclass(frozen=True)
class SlateLog:
    """A log of slates whose slots are drawn apart. Axes: n sends, k slots, m articles.

    action: [n, k]; reward: [n, k]; features: [n, d]
    logged, target: [n, k, m]
    """

    action: Ints
    reward: Floats
    features: Floats
    logged: Floats
    target: Floats

    def pick(self, pmf: Floats) -> Floats:
        """The chances [n, k] of what was shown."""
        return np.asarray(np.take_along_axis(pmf, self.action[..., None], 2)[..., 0])


def draw_run(reach: Floats, seed: int) -> tuple[SlateLog, float]:
    """One log, and what its target earns, which has a closed form."""
    rng = keys.generator("cascade", seed)
    x = rng.normal(size=(SENDS, 3))
    own = rng.normal(size=(SLOTS, 3, M)) * 0.4
    level = rng.uniform(0, 1, (SLOTS, M))
    pairs = rng.normal(size=(M, M)) * 0.4
    base = level + np.einsum("nd,kdm->nkm", x, own)
    logged, target = (_soften(scale * base + more) for scale, more in ((-0.5, 0.0), (1.5, 0.3)))
    action = (logged.cumsum(axis=2) > rng.random((SENDS, SLOTS, 1))).argmax(axis=2)
    acts = pairs[action[:, None, :], action[:, :, None]] * reach  # of slot l on slot j: [n, j, l]
    mean = np.take_along_axis(base, action[..., None], 2)[..., 0] + acts.sum(axis=2)
    reward = mean + 0.5 * rng.normal(size=mean.shape)
    met = np.einsum("nla,ab,njb->njl", target, pairs, target) * reach
    value = (target * base).sum(axis=(1, 2)).mean() + met.sum(axis=(1, 2)).mean()
    return SlateLog(action, reward, x, logged, target), float(value)


def _soften(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=2, keepdims=True))


def _expand(x: Floats, own: Floats, others: Floats) -> Floats:
    """Columns of a regression of one slot: its article, with features, and pairs with others.

    own: [e, m], one-hot, or chances of slots that are drawn apart
    others: [e, k, m], likewise, zeros for slots that do not act
    """
    crossed = (own[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    pairs = (others[:, :, :, None] * own[:, None, None, :]).sum(axis=1).reshape(len(x), -1)
    return np.concatenate([own, crossed, pairs], axis=1)


def model_pairs(log: SlateLog, acts: Bools, ridge: float = 10.0) -> tuple[Floats, Floats]:
    """A cross-fitted regression for each slot, on pairs with the slots that may act on it [k, k].

    ridge: in sends; a higher one draws coefficients closer to 0

    Returns its rewards of what was shown [n, k], and their mean over the target's slates [n, k].
    """
    shown = np.eye(M)[log.action]

    def fit(seen: Ints, asked: Ints) -> tuple[Floats, Floats]:
        told = np.zeros((2, len(asked), SLOTS))
        for j in range(SLOTS):
            mask = acts[j][None, :, None]
            known = _expand(log.features[seen], shown[seen, j], shown[seen] * mask)
            center, mean = known.mean(axis=0), log.reward[seen, j].mean()
            gram = (known - center).T @ (known - center) + ridge * np.eye(known.shape[1])
            slopes = np.linalg.solve(gram, (known - center).T @ (log.reward[seen, j] - mean))
            for at, slate in enumerate((shown[asked], log.target[asked])):
                columns = _expand(log.features[asked], slate[:, j], slate * mask)
                told[at, :, j] = mean + (columns - center) @ slopes
        return told[0], told[1]

    return cross_fit(np.arange(len(log.action)), fit, folds=4)


def model_trees(log: SlateLog) -> tuple[Floats, Floats]:
    """The reference's kind of model: a tree of depth three a slot, on what stands above it too."""
    from sklearn.tree import DecisionTreeRegressor

    codes = np.eye(M)[log.action]

    def fit(seen: Ints, asked: Ints) -> tuple[Floats, Floats]:
        shown, wanted = np.zeros((2, len(asked), SLOTS))
        for j in range(SLOTS):
            above = np.concatenate([log.features, codes[:, :j].reshape(len(codes), -1)], axis=1)
            tree = DecisionTreeRegressor(max_depth=3, random_state=0)
            tree.fit(np.concatenate([above, codes[:, j]], axis=1)[seen], log.reward[seen, j])
            for article in range(M):
                own = np.tile(np.eye(M)[article], (len(asked), 1))
                told = tree.predict(np.concatenate([above[asked], own], axis=1))
                wanted[:, j] += log.target[asked, j, article] * told
                shown[:, j] += (log.action[asked, j] == article) * told
        return shown, wanted

    return cross_fit(np.arange(len(log.action)), fit, folds=2)


def estimate_all(log: SlateLog) -> dict[str, Floats]:
    """Terms [n] of the specialists, by name, and of ours, which takes no hint."""
    logged, target = log.pick(log.logged), log.pick(log.target)
    slate = (logged, target, log.reward)
    w = target / logged
    trees = model_trees(log)
    found = {
        "ips": estimators.ips(*slate),
        "snips": estimators.snips(*slate),
        "cascade": estimators.cascade(*slate),
        "rips": estimators.cascade_sn(*slate),
        "cascade-dr": cascade_dr(*slate, *trees),
        "item-position": (w * log.reward).sum(axis=1),
    }
    shown, whole = model_pairs(log, np.zeros((SLOTS, SLOTS), dtype=bool))
    found["item-position-dr"] = (whole + w * (log.reward - shown)).sum(axis=1)
    return found | {"blend": blend_apart(log)}


def blend_apart(log: SlateLog) -> Floats:
    """Three models of pairs, each repaired by item-position weights, mixed for least variance.

    Where slots act on one another, the model carries that; the weights of single slots, which do
    not multiply, repair the rest.
    """
    w = log.pick(log.target) / log.pick(log.logged)
    terms = []
    for reach in REACH.values():
        shown, whole = model_pairs(log, reach > 0, RIDGE)
        terms.append((whole + w * (log.reward - shown)).sum(axis=1))
    return blend.blend(np.stack(terms, axis=1), np.arange(len(w)))


def run(runs: int, seed: int, tick: Callable[[], None]) -> Part:
    """Squared errors for each way of acting, of so many logs."""
    rows: list[dict[str, object]] = []
    for case, reach in REACH.items():
        for each in range(runs):
            log, truth = draw_run(reach, seed + each)
            told = estimate_all(log)
            off = {name: (float(terms.mean()) - truth) ** 2 for name, terms in told.items()}
            rows += list_errors(case, each, off)
            tick()
    errors = pd.DataFrame(rows)
    goals = []
    for case in REACH:
        other = "cascade-dr" if case == "cascade" else find_best(errors, case, SPECIALISTS)
        ratio, error = compare(errors, case, "blend", other)
        what = f"{case}: squared error of blend over that of {other}"
        goals.append(Goal(what, ratio, 0.8 if case == "cascade" else 1.1, error))
    title = f"Slates of {SLOTS} slots, {SENDS:,} sends, mean squared error (Kiyohara et al. 2022)"
    return Part("cascade", title, 1.0, errors, goals)
