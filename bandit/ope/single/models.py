"""Models of rewards for `doubly_robust`, each fitted on the sends of other members.

A model that has seen the rewards it is corrected by flatters itself, and the estimate leans; so
every model here is cross-fitted. All are weighted ridge regressions: they take milliseconds, and a
fold without a click is no special case. Weights are those of the sends, so a model is best where
the target looks (more robust DR: Farajtabar, Chow & Ghavamzadeh 2018). Open this file to choose
one; `experiments.ope_benchmark` says what each is worth.
"""

from collections.abc import Callable

import numpy as np

from bandit.core import check
from bandit.core.types import Floats
from bandit.ope.folds import assign_folds
from bandit.ope.single.log import Log

RIDGE = 10.0  # sends' worth of belief that a coefficient of a standardised feature is 0
FOLDS = 5

Fit = Callable[[Log, Log], Floats]


def cross_fit(log: Log, fit: Fit, folds: int = FOLDS, seed: int = 0) -> Floats:
    """The model's rewards of each article, [n, m], of sends that the model has not seen.

    fit: from the sends to learn from, and those to speak of, [e, m] of the latter (`fit_articles`)
    folds: parts of the members; more of them learn from more sends and take longer
    seed: keys who is in which part

    Raises ValueError for fewer than two folds.
    """
    fold = assign_folds(log.members, folds, seed)
    model = np.zeros(log.logged.shape)
    for each in range(folds):
        seen, asked = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        if len(asked) and len(seen):
            model[asked] = fit(log.take(seen), log.take(asked))
    return model


def fit_articles(seen: Log, asked: Log, ridge: float = RIDGE) -> Floats:
    """A regression of its own for each article on the features, [e, m].

    An article that was never shown has the mean reward of all.

    ridge: in sends; a higher one draws each article closer to its mean reward
    """
    check.at_least("ridge", ridge, 0.0)
    w, reward = seen.weigh(), np.asarray(seen.reward, np.float64)
    center, scale = seen.features.mean(axis=0), seen.features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    x, z = (seen.features - center) / scale, (asked.features - center) / scale
    model = np.full(asked.logged.shape, reward.mean())
    for article in np.unique(seen.action):
        rows = seen.action == article
        model[:, article] = _regress(x[rows], reward[rows], w[rows], ridge, z)
    return model


def fit_chances(seen: Log, asked: Log, ridge: float = 0.01) -> Floats:
    """One regression for all articles, on how likely either policy shows each, [e, m].

    A target that was made to earn more says by its own chances where it expects to. This knows
    nothing of features or articles, so it learns from few clicks, and from the whole log at once.

    ridge: in sends, as for `fit_articles`
    """
    return _fit_columns(seen, _list_chances(seen), _list_chances(asked), ridge)


def fit_both(seen: Log, asked: Log, ridge: float = 0.01) -> Floats:
    """`fit_chances` with what `fit_articles` says as two columns more, [e, m].

    What `fit_articles` says of the sends it learns from is cross-fitted too.
    """
    inner = cross_fit(seen, fit_articles, folds=2)
    known = _add_columns(seen, inner)
    return _fit_columns(seen, known, _add_columns(asked, fit_articles(seen, asked)), ridge)


def _add_columns(log: Log, told: Floats) -> Floats:
    more = np.stack([told, told * log.target], axis=2)
    return np.concatenate([_list_chances(log), more], axis=2)


def _list_chances(log: Log) -> Floats:
    logged, target = log.logged, log.target
    return np.stack([logged, target, logged * target, target**2, logged**2], axis=2)


def _fit_columns(seen: Log, known: Floats, asked: Floats, ridge: float) -> Floats:
    """A regression of rewards on columns [n, m, c], kept within the rewards that were seen."""
    x = known[np.arange(len(seen)), seen.action]
    reward = np.asarray(seen.reward, np.float64)
    flat = asked.reshape(-1, asked.shape[2])
    told = _regress(x, reward, seen.weigh(), ridge, flat).reshape(asked.shape[:2])
    return np.clip(told, reward.min(), reward.max())


def _regress(x: Floats, y: Floats, w: Floats, ridge: float, asked: Floats) -> Floats:
    """What a ridge regression with an intercept, on rows that count by w, says of others."""
    if not w.any():
        return np.full(len(asked), y.mean())
    w = w / w.mean()
    center, mean = np.average(x, axis=0, weights=w), np.average(y, weights=w)
    rest = x - center
    gram = (rest * w[:, None]).T @ rest + (ridge + 1e-9) * np.eye(x.shape[1])
    slope = np.linalg.solve(gram, (rest * w[:, None]).T @ (y - mean))
    return np.asarray(mean + (asked - center) @ slope)
