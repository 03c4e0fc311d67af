"""What is learned, against closed forms, brute force and simulation with the answer known."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from bandit.bilinear import Gaussian, draws, gram, moment
from bandit.examination import Examination
from bandit.profiles import Profiles, laplace, pack, unpack
from bandit.segments import Moments, ridges, tally

LAMBDA = 3.0

# profiles.laplace


def _clicks(n: int, k: int, q: int, scale: float) -> tuple[np.ndarray, ...]:
    """eta, K, clicked, weight of n members with k observations in q dimensions."""
    rng = np.random.default_rng(n + k)
    a = scale * rng.normal(size=(n, k, q))
    K = np.einsum("nkq,q,nlq->nkl", a, rng.uniform(0.2, 1.5, q), a)
    return rng.normal(-1, 1, (n, k)), K, (rng.random((n, k)) < 0.4).astype(float), rng.uniform(0.1, 1, (n, k))


@pytest.mark.parametrize(("k", "q", "scale"), [(1, 3, 1.0), (4, 7, 1.0), (3, 5, 6.0), (6, 4, 1.0)])  # the last K is singular
def test_laplace_finds_the_mode_of_brute_force(k: int, q: int, scale: float) -> None:
    eta, K, clicked, weight = _clicks(9, k, q, scale)
    gradient, _ = laplace(eta, K, clicked, weight)
    for i in range(len(eta)):
        values, vectors = np.linalg.eigh(K[i])
        root = vectors * np.sqrt(np.maximum(values, 0))  # f = eta + root z, z ~ Normal(0, 1)

        def negative(z: np.ndarray, i: int = i, root: np.ndarray = root) -> float:
            f = eta[i] + root @ z
            return float(0.5 * z @ z - (weight[i] * (clicked[i] * f - np.logaddexp(0, f))).sum())

        found = minimize(negative, np.zeros(k), method="BFGS", options={"gtol": 1e-9})
        np.testing.assert_allclose(eta[i] + K[i] @ gradient[i], eta[i] + root @ found.x, atol=2e-5)


def test_laplace_identities_of_rasmussen_and_williams() -> None:
    eta, K, clicked, weight = _clicks(9, 4, 7, 1.0)
    gradient, M = laplace(eta, K, clicked, weight)
    f = eta + np.einsum("nij,nj->ni", K, gradient)
    np.testing.assert_allclose(gradient, weight * (clicked - expit(f)), atol=1e-7)  # eq. 3.17: stationary
    W = weight * expit(f) * (1 - expit(f))
    for i in range(9):
        np.testing.assert_allclose(M[i], np.linalg.inv(K[i] + np.diag(1 / W[i])), atol=1e-6)  # eq. 3.27
        covariance = np.linalg.inv(np.linalg.inv(K[i]) + np.diag(W[i]))  # eq. 3.20
        np.testing.assert_allclose(K[i] - K[i] @ M[i] @ K[i], covariance, atol=1e-6)


def test_laplace_takes_no_notice_of_what_was_not_examined() -> None:
    eta, K, clicked, weight = _clicks(9, 4, 7, 1.0)
    weight[:, 2] = 0
    gradient, M = laplace(eta, K, clicked, weight)
    assert (gradient[:, 2] == 0).all()
    assert (M[:, 2] == 0).all()
    assert (M[:, :, 2] == 0).all()
    rest = [0, 1, 3]
    other, _ = laplace(eta[:, rest], K[:, rest][:, :, rest], clicked[:, rest], weight[:, rest])
    np.testing.assert_allclose(gradient[:, rest], other, atol=1e-12)


def test_laplace_does_not_overshoot_under_a_wide_prior() -> None:
    eta, K = np.array([[-6.0], [5.0], [0.0]]), np.array([[[400.0]], [[900.0]], [[100.0]]])
    clicked = np.array([[1.0], [0.0], [1.0]])
    gradient, M = laplace(eta, K, clicked, np.ones((3, 1)), steps=20)
    f = eta + K[:, :, 0] * gradient
    np.testing.assert_allclose(gradient, clicked - expit(f), atol=1e-6)
    assert ((M >= 0) & (M * K <= 1)).all()


# Profiles


@pytest.mark.parametrize("ids", [[105, 101, 109, 2**40], ["m5", "m1", "zoë", "105"]])
def test_profiles_keep_each_members_row(ids: list) -> None:
    profiles = Profiles(3)
    assert profiles.rows(np.array(ids)).tolist() == [-1] * 4
    assert profiles.add(np.array(ids[:2])).tolist() == [0, 1]
    profiles.shift[:2] = [[1, 2, 3], [4, 5, 6]]
    assert profiles.add(np.array([ids[3], ids[1], ids[2]])).tolist() == [2, 1, 3]
    assert profiles.rows(np.array(ids)).tolist() == [0, 1, 3, 2]
    assert profiles.shift.tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0], [0, 0, 0]]
    again = Profiles(3)
    again.restore(profiles.state())
    assert again.rows(np.array([*ids, ids[0]], dtype=np.array(ids).dtype)).tolist() == [0, 1, 3, 2, 0]
    assert again.rows(np.array(ids, dtype=object)).tolist() == [0, 1, 3, 2]
    assert again.shift.tobytes() == profiles.shift.tobytes()
    assert unpack(pack(ids)) == ids
    empty = Profiles(3)
    empty.restore(Profiles(3).state())
    assert empty.add(np.array(ids)).tolist() == [0, 1, 2, 3]


def test_absorb_and_posterior_are_inverse_and_strangers_keep_the_prior() -> None:
    rng = np.random.default_rng(0)
    variance = np.array([0.7, 0.02, 3.0])
    profiles = Profiles(3)
    before = profiles.posterior(np.array([-1, -1]), variance)
    assert [part.tolist() for part in before] == [[[0.0] * 3] * 2, [variance.tolist()] * 2]
    rows = profiles.add(np.array([11, 12, 13, 14, 15]))[1:]
    mean, spread = rng.normal(size=(4, 3)), variance * rng.uniform(0.05, 1, (4, 3))
    profiles.absorb(rows, mean, spread, variance)
    found = profiles.posterior(np.append(rows, [-1, 0]), variance)
    np.testing.assert_allclose(found[0], np.vstack([mean, np.zeros((2, 3))]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[1], np.vstack([spread, [variance] * 2]), rtol=1e-5)


def test_profiles_add_evidence_take_a_new_prior_and_forget() -> None:
    """Gaussian evidence in natural form: precision L, shift h, whatever the prior was when it came."""
    variance, other, keep = np.array([0.5, 2.0]), np.array([0.9, 0.3]), 0.8
    profiles = Profiles(2)
    row = profiles.add(np.array([7]))
    L, h = np.zeros((1, 2)), np.zeros((1, 2))
    for precision, shift in (([LAMBDA, 0.0], [1.2, 0.0]), ([0.4, 5.0], [-0.3, 2.0])):
        L, h = L + precision, h + shift
        mean, spread = profiles.posterior(row, variance)
        new = 1 / (1 / spread + precision)
        profiles.absorb(row, new * (mean / spread + shift), new, variance)
    for S in (variance, other):
        mean, spread = profiles.posterior(row, S)
        np.testing.assert_allclose(spread, 1 / (1 / S + L), rtol=1e-5)
        np.testing.assert_allclose(mean, h / (1 / S + L), rtol=1e-5)
    for _ in range(3):
        profiles.forget(keep)
    mean, spread = profiles.posterior(row, variance)
    np.testing.assert_allclose(spread, 1 / (1 / variance + keep**3 * L), rtol=1e-5)
    np.testing.assert_allclose(mean, keep**3 * h / (1 / variance + keep**3 * L), rtol=1e-5)


# bilinear


def _exposures(n: int, m: int, p: int, q: int, e: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(e)
    x, a = rng.normal(size=(n, p)), rng.normal(size=(m, q))
    return x, a, rng.integers(n, size=e), rng.integers(m, size=e), rng.uniform(0.1, 2, e), rng.normal(size=e)


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
    """By hand, one observation z = (2), value 5, weight 1, prior Normal(1, 1/3): precision 7, mean (3 + 10) / 7."""
    one = Gaussian.start(np.ones(1), np.full(1, LAMBDA))
    one.absorb(np.array([[4.0]]), np.array([10.0]))
    assert one.solve(one.factor())[0] == pytest.approx(float(Fraction(13, 7)))
    assert one.variances(one.factor())[0] == pytest.approx(1 / 7)

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
    np.testing.assert_allclose(posterior.variances(factor), np.linalg.inv(precision).diagonal(), rtol=1e-10)
    spread = draws(mean, factor, np.eye(6)) - mean  # noise of unit vectors: spread' spread is the covariance
    np.testing.assert_allclose(spread.T @ spread, np.linalg.inv(precision), atol=1e-12)


def test_a_state_is_not_changed_by_what_is_learned_later() -> None:
    posterior, profiles = Gaussian.start(np.zeros(2), np.full(2, LAMBDA)), Profiles(2)
    row = profiles.add(np.array([7]))
    for kept, learn in (
        (posterior.state(), lambda: posterior.absorb(np.eye(2), np.ones(2))),
        (profiles.state(), lambda: profiles.absorb(row, np.ones((1, 2)), np.full((1, 2), 0.1), np.ones(2))),
    ):
        before = {name: array.tobytes() for name, array in kept.items()}
        learn()
        assert {name: array.tobytes() for name, array in kept.items()} == before


# Examination


def test_examination_weights_are_bayes() -> None:
    examination = Examination.known(np.array([1.0, 0.6, 0.25]))
    p, slots = np.array([0.1, 0.3, 0.3, 0.9]), np.array([0, 1, 2, 2])
    expected = [1.0, 0.6 * 0.7 / (0.6 * 0.7 + 0.4), 0.25 * 0.7 / (0.25 * 0.7 + 0.75), 0.025 / 0.775]
    np.testing.assert_allclose(examination.weights(p, slots, np.zeros(4)), expected, rtol=1e-12)
    assert examination.weights(p, slots, np.ones(4)).tolist() == [1, 1, 1, 1]
    examination.learn(p, slots, np.zeros(4))
    np.testing.assert_allclose(examination.curve, [1, 0.6, 0.25], rtol=1e-9)  # what is given stays
    np.testing.assert_allclose(Examination.known(np.array([0.95, 0.6])).curve, [0.95, 0.6], rtol=1e-12)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_examination_recovers_a_known_curve(rate: float) -> None:
    """400,000 opens, members' and articles' click probabilities known: the slots' shares come out, from any start."""
    rng = np.random.default_rng(7)
    true = np.array([1.0, 0.6, 0.35, 0.2])
    examination = Examination.start(4)
    assert (np.diff(examination.curve) < 0).all()
    for _ in range(20):
        slots = np.tile(np.arange(4), 20_000)
        p = np.clip(rng.gamma(2, rate / 2, len(slots)), 0, 0.9)
        clicked = ((rng.random(len(slots)) < true[slots]) & (rng.random(len(slots)) < p)).astype(float)
        examination.learn(p, slots, clicked)
        assert examination.curve[0] == pytest.approx(1, abs=1e-9)
        assert (examination.curve <= 1).all()
    np.testing.assert_allclose(examination.curve, true, atol=0.03)


# segments


def test_moments_fit_is_ridge_regression_towards_the_parent() -> None:
    rng = np.random.default_rng(3)
    s, m, q = 4, 9, 3
    articles, parent, ridge = rng.normal(size=(m, q)), rng.normal(size=(s, q)), np.array([LAMBDA, 0.5, 7.0])
    looks, clicks = rng.uniform(0, 5, (2, s, m)), rng.uniform(0, 2, (2, s, m))
    moments = Moments.empty(s, q)
    moments.add(looks[0], clicks[0], articles)
    moments.fade(0.5)
    moments.add(looks[1], clicks[1], articles)
    look, click = 0.5 * looks[0] + looks[1], 0.5 * clicks[0] + clicks[1]
    for i, found in enumerate(moments.fit(parent, ridge)):
        design = np.vstack([np.sqrt(look[i])[:, None] * articles, np.diag(np.sqrt(ridge))])
        target = np.concatenate([click[i] / np.sqrt(look[i]), np.sqrt(ridge) * parent[i]])
        np.testing.assert_allclose(found, np.linalg.lstsq(design, target, rcond=None)[0], rtol=1e-9)
    np.testing.assert_allclose(moments.fit(parent[1], ridge)[1], moments.fit(parent, ridge)[1], rtol=1e-12)
    np.testing.assert_allclose(Moments.empty(s, q).fit(parent, ridge), parent, rtol=1e-12)  # no data: the parent


def test_tally_and_ridges() -> None:
    table = tally(np.array([0, 2, 2, 0]), np.array([1, 3, 3, 0]), np.array([0.5, 1, 2, 4]), (3, 4))
    assert table.tolist() == [[4, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 3]]
    assert ridges(5, 60.0).tolist() == [3, 15, 15, 60, 60]


def test_text_ids_never_pass_for_new_members() -> None:
    profiles = Profiles(2)
    profiles.add(np.array([7, 9]))
    with pytest.raises(ValueError, match=r"ids are text, e.g. 7; .* under numbers"):
        profiles.rows(np.array(["7", "9"], dtype=object))
