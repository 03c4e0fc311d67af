"""Logs of one choice a send that the tests of `bandit.ope.single` share."""

import numpy as np

from bandit.core.types import Floats
from bandit.ope.single.log import Log


def draw_log(seed: int, n: int = 400, m: int = 5, lean: float = 1.0) -> tuple[Log, Floats]:
    """A log, and how likely each article earns [n, m]. A higher lean sets the policies apart."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3))
    scores = features @ rng.normal(size=(3, m))
    chance = 1 / (1 + np.exp(1.0 - scores))
    logged = _softmax(0.3 * scores[:, ::-1])
    target = _softmax(lean * scores)
    action = (logged.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    reward = (rng.random(n) < chance[np.arange(n), action]).astype(float)
    return Log(action, reward, logged, target, features, rng.integers(0, n // 3, n)), chance


def _softmax(scores: Floats) -> Floats:
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)
