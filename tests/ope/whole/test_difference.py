"""The difference of two policies: identities, no bias, and the baseline that is best."""

import numpy as np
import pytest

from bandit.core.types import Floats
from bandit.ope.whole.difference import difference, find_baseline


def draw_weights(seed: int, n: int = 300, k: int = 2) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    first, second = rng.gamma(2, 0.5, (n, k)), rng.gamma(0.7, 1 / 0.7, (n, k))
    return first, second, rng.poisson(0.4, (n, k)).astype(float)


def test_identities() -> None:
    first, second, reward = draw_weights(1)
    assert not difference(first, first, reward).any()
    np.testing.assert_allclose(
        difference(first, second, reward), -difference(second, first, reward), atol=1e-12
    )
    np.testing.assert_allclose(
        difference(first, second, reward + 5), difference(first, second, reward), atol=1e-10
    )
    np.testing.assert_array_equal(find_baseline(np.zeros((4, 2)), reward[:4]), [0, 0])


def test_no_other_baseline_leaves_a_smaller_square() -> None:
    first, second, reward = draw_weights(2, k=1)
    change, best = first - second, find_baseline(first - second, reward)

    def square(baseline: Floats) -> float:
        return float(((change * (reward - baseline)) ** 2).mean())

    assert square(best) < min(square(best + 0.01), square(best - 0.01), square(0 * best))
    assert (difference(first, second, reward) ** 2).mean() == pytest.approx(square(best))


def test_its_mean_is_the_difference_of_values_and_its_spread_is_smaller() -> None:
    """Two policies over three articles, uniform log, all shows and articles as often as drawn."""
    rng, runs, n = np.random.default_rng(61), 400, 900
    policies = np.array([[0.7, 0.2, 0.1], [0.6, 0.1, 0.3]])
    appeal = np.array([0.9, 0.8, 0.75])
    value = float((policies[0] - policies[1]) @ appeal)
    found = np.empty((runs, 2))
    for run in range(runs):
        shown = rng.integers(3, size=n)
        reward = (rng.random(n) < appeal[shown]).astype(float)[:, None]
        first, second = (3 * policy[shown][:, None] for policy in policies)
        found[run] = difference(first, second, reward).mean(), ((first - second) * reward).mean()
    error = found.std(axis=0, ddof=1) / np.sqrt(runs)
    assert abs(found[:, 0].mean() - value) < 3.5 * error[0]
    assert found[:, 0].std() < 0.6 * found[:, 1].std()


def test_errors() -> None:
    first, second, reward = draw_weights(3)
    with pytest.raises(ValueError, match=r"second has shape \(300, 1\); must be \(300, 2\)"):
        difference(first, second[:, :1], reward)
    first[4, 1] = np.inf
    with pytest.raises(ValueError, match="weights"):
        difference(first, second, reward)
