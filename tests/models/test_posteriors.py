"""What is learned, against closed forms, brute force and simulation with the answer known."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import expit

from bandit.models.bilinear import Gaussian, draw_gaussian, gram, moment
from bandit.models.examination import Examination
from bandit.models.profile.appeal import Appeal
from bandit.models.profile.expectation import average, propagate, score
from bandit.models.profile.prior import Prior
from bandit.models.profiles import Belief, Profiles
from bandit.models.segments import Moments, make_ridge, tally

LAMBDA = 3.0

# expectation


def _clicks(n: int, k: int, q: int, scale: float) -> tuple[np.ndarray, ...]:
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
    mean, slope = average(eta, np.full(5, variance))
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
        p = looked * average(eta, variance)[0]
        return np.log(p if click else 1 - p)

    scores = []
    for click in (True, False):
        gradient, information = score(*average(eta, variance), np.full(3, float(click)), looked)
        numeric = (log_likelihood(eta + h, click) - log_likelihood(eta - h, click)) / (2 * h)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6)
        scores.append(gradient)
    p = looked * average(eta, variance)[0]
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
    eta, K, clicked, looked = _clicks(5, 4, 7, 0.5)
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
    eta, K, clicked, looked = _clicks(9, 4, 7, 0.5)
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


# Prior and Appeal


def test_prior_and_appeals_are_one_regression() -> None:
    """B and the articles' appeals by one Newton step, against the joint system solved at once.

    In the step the appeals are integrated out.
    """
    x, a, rows, index, weight, gradient = _exposures(11, 6, 2, 3, 40)
    prior = Prior(
        np.arange(6.0).reshape(2, 3) / 10, np.full((2, 3), LAMBDA**-0.5), np.full((2, 3), -1)
    )
    np.testing.assert_allclose(
        prior.variance(x), np.outer((x**2).sum(axis=1), [0, 1 / LAMBDA, 1 / LAMBDA]), atol=1e-4
    )
    total, own = np.bincount(index, gradient, 6), 7.0 + np.bincount(index, weight, 6)
    z = np.hstack([np.einsum("ep,eq->epq", x[rows], a[index]).reshape(40, 6), np.eye(6)[index]])
    precision = z.T @ (weight[:, None] * z) + np.diag([LAMBDA] * 6 + [7.0] * 6)
    expected = np.linalg.solve(precision, z.T @ gradient)
    covariance = np.linalg.inv(precision)
    before, state = prior.B, prior.state()
    for _ in range(2):  # a step that is not settled leaves no trace but B
        prior.B = before
        step = prior.step(x, a, rows, index, gradient, weight, total, own)
        np.testing.assert_allclose((prior.B - before).ravel(), expected[:6], atol=1e-10)
        np.testing.assert_allclose(step.gradient / own, expected[6:], atol=1e-10)
        np.testing.assert_allclose(1 / own + step.variance, covariance.diagonal()[6:], rtol=1e-10)
        assert prior.state()["precision"].tobytes() == state["precision"].tobytes()
    prior.settle(step)
    blocks = [covariance[q:6:3, q:6:3] for q in range(3)]  # of each column of B
    expected = np.stack([np.einsum("np,pr,nr->n", x, block, x) for block in blocks], axis=1)
    np.testing.assert_allclose(prior.variance(x), expected, atol=1e-4)
    alike = Prior(np.zeros((2, 3)), np.full((2, 3), [1.0, 2.0, 2.0]), np.full((2, 3), -1))
    np.testing.assert_allclose(
        alike.variance(x), np.outer((x**2).sum(axis=1), [0, 4, 4]), atol=1e-4
    )
    alike.settle(alike.step(x, a, rows, index, gradient, weight, total, own))
    constant, *same = alike.variance(
        x
    ).T  # coordinates of which the same was thought share their mean
    assert (same[0] == same[1]).all()
    assert (constant != same[0]).all()
    again = Prior(np.arange(6.0).reshape(2, 3), np.ones((2, 3)), np.full((2, 3), -1))
    again.restore(prior.state(), prior.B)
    assert {name: array.tobytes() for name, array in again.state().items()} == {
        name: array.tobytes() for name, array in prior.state().items()
    }
    with pytest.raises(ValueError, match=r"prior's doubt has shape \(3, 2\); must be \(3, 2, 2\)"):
        again.restore(prior.state() | {"doubt": np.zeros((3, 2))}, prior.B)


def test_appeal_learns_how_far_articles_differ() -> None:
    rng = np.random.default_rng(0)
    true, noise = 0.5**2, 0.3**2
    appeal = Appeal(0.1)
    for issue in range(60):
        ids = np.array([f"{issue}-{j}" for j in range(20)])
        mean, variance = appeal.look_up(ids)
        assert (mean == 0).all()
        assert (variance == appeal.variance).all()
        seen = rng.normal(scale=np.sqrt(true + noise), size=20)
        spread = 1 / (1 / variance + 1 / noise)
        appeal.absorb(ids, spread * seen / noise, spread)
    assert appeal.variance == pytest.approx(true, rel=0.15)
    again = Appeal(0.1)
    again.restore(appeal.state())
    assert [part.tolist() for part in again.look_up(ids)] == [
        part.tolist() for part in appeal.look_up(ids)
    ]
    given = Appeal(0.1, learns=False)
    given.absorb(ids, np.full(20, 3.0), np.full(20, 0.01))
    assert given.variance == 0.1
    assert given.look_up(np.array(["another"]))[1].tolist() == [0.1]
    with pytest.raises(
        ValueError, match=r"appeal's posterior has shape \(19, 2\); must be \(20, 2\)"
    ):
        again.restore(appeal.state() | {"posterior": np.zeros((19, 2))})


# bilinear


def _exposures(n: int, m: int, p: int, q: int, e: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(e)
    x, a = rng.normal(size=(n, p)), rng.normal(size=(m, q))
    return (
        x,
        a,
        rng.integers(n, size=e),
        rng.integers(m, size=e),
        rng.uniform(0.1, 2, e),
        rng.normal(size=e),
    )


@pytest.mark.parametrize(("p", "q", "e"), [(2, 3, 40), (4, 2, 7), (3, 5, 0)])
def test_gram_and_moment_equal_kronecker_loops(p: int, q: int, e: int) -> None:
    x, a, rows, index, weights, values = _exposures(11, 6, p, q, e)
    total, shift = np.zeros((p * q, p * q)), np.zeros(p * q)
    for i, j, w, v in zip(rows, index, weights, values, strict=True):
        z = np.kron(x[i], a[j])
        assert (z == np.outer(x[i], a[j]).ravel()).all()  # flattened as B is
        total, shift = total + w * np.outer(z, z), shift + v * z
    np.testing.assert_allclose(gram(x, a, rows, index, weights), total, atol=1e-12)
    np.testing.assert_allclose(moment(x, a, rows, index, values), shift, atol=1e-12)


def test_gaussian_posterior_closed_form() -> None:
    """By hand: one observation z = (2) of value 5 and weight 1, under the prior Normal(1, 1/3).

    The precision is 7, the mean (3 + 10) / 7.
    """
    one = Gaussian.start(np.ones(1), np.full(1, LAMBDA))
    one.absorb(np.array([[4.0]]), np.array([10.0]))
    assert one.solve(one.factor())[0] == pytest.approx(float(Fraction(13, 7)))
    assert one.covariance(one.factor())[0, 0] == pytest.approx(1 / 7)

    x, a, rows, index, weights, values = _exposures(11, 6, 2, 3, 40)
    prior_mean = np.linspace(-1, 1, 6)
    posterior = Gaussian.start(prior_mean, np.full(6, LAMBDA))
    z = np.einsum("ep,eq->epq", x[rows], a[index]).reshape(40, 6)
    for part in (slice(0, 13), slice(13, 40)):
        given = x, a, rows[part], index[part]
        posterior.absorb(gram(*given, weights[part]), moment(*given, (weights * values)[part]))
    precision = LAMBDA * np.eye(6) + z.T @ (weights[:, None] * z)
    mean = np.linalg.solve(precision, LAMBDA * prior_mean + z.T @ (weights * values))
    factor = posterior.factor()
    np.testing.assert_allclose(posterior.solve(factor), mean, rtol=1e-10)
    np.testing.assert_allclose(
        posterior.covariance(factor).diagonal(), np.linalg.inv(precision).diagonal(), rtol=1e-10
    )
    spread = (
        draw_gaussian(mean, factor, np.eye(6)) - mean
    )  # noise of unit vectors: spread' spread is the covariance
    np.testing.assert_allclose(spread.T @ spread, np.linalg.inv(precision), atol=1e-12)


def test_a_state_is_not_changed_by_what_is_learned_later() -> None:
    posterior, profiles = Gaussian.start(np.zeros(2), np.full(2, LAMBDA)), Profiles(2)
    row, zero, one = profiles.add(np.array([7])), np.zeros((1, 2)), np.array([[1.0, 0.0]])
    wide, narrow = (Belief.project(mean, mean + 1, (mean + 1) * one) for mean in (zero, zero + 1))
    for kept, learn in (
        (posterior.state(), lambda: posterior.absorb(np.eye(2), np.ones(2))),
        (profiles.state(), lambda: profiles.absorb(row, wide, narrow)),
    ):
        before = {name: array.tobytes() for name, array in kept.items()}
        learn()
        assert {name: array.tobytes() for name, array in kept.items()} == before


# Examination


def test_examination_weights_are_bayes() -> None:
    examination = Examination.fix(np.array([1.0, 0.6, 0.25]))
    p, slots = np.array([0.1, 0.3, 0.3, 0.9]), np.array([0, 1, 2, 2])
    expected = [1.0, 0.6 * 0.7 / (0.6 * 0.7 + 0.4), 0.25 * 0.7 / (0.25 * 0.7 + 0.75), 0.025 / 0.775]
    np.testing.assert_allclose(examination.weigh(p, slots, np.zeros(4)), expected, rtol=1e-12)
    assert examination.weigh(p, slots, np.ones(4)).tolist() == [1, 1, 1, 1]
    examination.learn(p, slots, np.zeros(4))
    np.testing.assert_allclose(examination.curve, [1, 0.6, 0.25], rtol=1e-9)  # what is given stays
    np.testing.assert_allclose(
        Examination.fix(np.array([0.95, 0.6])).curve, [0.95, 0.6], rtol=1e-12
    )


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_examination_recovers_a_known_curve(rate: float) -> None:
    """400,000 opens, with the click probabilities of members and articles known.

    The slots' shares come out, whatever the start.
    """
    rng = np.random.default_rng(7)
    true = np.array([1.0, 0.6, 0.35, 0.2])
    examination = Examination.start(4)
    assert (np.diff(examination.curve) < 0).all()
    for _ in range(20):
        slots = np.tile(np.arange(4), 20_000)
        p = np.clip(rng.gamma(2, rate / 2, len(slots)), 0, 0.9)
        clicked = ((rng.random(len(slots)) < true[slots]) & (rng.random(len(slots)) < p)).astype(
            float
        )
        examination.learn(p, slots, clicked)
        assert examination.curve[0] == pytest.approx(1, abs=1e-9)
        assert (examination.curve <= 1).all()
    np.testing.assert_allclose(examination.curve, true, atol=0.03)


# segments


def test_moments_fit_is_ridge_regression_towards_the_parent() -> None:
    rng = np.random.default_rng(3)
    s, m, q = 4, 9, 3
    articles, parent, ridge = (
        rng.normal(size=(m, q)),
        rng.normal(size=(s, q)),
        np.array([LAMBDA, 0.5, 7.0]),
    )
    looks, clicks = rng.uniform(0, 5, (2, s, m)), rng.uniform(0, 2, (2, s, m))
    moments = Moments.start(s, q)
    moments.add(looks[0], clicks[0], articles)
    moments.fade(0.5)
    moments.add(looks[1], clicks[1], articles)
    look, click = 0.5 * looks[0] + looks[1], 0.5 * clicks[0] + clicks[1]
    for i, found in enumerate(moments.fit(parent, ridge)):
        design = np.vstack([np.sqrt(look[i])[:, None] * articles, np.diag(np.sqrt(ridge))])
        target = np.concatenate([click[i] / np.sqrt(look[i]), np.sqrt(ridge) * parent[i]])
        np.testing.assert_allclose(found, np.linalg.lstsq(design, target, rcond=None)[0], rtol=1e-9)
    np.testing.assert_allclose(
        moments.fit(parent[1], ridge)[1], moments.fit(parent, ridge)[1], rtol=1e-12
    )
    np.testing.assert_allclose(
        Moments.start(s, q).fit(parent, ridge), parent, rtol=1e-12
    )  # no data: the parent


def test_tally_and_ridge() -> None:
    table = tally(np.array([0, 2, 2, 0]), np.array([1, 3, 3, 0]), np.array([0.5, 1, 2, 4]), (3, 4))
    assert table.tolist() == [[4, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 3]]
    assert make_ridge(5, 60.0).tolist() == [3, 15, 15, 60, 60]
