"""Labelled examples as logs: each label is an article, and the right one is clicked.

Open this file for two published ways of making policies out of classifiers.
"""

import numpy as np

from bandit.core.types import Floats, Ints
from bandit.ope.single.log import Log


def make_log(
    features: Floats, labels: Ints, logged: Floats, target: Floats, rng: np.random.Generator
) -> tuple[Log, float]:
    """A log of every example once, and what the target earns on these very examples.

    logged, target: [n, m], chances of each label
    """
    rows = np.arange(len(labels))
    drawn = logged.cumsum(axis=1) > rng.random((len(labels), 1))
    drawn[:, -1] = True  # sums of chances end at 1, but for rounding
    action = drawn.argmax(axis=1)
    reward = (action == labels).astype(np.float64)
    return Log(action, reward, logged, target, features, rows), float(target[rows, labels].mean())


def soften(chances: Floats, scale: float) -> Floats:
    """Softmax of scale times a classifier's chances [n, m] (Cief et al. 2025)."""
    powers = np.exp(scale * (chances - chances.max(axis=1, keepdims=True)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def mix_uniform(label: Ints, m: int, share: float) -> Floats:
    """The label with probability `share`, else any [n, m] (Open Bandit Pipeline)."""
    return np.asarray(share * np.eye(m)[label] + (1 - share) / m)
