"""Posteriors of a bilinear prior, of appeals and of Gaussians, against closed forms."""

from fractions import Fraction

import numpy as np
import pytest

from bandit.core.columns import Columns
from bandit.models.bilinear import Gaussian, draw_gaussian, factorise, gram, moment
from bandit.models.profile.appeal import KIND_SD, Appeal
from bandit.models.profile.prior import BOUND, Prior
from bandit.models.profiles import Belief, Profiles

LAMBDA = 3.0


# Prior and Appeal


def _make_prior(mean: np.ndarray, sd: np.ndarray, shapes: np.ndarray | None = None) -> Prior:
    """Entries whose variance stays, and matrices that are thought to count 1, give or take 2."""
    shapes = np.zeros((0, *mean.shape)) if shapes is None else shapes
    h = len(shapes)
    return Prior(mean, sd, np.full(mean.shape, -1), shapes, np.ones(h), np.full(h, 2.0))


def test_prior_and_appeals_are_one_regression() -> None:
    """B and the articles' appeals by one Newton step, against the joint system solved at once.

    In the step the appeals are integrated out.
    """
    x, a, rows, index, weight, gradient = _draw_exposures(11, 6, 2, 3, 40)
    prior = _make_prior(np.arange(6.0).reshape(2, 3) / 10, np.full((2, 3), LAMBDA**-0.5))
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
        prior.restore(state, before)
        step = prior.step(x, a, rows, index, gradient, weight, total, own)
        np.testing.assert_allclose((prior.B - before).ravel(), expected[:6], atol=1e-10)
        np.testing.assert_allclose(step.gradient / own, expected[6:], atol=1e-10)
        assert prior.state()["precision"].tobytes() == state["precision"].tobytes()
    np.testing.assert_allclose(1 / own + prior.settle(step), covariance.diagonal()[6:], rtol=1e-10)
    blocks = [covariance[q:6:3, q:6:3] for q in range(3)]  # of each column of B
    expected = np.stack([np.einsum("np,pr,nr->n", x, block, x) for block in blocks], axis=1)
    np.testing.assert_allclose(prior.variance(x), expected, atol=1e-4)
    alike = _make_prior(np.zeros((2, 3)), np.full((2, 3), [1.0, 2.0, 2.0]))
    np.testing.assert_allclose(
        alike.variance(x), np.outer((x**2).sum(axis=1), [0, 4, 4]), atol=1e-4
    )
    alike.settle(alike.step(x, a, rows, index, gradient, weight, total, own))
    constant, *same = alike.variance(
        x
    ).T  # coordinates of which the same was thought share their mean
    assert (same[0] == same[1]).all()
    assert (constant != same[0]).all()
    again = _make_prior(np.arange(6.0).reshape(2, 3), np.ones((2, 3)))
    again.restore(prior.state(), prior.B)
    assert {name: array.tobytes() for name, array in again.state().items()} == {
        name: array.tobytes() for name, array in prior.state().items()
    }
    with pytest.raises(ValueError, match=r"prior's doubt has shape \(3, 2\); must be \(3, 2, 2\)"):
        again.restore(prior.state() | {"doubt": np.zeros((3, 2))}, prior.B)


def test_multiples_of_given_matrices_are_coefficients_like_any_other() -> None:
    """B is its free entries and two multiples: the regression with all eight, solved at once."""
    x, a, rows, index, weight, gradient = _draw_exposures(11, 6, 2, 3, 40)
    mean, shapes = (
        np.arange(6.0).reshape(2, 3) / 10,
        np.random.default_rng(3).normal(size=(2, 2, 3)),
    )
    prior = _make_prior(mean, np.full((2, 3), LAMBDA**-0.5), shapes)
    np.testing.assert_allclose(prior.B, mean + shapes.sum(axis=0))
    entries = np.einsum("ep,eq->epq", x[rows], a[index]).reshape(40, 6)
    z = entries @ np.vstack([np.eye(6), shapes.reshape(2, 6)]).T
    covariance = np.linalg.inv(z.T @ (weight[:, None] * z) + np.diag([LAMBDA] * 6 + [0.25] * 2))
    moved = covariance @ (z.T @ gradient)
    moved = moved[:6] + moved[6:] @ shapes.reshape(2, 6)
    before = prior.B
    step = prior.step(x, a, rows, index, gradient, weight, np.zeros(6), np.full(6, 1e12))
    prior.settle(step)
    np.testing.assert_allclose(prior.B - before, moved.reshape(2, 3), atol=1e-9)
    full = np.vstack([np.eye(6), shapes.reshape(2, 6)])
    covariance = full.T @ covariance @ full
    blocks = covariance.reshape(2, 3, 2, 3)
    doubt = np.stack([np.einsum("np,pr,nr->n", x, blocks[:, q, :, q], x) for q in range(3)], axis=1)
    np.testing.assert_allclose(prior.variance(x), doubt, atol=1e-4)
    noise = np.random.default_rng(4).normal(size=(4000, 6))
    draws = np.stack([prior.draw(each).ravel() for each in noise])
    np.testing.assert_allclose(draws.mean(axis=0), prior.B.ravel(), atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.1 * covariance.max())
    again = _make_prior(np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 2, 3)))
    with pytest.raises(ValueError, match=r"prior's coefficients has shape \(6,\); must be \(8,\)"):
        again.restore(prior.state() | {"coefficients": np.zeros(6)}, prior.B)


def test_a_step_from_afar_is_cut_short_and_the_last_one_is_whole() -> None:
    """One coefficient, one article: a whole step of 17 logits, of which at most 3 are taken."""
    prior, one = _make_prior(np.zeros((1, 1)), np.full((1, 1), 1e6)), np.ones((1, 1))
    here = np.zeros(1, dtype=int)
    step = prior.step(one, one, here, here, np.ones(1) * 17, np.ones(1), np.zeros(1), one[0] * 1e12)
    assert prior.B[0, 0] == pytest.approx(BOUND)
    assert step.share == pytest.approx(BOUND / 17)
    prior.settle(step)
    assert prior.B[0, 0] == pytest.approx(17)


def _issue(number: int, count: int, kind: str = "article") -> Columns:
    return Columns(
        {"article": [f"{number}-{kind}-{j}" for j in range(count)], "kind": [kind] * count}
    )


def test_appeal_learns_how_far_articles_differ() -> None:
    rng = np.random.default_rng(0)
    true, noise = 0.5**2, 0.3**2
    appeal = Appeal(0.1)
    for issue in range(60):
        articles = _issue(issue, 20)
        mean, variance = appeal.look_up(articles)
        assert (mean == 0).all()
        assert (variance == appeal.variance).all()
        seen = rng.normal(scale=np.sqrt(true + noise), size=20)
        spread = 1 / (1 / variance + 1 / noise)
        appeal.absorb(articles, spread * seen / noise, spread)
    assert appeal.variance == pytest.approx(true, rel=0.15)
    given = Appeal(0.1, learns=False)
    given.absorb(articles, np.full(20, 3.0), np.full(20, 0.01))
    assert given.variance == 0.1
    assert given.look_up(_issue(99, 1))[1].tolist() == [0.1]
    assert given.look_up(_issue(99, 1, "ad"))[1].tolist() == [0.1]


def test_the_mean_appeal_of_a_kind_is_a_closed_form() -> None:
    """Three ads of which clicks say 2 (variance 1/5), 1 (1/2) and 4 (1/3), s^2 = 1/4.

    The kind's mean is the precision-weighted mean of these, of 0 (KIND_SD) beside them.
    """
    appeal, ads = Appeal(0.25), _issue(1, 3, "ad")
    said, noise = np.array([2.0, 1.0, 4.0]), np.array([1 / 5, 1 / 2, 1 / 3])
    before, doubt = appeal.look_up(ads)
    assert before.tolist() == [0, 0, 0]
    np.testing.assert_allclose(doubt, 0.25 + KIND_SD**2)
    variance = 1 / (1 / doubt + 1 / noise)
    appeal.absorb(ads, variance * said / noise, variance)
    weight = 1 / (0.25 + noise)
    mean, doubt = appeal.look_up(_issue(2, 1, "ad"))
    assert mean[0] == pytest.approx((weight * said).sum() / (weight.sum() + KIND_SD**-2))
    assert doubt[0] == pytest.approx(appeal.variance + 1 / (weight.sum() + KIND_SD**-2))
    assert appeal.look_up(_issue(2, 1))[0].tolist() == [0]  # another kind
    found = {name: array.tobytes() for name, array in appeal.state().items()}
    appeal.absorb(ads, variance, variance)  # carried over: these ads are known, and count once
    again = {name: array.tobytes() for name, array in appeal.state().items()}
    assert (found["means"], found["evidence"]) == (again["means"], again["evidence"])


def test_an_appeal_goes_on_from_its_state() -> None:
    appeal, articles = Appeal(0.1), Columns.stack([_issue(1, 20), _issue(1, 2, "ad")])
    appeal.absorb(articles, np.linspace(-1, 1, 22), np.full(22, 0.05))
    again, new = Appeal(0.1), Columns.stack([articles, _issue(2, 1, "ad")])
    again.restore(appeal.state())
    assert [part.tolist() for part in again.look_up(new)] == [
        part.tolist() for part in appeal.look_up(new)
    ]
    for name, array, words in (
        (
            "posterior",
            np.zeros((19, 2)),
            r"appeal's posterior has shape \(19, 2\); must be \(22, 2\)",
        ),
        ("means", np.zeros((2, 2)), r"appeal's means has shape \(2, 2\); must be \(1, 2\)"),
        ("means", -np.ones((1, 2)), r"appeal's means = -1.0; must be at least 0"),
    ):
        with pytest.raises(ValueError, match=words):
            again.restore(appeal.state() | {name: array})


# bilinear


def _draw_exposures(n: int, m: int, p: int, q: int, e: int) -> tuple[np.ndarray, ...]:
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
    x, a, rows, index, weights, values = _draw_exposures(11, 6, p, q, e)
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

    x, a, rows, index, weights, values = _draw_exposures(11, 6, 2, 3, 40)
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


def test_a_covariance_is_whole_and_what_is_no_precision_is_refused() -> None:
    root = np.random.default_rng(3).standard_normal((150, 150))  # more than LAPACK's half at a time
    posterior = Gaussian.start(np.zeros(150), np.full(150, LAMBDA))
    posterior.absorb(root @ root.T, np.zeros(150))
    found = posterior.covariance(posterior.factor())
    np.testing.assert_allclose(found, np.linalg.inv(root @ root.T + LAMBDA * np.eye(150)), 1e-9)
    np.testing.assert_array_equal(found, found.T)
    with pytest.raises(np.linalg.LinAlgError, match=r"precision \[2, 2\] is not positive definite"):
        factorise(np.diag([1.0, -1.0]))


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
