"""Expectation propagation against fine integrals, exact posteriors and importance sampling."""

import numpy as np
import pytest
from scipy.special import expit

from bandit.models.profile.expectation import average, average_with_slope, propagate, score


def _draw_clicks(n: int, k: int, q: int, scale: float) -> tuple[np.ndarray, ...]:
    """eta, K, clicked, looked of n members with k observations in q dimensions."""
    rng = np.random.default_rng(n + k)
    a = scale * rng.normal(size=(n, k, q))
    K = np.einsum("nkq,q,nlq->nkl", a, rng.uniform(0.2, 1.5, q), a)
    return (
        rng.normal(-1, 1, (n, k)),
        K,
        (rng.random((n, k)) < 0.4).astype(float),
        rng.uniform(0.1, 1, (n, k)),
    )


@pytest.mark.parametrize("variance", [0.0, 0.3, 1.5, 4.0])
def test_averages_equal_fine_integrals(variance: float) -> None:
    z, step = np.linspace(-9, 9, 4001, retstep=True)
    density = np.exp(-(z**2) / 2) * step / np.sqrt(2 * np.pi)
    eta = np.array([-6.0, -3.5, -1.0, 0.0, 2.5])
    p = expit(eta[:, None] + np.sqrt(variance) * z)
    mean, slope = average_with_slope(eta, np.full(5, variance))
    np.testing.assert_allclose(mean, p @ density, rtol=5e-3)
    np.testing.assert_allclose(slope, (p * (1 - p)) @ density, rtol=2e-2)


def test_score_is_the_derivative_of_the_likelihood_and_its_variance() -> None:
    eta, variance, looked, h = (
        np.array([-3.0, -0.5, 1.0]),
        np.array([0.4, 2.0, 0.0]),
        np.array([0.3, 0.8, 1.0]),
        1e-5,
    )

    def log_likelihood(eta: np.ndarray, click: bool) -> np.ndarray:
        p = looked * average_with_slope(eta, variance)[0]
        return np.log(p if click else 1 - p)

    scores = []
    for click in (True, False):
        gradient, information = score(
            *average_with_slope(eta, variance), np.full(3, float(click)), looked
        )
        numeric = (log_likelihood(eta + h, click) - log_likelihood(eta - h, click)) / (2 * h)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6)
        scores.append(gradient)
    p = looked * average_with_slope(eta, variance)[0]
    np.testing.assert_allclose(p * scores[0] + (1 - p) * scores[1], 0, atol=1e-12)
    np.testing.assert_allclose(
        information, p * scores[0] ** 2 + (1 - p) * scores[1] ** 2, rtol=1e-10
    )


@pytest.mark.parametrize("clicked", [0.0, 1.0])
@pytest.mark.parametrize("looked", [1.0, 0.4])
def test_one_slot_is_exact(clicked: float, looked: float) -> None:
    """With one slot, expectation propagation has the true posterior's mean and variance."""
    f = np.linspace(-25, 15, 40_001)
    for eta, K in ((-3.5, 1.3), (-1.0, 0.4), (0.5, 2.0)):
        weight = np.exp(-((f - eta) ** 2) / (2 * K)) * np.where(
            clicked > 0, expit(f), 1 - looked * expit(f)
        )
        mean = (f * weight).sum() / weight.sum()
        variance = ((f - mean) ** 2 * weight).sum() / weight.sum()
        g, M = propagate(*(np.array(x) for x in ([[eta]], [[[K]]], [[clicked]], [[looked]])))
        assert eta + K * g[0, 0] == pytest.approx(mean, abs=2e-3)
        assert K - K * M[0, 0, 0] * K == pytest.approx(variance, rel=6e-3)


def test_several_slots_agree_with_importance_sampling() -> None:
    eta, K, clicked, looked = _draw_clicks(5, 4, 7, 0.5)
    g, M = propagate(eta, K, clicked, looked, sweeps=8)
    rng = np.random.default_rng(1)
    for i in range(5):
        f = rng.multivariate_normal(eta[i], K[i], 400_000)
        weight = np.where(clicked[i] > 0, expit(f), 1 - looked[i] * expit(f)).prod(axis=1)
        weight /= weight.sum()
        mean = weight @ f
        covariance = (f - mean).T @ (weight[:, None] * (f - mean))
        np.testing.assert_allclose(
            eta[i] + K[i] @ g[i], mean, atol=0.03 * np.sqrt(K[i].diagonal().max())
        )
        np.testing.assert_allclose(
            K[i] - K[i] @ M[i] @ K[i], covariance, atol=0.03 * K[i].diagonal().max()
        )


def test_nothing_is_learned_from_a_slot_that_was_not_looked_at() -> None:
    eta, K, clicked, looked = _draw_clicks(9, 4, 7, 0.5)
    looked[:, 2], clicked[:, 2] = 0, 0
    g, M = propagate(eta, K, clicked, looked, sweeps=12)
    for part in (g[:, 2], M[:, 2], M[:, :, 2]):
        np.testing.assert_allclose(part, 0, atol=1e-8)
    rest = [0, 1, 3]
    other, _ = propagate(
        eta[:, rest], K[:, rest][:, :, rest], clicked[:, rest], looked[:, rest], sweeps=12
    )
    np.testing.assert_allclose(g[:, rest], other, atol=1e-6)


def test_a_wide_prior_does_not_break_the_sweeps() -> None:
    eta, K = np.array([[-6.0], [5.0], [0.0]]), np.array([[[36.0]], [[49.0]], [[25.0]]])
    g, M = propagate(eta, K, np.array([[1.0], [0.0], [1.0]]), np.ones((3, 1)), sweeps=20)
    assert np.isfinite(g).all()
    assert ((M >= 0) & (M * K <= 1)).all()
    assert (g[:, 0] * [1, -1, 1] > 0).all()


@pytest.mark.parametrize("shape", [(1, 200), (3, 4005), (81, 100), (0, 5)])
def test_averages_in_pieces_have_the_bits_of_those_with_a_slope(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    eta, variance = rng.normal(-3, 4, shape), rng.gamma(1.5, 2, shape)
    assert average(eta, variance).tobytes() == average_with_slope(eta, variance)[0].tobytes()
