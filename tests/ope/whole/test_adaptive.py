"""Adaptive weights: identities, no bias where members read in two ways, and what is refused."""

import numpy as np
import pytest

from bandit.core.types import Floats, Ints
from bandit.ope import estimators
from bandit.ope.inputs import weights
from bandit.ope.whole.adaptive import adaptive, learn_readings, weigh_readings

M, K = 3, 3


def make_log(
    seed: int, n: int, tired: float = 0.5
) -> tuple[Floats, Floats, Floats, Floats, Floats, float]:
    """Slots drawn apart; members with feature 1 read no further than what the first slot leaves.

    Returns features, logged, target, own weights and rewards of what was shown, and the truth.
    """
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 2, (n, 1)).astype(float)
    logged, target = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    choice = rng.choice(M, (n, K), p=logged)
    appeal = np.array([0.2, 0.3, 0.5])
    worth = appeal[choice]
    stays = 1 - tired * features * (choice[:, :1] == 2)
    worth[:, 1:] *= stays
    reward = (rng.random((n, K)) < worth).astype(float)
    mean = float(target @ appeal)
    truth = mean * (1 + 2 * (1 - 0.5 * tired * target[2]))
    return features, logged[choice], target[choice], reward, choice.astype(float), truth


def read(seed: int, n: int) -> tuple[Floats, Floats, Floats, float]:
    features, logged, target, reward, _, truth = make_log(seed, n)
    return features, weigh_readings(target / logged, weights(logged, target)), reward, truth


def same(which: int, n: int) -> Ints:
    return np.full(n, which)


def test_one_reading_for_all_is_the_estimator_of_that_reading() -> None:
    _, logged, target, reward, _, _ = make_log(1, 400)
    w = weigh_readings(target / logged, weights(logged, target))
    slates = (logged, target, reward)
    for which, terms in enumerate(
        (
            (target / logged * reward).sum(axis=1),
            estimators.cascade(*slates),
            estimators.ips(*slates),
        )
    ):
        np.testing.assert_allclose(adaptive(w, same(which, 400), reward), terms, rtol=1e-12)


def test_with_one_slot_it_is_ips_and_for_the_logger_the_mean() -> None:
    _, logged, target, reward, _, _ = make_log(2, 300)
    one = (logged[:, :1], target[:, :1], reward[:, :1])
    w = weigh_readings(one[1] / one[0], weights(one[0], one[1]))
    reading = np.arange(300) % 3
    np.testing.assert_allclose(adaptive(w, reading, one[2]), estimators.ips(*one), rtol=1e-12)
    ones = weigh_readings(np.ones((300, 3)), np.ones((300, 3)))
    assert adaptive(ones, reading, reward).mean() == pytest.approx(reward.sum(axis=1).mean())


def test_who_reads_how_leaves_no_bias_and_less_noise_than_what_assumes_less() -> None:
    right: list[float] = []
    learned: list[float] = []
    cascade: list[float] = []
    apart: list[float] = []
    for seed in range(30):
        features, w, reward, truth = read(seed, 8000)
        known = features[:, 0].astype(np.int64)  # apart without the feature, above with it
        right.append(adaptive(w, known, reward).mean() - truth)
        found = learn_readings(features, w, reward, np.arange(8000), seed)
        learned.append(adaptive(w, found, reward).mean() - truth)
        cascade.append(adaptive(w, same(1, 8000), reward).mean() - truth)
        apart.append(adaptive(w, same(0, 8000), reward).mean() - truth)
    error = np.std(right) / np.sqrt(len(right))
    assert abs(np.mean(right)) < 3.5 * error
    assert np.mean(apart) > 6 * error  # whoever ignores that some stop reading is too high
    square = [float(np.mean(np.square(each))) for each in (right, learned, cascade, apart)]
    assert square[0] < 0.7 * square[2]
    assert square[1] < 1.3 * square[2]  # a tree that has to find it out is about as good
    assert square[1] < 0.3 * square[3]


def test_without_features_or_clicks_everybody_reads_alike() -> None:
    _, w, reward, _ = read(3, 900)
    none = learn_readings(np.zeros((900, 0)), w, reward, np.arange(900) % 90)
    assert len(np.unique(none)) <= 2  # each half of the members may find its own
    silent = learn_readings(np.zeros((900, 1)), w, 0 * reward, np.arange(900))
    assert (silent == 0).all()
    assert len(learn_readings(np.zeros((1, 1)), w[:, :1], reward[:1], np.arange(1))) == 1


def test_what_cannot_be_is_refused() -> None:
    _, w, reward, _ = read(4, 50)
    with pytest.raises(ValueError, match=r"reading\[0\] = 3; must be from 0 to 2"):
        adaptive(w, same(3, 50), reward)
    with pytest.raises(ValueError, match="reward has shape"):
        adaptive(w, same(0, 50), reward[:, :2])
    with pytest.raises(ValueError, match="above has shape"):
        weigh_readings(w[0], w[1][:, :2])
    with pytest.raises(ValueError, match="weighted rewards"):
        adaptive(np.full_like(w, np.inf), same(0, 50), reward + 1)
