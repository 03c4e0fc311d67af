"""The pseudo-inverse estimator against its definition, exact means over every slate, errors."""

from itertools import permutations

import numpy as np
import pytest

from bandit.core.types import Floats, Ints
from bandit.ope.whole.pseudo_inverse import pseudo_inverse, weigh_pairs


def list_orders(m: int, k: int) -> tuple[Ints, Floats]:
    """Every slate [s, k], and its indicators of pairs [s, k m]."""
    choice = np.array(list(permutations(range(m), k)))
    pairs = np.zeros((len(choice), k, m))
    np.put_along_axis(pairs, choice[:, :, None], 1.0, axis=2)
    return choice, pairs.reshape(len(choice), -1)


@pytest.mark.parametrize(("m", "k"), [(5, 3), (4, 4), (6, 2), (3, 1)])
def test_it_is_the_definition_and_unbiased_where_pairs_add_up(m: int, k: int) -> None:
    choice, pairs = list_orders(m, k)
    rng = np.random.default_rng(m)
    target = rng.dirichlet(np.full(len(choice), 0.4))
    chances = (target @ pairs).reshape(k, m)
    inverse = np.linalg.pinv(pairs.T @ pairs / len(choice), hermitian=True)
    expected = pairs @ inverse @ chances.ravel()
    asked = chances.T[choice]  # [s, k, k]: slot l shows what slot j showed
    found = weigh_pairs(asked, np.full(len(choice), m))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    reward = np.zeros((len(choice), k))
    reward[:, -1] = pairs @ rng.normal(size=k * m)  # of the whole slate, wherever clicks fall
    terms = pseudo_inverse(asked, np.full(len(choice), m), reward)
    assert terms.mean() == pytest.approx(target @ reward.sum(axis=1), abs=1e-9)
    assert found.mean() == pytest.approx(1)


def test_with_one_slot_it_is_ips() -> None:
    rng = np.random.default_rng(1)
    target, reward = rng.random((50, 1, 1)), rng.poisson(0.5, (50, 1)).astype(float)
    found = pseudo_inverse(target, np.full(50, 7), reward)
    np.testing.assert_allclose(found, 7 * target[:, 0, 0] * reward[:, 0], rtol=1e-12)


def test_a_random_target_earns_the_mean() -> None:
    reward = np.random.default_rng(2).poisson(0.4, (60, 3)).astype(float)
    found = pseudo_inverse(np.full((60, 3, 3), 1 / 8), np.full(60, 8), reward)
    np.testing.assert_allclose(found, reward.sum(axis=1), rtol=1e-12)


def test_errors() -> None:
    target, reward = np.full((4, 3, 3), 0.2), np.ones((4, 3))
    with pytest.raises(ValueError, match=r"open\[2\] = 2; must be at least 3, one article for"):
        pseudo_inverse(target, np.array([5, 3, 2, 4]), reward)
    with pytest.raises(ValueError, match=r"reward has shape \(4, 2\); must be \(4, 3\)"):
        pseudo_inverse(target, np.full(4, 5), reward[:, :2])
    with pytest.raises(ValueError, match=r"is no chance: target\[0, 0, 0\] = -0.0"):
        pseudo_inverse(target - 0.3, np.full(4, 5), reward)
