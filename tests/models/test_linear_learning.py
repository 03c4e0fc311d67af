"""How a linear model learns: rank-one updates in float32, and Laplace's approximation.

Dense inverses, gradients and curvatures in float64 say what must come out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from bandit.core.types import Context
from bandit.models.linear.blocks import Blocks
from bandit.models.linear.forms import Form, find_cells
from bandit.models.linear.learner import FEW, Linear
from tests.support.linear_cases import (
    LAMBDA,
    TEXTBOOK,
    draw_data,
    make_features,
    make_issue,
    predict,
    show,
    teach,
)

Make = Callable[..., Context]


# Rank-one updates


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.1, 1.0, 30.0]))
def test_rank_one_updates_are_the_dense_inverse(seed: int, d: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    blocks = Blocks.start(np.zeros((2, d)), np.full((2, d), LAMBDA))
    Z, weight, clicked = (
        size * rng.normal(size=(12, d)),
        rng.uniform(0.1, 1, 12),
        rng.integers(2, size=12).astype(float),
    )
    for z, w, v in zip(Z, weight, clicked, strict=True):
        blocks.look(1, z, v, w, "linear")
    A = LAMBDA * np.eye(d) + (Z * weight[:, None]).T @ Z
    np.testing.assert_allclose(blocks.precision[1], A, rtol=1e-12, atol=1e-9)
    root, inverse = blocks.root[1].astype(np.float64), np.linalg.inv(A)
    np.testing.assert_allclose(root @ root.T, inverse, atol=3e-5 / LAMBDA)
    np.testing.assert_allclose(blocks.mean[1], inverse @ (Z.T @ clicked), atol=1e-3 / size)
    assert (blocks.root[0] == np.eye(d, dtype=np.float32) / np.float32(np.sqrt(LAMBDA))).all()


@pytest.mark.slow
@pytest.mark.parametrize("spread", [1.0, 0.03])
def test_a_hundred_thousand_float32_updates_stay_positive_definite_and_near_the_closed_form(
    spread: float,
) -> None:
    """The square root in float32 against the float64 sum.

    Widths are within .1 %, means within .1 % of a width (3e-5 seen).
    """
    rng, d = np.random.default_rng(5), 12
    blocks = Blocks.start(np.zeros((1, d)), np.full((1, d), LAMBDA))
    theta, shift = rng.normal(size=d) / d, np.zeros(d)
    for _ in range(100_000):
        z = np.append(1.0, spread * rng.normal(size=d - 1))
        clicked = float(rng.random() < 0.3 + 0.2 * np.tanh(z @ theta))
        blocks.look(0, z, clicked, 1.0, "linear")
        shift += clicked * z
    assert blocks.root.dtype == np.float32
    root, A = blocks.root[0].astype(np.float64), blocks.precision[0]
    assert np.linalg.svd(root, compute_uv=False).min() > 0
    z = np.column_stack([np.ones(200), spread * rng.normal(size=(200, d - 1))])
    truth = np.sqrt(np.einsum("nd,de,ne->n", z, np.linalg.inv(A), z))
    np.testing.assert_allclose(np.linalg.norm(z @ root, axis=1), truth, rtol=1e-3)
    np.testing.assert_array_less(
        np.abs(z @ (blocks.mean[0] - np.linalg.solve(A, shift))) / truth, 1e-3
    )


def test_the_root_stays_positive_definite_where_the_plain_formula_does_not() -> None:
    """Looks that hardly differ, under a wide prior.

    The covariance's eigenvalues are then 10^9 apart, beyond float32.
    """
    rng, d, ridge = np.random.default_rng(5), 12, 0.003
    v = rng.normal(size=d)
    blocks = Blocks.start(np.zeros((1, d)), np.full((1, d), ridge))
    plain, least = np.eye(d, dtype=np.float32) / np.float32(ridge), np.inf
    for _ in range(500):
        z = 30 * (v + 1e-4 * rng.normal(size=d))
        blocks.look(0, z, 0.0, 1.0, "linear")
        k = plain @ z.astype(np.float32)
        plain -= np.outer(k, k) / (1 + z.astype(np.float32) @ k)
        least = min(least, np.linalg.eigvalsh(plain.astype(np.float64)).min())
    root = blocks.root[0].astype(np.float64)
    assert least < -1
    assert np.linalg.svd(root, compute_uv=False).min() > 0
    np.testing.assert_allclose(
        root.T @ blocks.precision[0] @ root, np.eye(d), atol=0.05
    )  # R' A R = I


def test_learning_look_by_look_is_learning_at_once(make_context: Make) -> None:
    form = {"model": "shared", "link": "linear", "rate": 0.3}
    once, context, _ = teach(make_context, 40, **form)
    single, *_ = teach(make_context, FEW, **form)
    for one, other in zip(predict(once, context), predict(single, context), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("click", [0.0, 1.0])
def test_one_logistic_look_is_the_same_by_newton(
    make_context: Make, click: float, monkeypatch: Any
) -> None:
    found = []
    for few in (FEW, 0):
        monkeypatch.setattr("bandit.models.linear.learner.FEW", few)
        linear = Linear(Form(**(TEXTBOOK | {"model": "hybrid", "link": "logistic", "rate": 0.1})))
        linear.start(make_features(5, ["constant", "text0", "text1"]))
        x, a, *_ = draw_data(1, 5, 5, 3)
        context = make_issue(make_context, x, a)
        linear.learn(show(context, np.array([3]), np.array([click])))
        found.append((linear.W, *predict(linear, context)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


# Laplace


@pytest.mark.parametrize("model", ["shared", "disjoint", "hybrid"])
def test_the_laplace_mode_has_no_gradient_and_its_precision_is_the_curvature(
    make_context: Make, model: str
) -> None:
    linear, _, (x, a, index, clicked) = teach(
        make_context, 40, model=model, link="logistic", rate=0.2
    )
    group = np.eye(4)[find_cells(a[:, 1:])]
    side = {"shared": a, "disjoint": group, "hybrid": np.hstack([a, group])}[model]
    prior = np.zeros(linear.W.shape)
    prior[0, slice(None) if model == "disjoint" else 0] = np.log(0.2 / 0.8)
    precision = LAMBDA * 0.2 * 0.8
    Z = np.einsum("ep,eq->epq", x, side[index]).reshape(len(x), -1)
    p = expit(Z @ linear.W.ravel())
    gradient = Z.T @ (clicked - p) - precision * (linear.W - prior).ravel()
    np.testing.assert_allclose(gradient, 0, atol=2e-3)
    curvature = precision * np.eye(Z.shape[1]) + (Z * (p * (1 - p))[:, None]).T @ Z
    if model != "disjoint":
        np.testing.assert_allclose(linear.blocks.precision[0], curvature, atol=5e-3)
    np.testing.assert_allclose(
        linear.blocks.root @ linear.blocks.root.swapaxes(1, 2),
        np.linalg.inv(linear.blocks.precision),
        atol=1e-5,
    )


@given(st.floats(-8, 8), st.floats(0.01, 400), st.booleans(), st.floats(0.05, 1))
def test_one_look_finds_the_mode_however_wide_the_prior(
    eta: float, tau: float, click: bool, weight: float
) -> None:
    clicked, weight = float(click), 1.0 if click else weight
    blocks = Blocks.start(np.array([[eta]]), np.array([[1 / tau]]))
    blocks.look(0, np.ones(1), clicked, weight, "logistic")
    f, variance = blocks.mean[0, 0], float(blocks.root[0, 0, 0]) ** 2
    p = expit(f)
    assert (f - eta) / tau == pytest.approx(clicked - weight * p, abs=1e-5)
    assert 1 / variance == pytest.approx(1 / tau + weight * p * (1 - p), rel=1e-4)
