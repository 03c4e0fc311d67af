"""The forms of a linear model against closed forms, learned one by one and all at once.

These are ridge regression, LinUCB as printed by Li et al. (2010), and dense inverses.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from bandit.core.types import Context
from bandit.models.linear.forms import Form, find_cells
from bandit.models.linear.fourier import Fourier
from bandit.models.linear.learner import Linear
from bandit.policies.lin_ucb import LinUCB
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


# Groups


def test_classes_have_a_cell_each_and_texts_that_of_their_leading_axis() -> None:
    assert find_cells(np.eye(4)).tolist() == [0, 2, 4, 6]
    assert find_cells(np.array([[0.1, -0.9, 0.3], [-0.5, 0.2, 0.4], [0.0, 0.0, 0.0]])).tolist() == [
        3,
        1,
        0,
    ]


def test_axes_are_those_of_the_text_only(make_context: Make) -> None:
    names = ["constant", "kind=event", "kind=resource", "text0", "text1", "text2"]
    linear = Linear(Form(**(TEXTBOOK | {"model": "disjoint", "link": "linear", "axes": 2})))
    linear.start(make_features(4, names))
    assert linear.W.shape == (4, 4)


@pytest.mark.parametrize("batch", [1, 40])
def test_a_segment_never_seen_before_is_a_group_of_its_own(make_context: Make, batch: int) -> None:
    """Independent ridge regressions on the article: one for each value, one for the rest."""
    linear, context, (x, a, index, clicked) = teach(
        make_context, batch, model="disjoint", link="linear", by="group"
    )
    group = np.where(x[:, 1] > 0, 0, np.where(x[:, 2] > 0, 1, 2))
    mean, width = predict(linear, context)
    for g in range(3):
        at = group == g
        A = LAMBDA * np.eye(3) + a[index[at]].T @ a[index[at]]
        theta = np.linalg.solve(A, a[index[at]].T @ clicked[at])
        np.testing.assert_allclose(mean[at], np.tile(a @ theta, (at.sum(), 1)), atol=2e-5)
        expected = np.sqrt(np.einsum("mq,qr,mr->m", a, np.linalg.inv(A), a))
        np.testing.assert_allclose(width[at], np.tile(expected, (at.sum(), 1)), rtol=1e-4)


# Li et al. 2010


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_disjoint_is_algorithm_1(make_context: Make, batch: int) -> None:
    linear, context, (x, _, index, clicked) = teach(
        make_context, batch, one_hot=True, model="disjoint", link="linear"
    )
    mean, width = predict(linear, context)
    for j in range(4):
        A, b = LAMBDA * np.eye(5), np.zeros(5)
        for i in np.flatnonzero(index == j):
            A, b = A + np.outer(x[i], x[i]), b + clicked[i] * x[i]
        np.testing.assert_allclose(mean[:, j], x @ np.linalg.solve(A, b), atol=2e-5)
        np.testing.assert_allclose(
            width[:, j], np.sqrt(np.einsum("np,pr,nr->n", x, np.linalg.inv(A), x)), rtol=1e-4
        )


def test_by_hand(make_context: Make) -> None:
    """x = (1, 0, 0, 2), lambda = 3, shown once and clicked.

    A = 3 I + x x', so theta = x / 8 and x' A^-1 x = 5 / 8.
    """
    linear = Linear(Form(model="disjoint", link="linear", **TEXTBOOK))
    linear.start(make_features(4, ["class0", "class1"]))
    context = make_issue(make_context, np.array([[1.0, 0.0, 0.0, 2.0]]), np.eye(2))
    linear.learn(show(context, np.array([0]), np.ones(1)))
    mean, width = predict(linear, context)
    np.testing.assert_allclose(mean, [[5 / 8, 0]], atol=1e-5)
    np.testing.assert_allclose(width, [[np.sqrt(5 / 8), np.sqrt(5 / 3)]], rtol=1e-5)
    np.testing.assert_allclose(linear.W[:, 0], [1 / 8, 0, 0, 2 / 8], atol=1e-7)


@pytest.mark.parametrize(
    ("model", "by"), [("shared", "articles"), ("disjoint", "articles"), ("disjoint", "group")]
)
def test_the_bonus_of_a_cold_article_is_alpha_over_the_root_of_lambda(
    make_context: Make, model: str, by: str
) -> None:
    policy, alpha = LinUCB(model=model, by=by, ridge=LAMBDA, constant=1.0, rate=0.0, alpha=0.7), 0.7
    x, a, *_ = draw_data(6, 5, 4, 3)
    policy.start(make_features(5, ["constant", "text0", "text1"]))
    lengths = {"shared": np.outer(np.sum(x**2, axis=1), np.sum(a**2, axis=1))}
    lengths["disjoint"] = (
        np.tile(np.sum(a**2, axis=1), (6, 1))
        if by == "group"
        else np.tile(np.sum(x**2, axis=1)[:, None], 4)
    )
    found = policy.plan(make_issue(make_context, x, a)).scores
    np.testing.assert_allclose(found, alpha * np.sqrt(lengths[model] / LAMBDA), rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 40])
def test_hybrid_is_algorithm_2(make_context: Make, batch: int) -> None:
    """Its block elimination, as printed, with lambda for its 1.

    z = x (x) a is shared, and x has weights in each cell.
    """
    linear, context, (x, a, index, clicked) = teach(
        make_context, batch, model="hybrid", link="linear"
    )
    cell, p, s = find_cells(a[:, 1:]), 5, 15
    A0, b0 = LAMBDA * np.eye(s), np.zeros(s)
    A = {g: LAMBDA * np.eye(p) for g in cell}
    B, b = {g: np.zeros((p, s)) for g in cell}, {g: np.zeros(p) for g in cell}
    for i, j in enumerate(index):
        z, g, r = np.kron(x[i], a[j]), cell[j], clicked[i]
        A0 += B[g].T @ np.linalg.solve(A[g], B[g])
        b0 += B[g].T @ np.linalg.solve(A[g], b[g])
        A[g], B[g], b[g] = A[g] + np.outer(x[i], x[i]), B[g] + np.outer(x[i], z), b[g] + r * x[i]
        A0 += np.outer(z, z) - B[g].T @ np.linalg.solve(A[g], B[g])
        b0 += r * z - B[g].T @ np.linalg.solve(A[g], b[g])
    beta, P = np.linalg.solve(A0, b0), np.linalg.inv(A0)
    mean, width = predict(linear, context)
    for i, j in product(range(len(x)), range(len(a))):
        z, g = np.kron(x[i], a[j]), cell[j]
        inner, cross = np.linalg.solve(A[g], x[i]), B[g].T @ np.linalg.solve(A[g], x[i])
        assert mean[i, j] == pytest.approx(
            z @ beta + x[i] @ np.linalg.solve(A[g], b[g] - B[g] @ beta), abs=1e-4
        )
        assert width[i, j] ** 2 == pytest.approx(
            z @ P @ z - 2 * z @ P @ cross + x[i] @ inner + cross @ P @ cross, rel=1e-3
        )


@pytest.mark.parametrize("batch", [1, 40])
def test_fourier_features_stand_for_the_attributes(make_context: Make, batch: int) -> None:
    form = {"model": "disjoint", "link": "linear", "fourier": 8, "bandwidth": 0.7}
    linear, context, (x, _, index, clicked) = teach(make_context, batch, one_hot=True, **form)
    wide, (mean, width) = Fourier.draw(5, 8, 0.7).expand(x), predict(linear, context)
    for j in range(4):
        Z = wide[index == j]
        A = LAMBDA * np.eye(9) + Z.T @ Z
        np.testing.assert_allclose(
            mean[:, j], wide @ np.linalg.solve(A, Z.T @ clicked[index == j]), atol=2e-5
        )
        np.testing.assert_allclose(
            width[:, j], np.sqrt(np.einsum("nd,de,ne->n", wide, np.linalg.inv(A), wide)), rtol=1e-4
        )


@pytest.mark.parametrize(
    ("model", "by"), [("shared", "articles"), ("hybrid", "articles"), ("hybrid", "group")]
)
def test_the_joint_posterior_is_dense_ridge_regression(
    make_context: Make, model: str, by: str
) -> None:
    linear, context, (x, a, index, clicked) = teach(
        make_context, 40, model=model, link="linear", by=by
    )
    group = np.where(x[:, 1] > 0, 0, np.where(x[:, 2] > 0, 1, 2))
    if model == "hybrid" and by == "group":
        x = np.hstack([x, np.eye(3)[group]])
    if model == "hybrid" and by == "articles":
        a = np.hstack([a, np.eye(4)[find_cells(a[:, 1:])]])
    Z = np.einsum("ep,eq->epq", x, a[index]).reshape(len(x), -1)
    W = np.linalg.solve(LAMBDA * np.eye(Z.shape[1]) + Z.T @ Z, Z.T @ clicked).reshape(
        x.shape[1], a.shape[1]
    )
    np.testing.assert_allclose(linear.W, W, atol=1e-9)
    np.testing.assert_allclose(predict(linear, context)[0], x @ W @ a.T, atol=1e-4)


@pytest.mark.parametrize("link", ["linear", "logistic"])
def test_shared_with_one_hot_articles_is_disjoint(make_context: Make, link: str) -> None:
    form = {"one_hot": True, "link": link, "rate": 0.5, "constant": 1.0}
    disjoint, context, _ = teach(make_context, 40, model="disjoint", **form)
    shared = Linear(Form(**(TEXTBOOK | {"model": "shared", "link": link, "rate": 0.5})))
    shared.start(make_features(5, [f"class{j}" for j in range(4)]))
    start = np.zeros((5, 4))
    start[0] = 0.5 if link == "linear" else 0.0  # every class starts from the rate
    shared.blocks.mean = start.reshape(1, -1)
    x, a, index, clicked = draw_data(40, 5, 4, 4, one_hot=True)
    shared.learn(show(make_issue(make_context, x, a), index, clicked))
    np.testing.assert_allclose(shared.W, disjoint.W[:, ::2], atol=1e-4)
    np.testing.assert_allclose(
        shared.measure_widths(context), disjoint.measure_widths(context), rtol=1e-3
    )
