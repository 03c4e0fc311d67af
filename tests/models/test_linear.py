"""Linear and logistic models against closed forms.

These are ridge regression, LinUCB as printed, Laplace's approximation and dense inverses.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Round, Slates
from bandit.models.linear.blocks import Blocks
from bandit.models.linear.forms import Form, find_cells
from bandit.models.linear.fourier import Fourier
from bandit.models.linear.learner import FEW, Linear
from bandit.policies.lin_ts import LinTS
from bandit.policies.lin_ucb import LinUCB
from bandit.slates.walk import draw
from simulators.play import play, send

LAMBDA = 3.0
TEXTBOOK = {
    "by": "articles",
    "axes": None,
    "ridge": LAMBDA,
    "constant": 1.0,
    "rate": 0.0,
    "max_slots": 4,
}
FORMS = [
    *product(("shared", "disjoint", "hybrid"), ("linear", "logistic"), ("articles",)),
    ("disjoint", "linear", "member_type"),
    ("hybrid", "logistic", "region"),
]
Make = Callable[..., Context]


def features_of(p: int, article_names: list[str]) -> Any:
    """Member features: a constant, a group of two values, numbers."""
    members = ["constant", "group=u", "group=v", *(f"number{i}" for i in range(p - 3))]
    return SimpleNamespace(
        member_names=members, article_names=article_names, levels={"group": ["u", "v"]}
    )


def context_for(make: Make, x: np.ndarray, a: np.ndarray) -> Context:
    return make(len(x), len(a), Rules(slots=1), member_features=x, article_features=a)


def show(context: Context, index: np.ndarray, clicked: np.ndarray) -> Round:
    """Everybody opened and looked at one slot, with this article."""
    n = len(index)
    yes, no = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    role = np.full((n, 1), 2, dtype=np.int8)
    slates = Slates(index[:, None], np.ones((n, 1)), role, np.zeros((n, 1), dtype=np.int8), yes)
    examined = np.ones((n, 1), dtype=np.int8)
    return Round(
        context, slates, Feedback(yes, yes, no, examined, clicked[:, None] > 0, np.zeros((n, 1)))
    )


def world_of(n: int, p: int, m: int, q: int, one_hot: bool = False) -> tuple[np.ndarray, ...]:
    """x [n, p], a [m, q], the article shown [n] and clicks [n]."""
    rng = np.random.default_rng(n + p)
    group = rng.integers(3, size=n)  # the third: a value never seen before
    x = np.column_stack([np.ones(n), group == 0, group == 1, rng.normal(size=(n, p - 3))]).astype(
        np.float64
    )
    x, a = np.round(x, 3), np.round(np.column_stack([np.ones(m), rng.normal(size=(m, q - 1))]), 3)
    if one_hot:
        a = np.eye(m)
    return x, a, rng.integers(m, size=n), (rng.random(n) < 0.4).astype(float)


def teach(
    make: Make, batch: int, one_hot: bool = False, n: int = 40, **form: Any
) -> tuple[Linear, Context, tuple]:
    """A model taught in issues of `batch` members; the context of all of them; and the data."""
    m, q = (4, 4) if one_hot else (5, 3)
    x, a, index, clicked = data = world_of(n, 5, m, q, one_hot)
    names = (
        [f"class{j}" for j in range(q)]
        if one_hot
        else ["constant", *(f"text{j}" for j in range(q - 1))]
    )
    linear = Linear(Form(**(TEXTBOOK | form)))
    linear.start(features_of(5, names))
    for first in range(0, n, batch):
        at = slice(first, first + batch)
        linear.learn(show(context_for(make, x[at], a), index[at], clicked[at]))
    return linear, context_for(make, x, a), data


def mean_and_width(linear: Linear, context: Context) -> tuple[np.ndarray, np.ndarray]:
    return linear.score(context, linear.W[None])[0], linear.measure_widths(context)


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
    linear.start(features_of(4, names))
    assert linear.W.shape == (4, 4)


@pytest.mark.parametrize("batch", [1, 40])
def test_a_segment_never_seen_before_is_a_group_of_its_own(make_context: Make, batch: int) -> None:
    """Independent ridge regressions on the article: one for each value, one for the rest."""
    linear, context, (x, a, index, clicked) = teach(
        make_context, batch, model="disjoint", link="linear", by="group"
    )
    group = np.where(x[:, 1] > 0, 0, np.where(x[:, 2] > 0, 1, 2))
    mean, width = mean_and_width(linear, context)
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
    mean, width = mean_and_width(linear, context)
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
    linear.start(features_of(4, ["class0", "class1"]))
    context = context_for(make_context, np.array([[1.0, 0.0, 0.0, 2.0]]), np.eye(2))
    linear.learn(show(context, np.array([0]), np.ones(1)))
    mean, width = mean_and_width(linear, context)
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
    x, a, *_ = world_of(6, 5, 4, 3)
    policy.start(features_of(5, ["constant", "text0", "text1"]))
    lengths = {"shared": np.outer(np.sum(x**2, axis=1), np.sum(a**2, axis=1))}
    lengths["disjoint"] = (
        np.tile(np.sum(a**2, axis=1), (6, 1))
        if by == "group"
        else np.tile(np.sum(x**2, axis=1)[:, None], 4)
    )
    found = policy.plan(context_for(make_context, x, a)).scores
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
    mean, width = mean_and_width(linear, context)
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
    wide, (mean, width) = Fourier.draw(5, 8, 0.7).expand(x), mean_and_width(linear, context)
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
    np.testing.assert_allclose(mean_and_width(linear, context)[0], x @ W @ a.T, atol=1e-4)


@pytest.mark.parametrize("link", ["linear", "logistic"])
def test_shared_with_one_hot_articles_is_disjoint(make_context: Make, link: str) -> None:
    form = {"one_hot": True, "link": link, "rate": 0.5, "constant": 1.0}
    disjoint, context, _ = teach(make_context, 40, model="disjoint", **form)
    shared = Linear(Form(**(TEXTBOOK | {"model": "shared", "link": link, "rate": 0.5})))
    shared.start(features_of(5, [f"class{j}" for j in range(4)]))
    start = np.zeros((5, 4))
    start[0] = 0.5 if link == "linear" else 0.0  # every class starts from the rate
    shared.blocks.mean = start.reshape(1, -1)
    x, a, index, clicked = world_of(40, 5, 4, 4, one_hot=True)
    shared.learn(show(context_for(make_context, x, a), index, clicked))
    np.testing.assert_allclose(shared.W, disjoint.W[:, ::2], atol=1e-4)
    np.testing.assert_allclose(
        shared.measure_widths(context), disjoint.measure_widths(context), rtol=1e-3
    )


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
    for one, other in zip(
        mean_and_width(once, context), mean_and_width(single, context), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("click", [0.0, 1.0])
def test_one_logistic_look_is_the_same_by_newton(
    make_context: Make, click: float, monkeypatch: Any
) -> None:
    found = []
    for few in (FEW, 0):
        monkeypatch.setattr("bandit.models.linear.learner.FEW", few)
        linear = Linear(Form(**(TEXTBOOK | {"model": "hybrid", "link": "logistic", "rate": 0.1})))
        linear.start(features_of(5, ["constant", "text0", "text1"]))
        x, a, *_ = world_of(1, 5, 5, 3)
        context = context_for(make_context, x, a)
        linear.learn(show(context, np.array([3]), np.array([click])))
        found.append((linear.W, *mean_and_width(linear, context)))
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


# The policies


def test_bounds_lie_above_the_mean_and_come_down_with_data(world: Any) -> None:
    association = world(text_dims=6, unsubscribe=0.0)  # the same members throughout
    gaps = []
    policy, plain = LinUCB(alpha=0.5, ridge=LAMBDA), LinUCB(alpha=0.0, ridge=LAMBDA)
    for each in (policy, plain):
        each.start(association.features)
    for number in (1, 2, 3):
        context = association.issue(number)
        later = association.issue(4)
        gaps.append(policy.plan(later).scores - plain.plan(later).scores)
        send(policy, association, context, 5)
        plain.restore(policy.state())
    assert (gaps[-1] > 0).all()
    assert (gaps[1] <= gaps[0] + 1e-9).all()
    assert gaps[2].mean() < 0.9 * gaps[0].mean()


def test_draws_have_the_posterior_covariance(make_context: Make) -> None:
    linear, *_ = teach(make_context, 40, model="shared", link="linear")
    moved = (linear.draw(np.eye(15)[:, None, :]) - linear.W).reshape(15, 15)
    np.testing.assert_allclose(
        moved.T @ moved, np.linalg.inv(linear.blocks.precision[0]), atol=2e-6
    )


@pytest.mark.parametrize(
    ("model", "by"), [("shared", "articles"), ("disjoint", "articles"), ("hybrid", "group")]
)
def test_drawn_scores_spread_as_wide_as_the_bounds(make_context: Make, model: str, by: str) -> None:
    """One thing computed twice: 4,000 draws of W, and the covariance with each article."""
    linear, context, _ = teach(make_context, 40, model=model, link="linear", by=by)
    noise = np.random.default_rng(3).standard_normal((4000, *linear.blocks.mean.shape))
    drawn = linear.score(context, linear.draw(noise))
    mean, width = mean_and_width(linear, context)
    np.testing.assert_allclose(drawn.std(axis=0), width, rtol=0.06)  # one sd is 1.1 %
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * width / np.sqrt(4000)).all()


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
@pytest.mark.parametrize(("model", "link", "by"), FORMS)
def test_every_form_keeps_the_contract(
    world: Any, kind: Any, model: str, link: str, by: str
) -> None:
    association = world(members=80, pool=12, text_dims=4)
    policy, other = (kind(model=model, link=link, by=by, ridge=30.0) for _ in range(2))
    for each in (policy, other):
        each.start(association.features)
    list(play(policy, association, seed=5, issues=2, started=True))
    other.restore(policy.state())
    context = association.issue(3)
    whole = draw(policy.plan(context), context, 7)
    rows = np.random.default_rng(2).permutation(len(context.members))
    for some in (rows, rows[:31], rows[:1]):
        part = draw(other.plan(context.take(some)), context.take(some), 7)
        assert part.choice.tobytes() == whole.choice[some].tobytes()
        assert part.propensity.tobytes() == whole.propensity[some].tobytes()
    few = context.take(rows[:1])
    for each in (policy, other):  # an issue of one member is learned look by look
        alone = show(replace(few, rules=Rules(slots=1)), np.array([2]), np.ones(1))
        each.learn(alone)
    assert {n: v.tobytes() for n, v in policy.state().items()} == {
        n: v.tobytes() for n, v in other.state().items()
    }


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
def test_state_of_another_shape_is_refused(world: Any, kind: Any) -> None:
    policy, other = kind(), kind(model="hybrid", by="region")
    for each in (policy, other):
        each.start(world(text_dims=4).features)
    with pytest.raises(ValueError, match="mean has shape"):
        other.restore(policy.state())


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model": "magic"}, "model = 'magic'; must be one of shared, disjoint, hybrid"),
        ({"link": "probit"}, "link = 'probit'; must be one of linear, logistic"),
        (
            {"model": "hybrid", "by": "shoe_size"},
            "by = 'shoe_size'; must be 'articles' or an attribute of member_type",
        ),
        ({"by": "shoe_size"}, "by = 'shoe_size'"),
        ({"axes": 0}, "axes = 0; must be at least 1"),
        ({"fourier": -1}, "fourier = -1; must be at least 0"),
        ({"ridge": 0.0}, "ridge = 0.0"),
        ({"constant": float("nan")}, "constant = nan"),
        ({"rate": 1.5}, r"rate = 1.5; must be in \[0, 1\]"),
        ({"rate": 0.0, "link": "logistic"}, "rate = 0.0; must be between 0 and 1"),
        ({"floor": -0.1}, "floor = -0.1"),
    ],
)
def test_bad_parameters_are_refused_by_name(
    world: Any, kind: Any, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**parameters).start(world().features)


@pytest.mark.parametrize("kind", [LinTS, LinUCB])
def test_an_option_that_does_not_exist_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(TypeError, match="rigde"):
        kind(rigde=30.0)


def test_negative_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha = -1"):
        LinUCB(alpha=-1)
    with pytest.raises(ValueError, match="scale = -1"):
        LinTS(scale=-1)
