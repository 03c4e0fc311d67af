"""The newsletter that weights alone cannot reach: 70,000 uniform sends, 40 articles, six slots.

Clicks are position-based, the target shows always the same six articles in the same order.
"""

import numpy as np
import pytest

from bandit.ope.estimators import cascade
from bandit.ope.whole.item_position import item_position
from bandit.ope.whole.position_based import position_based, position_based_learned

N, M, K = 70_000, 40, 6
CURVE = 1 / (1 + 0.15 * np.arange(K))


@pytest.mark.slow
def test_relative_errors_of_the_whole_newsletter() -> None:
    rng, runs = np.random.default_rng(41), 40
    appeal = rng.beta(2, 30, M)
    best = np.argsort(-appeal)[:K]
    value = 0.37 * (appeal[best] * CURVE).sum()
    errors: dict[str, list[float]] = {}
    given = np.tile(1 / (M - np.arange(K)), (N, 1))
    uniform = np.full((N, K, K), 1 / M)
    for _ in range(runs):
        choice = rng.random((N, M)).argpartition(K, axis=1)[:, :K]
        choice = rng.permuted(choice, axis=1)
        opened = rng.random((N, 1)) < 0.37
        clicked = opened & (rng.random((N, K)) < appeal[choice] * CURVE)
        reward = clicked.astype(float)
        wanted = (choice[:, :, None] == best).astype(float)
        right = (choice == best).astype(float)
        found = {
            "cascade": cascade(given, right, reward),
            "item": item_position(uniform, wanted, reward),
            "known": position_based(uniform, wanted, reward, CURVE),
            "learned": position_based_learned(uniform, wanted, reward),
        }
        for name, terms in found.items():
            errors.setdefault(name, []).append(terms.mean() / value - 1)
    rmse = {name: float(np.sqrt(np.mean(np.square(e)))) for name, e in errors.items()}
    assert rmse["cascade"] > 0.4, rmse
    assert rmse["item"] < 0.07, rmse
    assert rmse["known"] < 0.035, rmse
    assert rmse["learned"] < 0.04, rmse
    assert rmse["known"] < 0.6 * rmse["item"], rmse
