"""What headlines promise: the posterior in closed form, learning v, and what must cost nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.models.promise import Promise, free_of_prior


def make_articles(count: int, told: float, seed: int, d: int = 20) -> tuple[np.ndarray, ...]:
    """Columns, true appeals, and what clicks tell of them with unequal variances."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(count, d)) / np.sqrt(d)
    true = columns @ rng.normal(0, np.sqrt(told), d) + rng.normal(0, np.sqrt(0.07), count)
    variance = rng.uniform(0.02, 0.3, count)
    return columns, true, rng.normal(true, np.sqrt(variance)), variance


@pytest.mark.parametrize("shared", [0.0, 0.3])
def test_the_posterior_is_that_of_a_dense_gaussian(shared: float) -> None:
    columns, _, appeal, variance = make_articles(17, 0.4, 0, d=3)
    groups = np.repeat([5, 2, 9], [4, 6, 7])
    promise = Promise(3, told=0.4, own=0.07, shared=shared, learns=False)
    promise.learn(columns, appeal, variance, groups)
    noise = np.diag(0.07 + variance) + shared * (groups[:, None] == groups)
    inverse = np.linalg.inv(noise)
    precision = columns.T @ inverse @ columns + np.eye(3) / 0.4
    np.testing.assert_allclose(
        promise.weights, np.linalg.solve(precision, columns.T @ inverse @ appeal)
    )
    ask = np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 3.0]])
    mean, spread = promise.foretell(ask)
    np.testing.assert_allclose(mean, ask @ promise.weights)
    np.testing.assert_allclose(spread, np.diag(ask @ np.linalg.inv(precision) @ ask.T))


def test_before_any_click_a_title_promises_nothing_and_v_is_all_that_is_known() -> None:
    mean, spread = Promise(2, told=0.03).foretell(np.array([[1.0, 2.0]]))
    assert (mean[0], spread[0]) == (0.0, pytest.approx(0.03 * 5))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.integers(0, 1000))
def test_issue_by_issue_or_all_at_once_is_the_same(cut: int, seed: int) -> None:
    columns, _, appeal, variance = make_articles(30, 0.4, seed, d=4)
    groups = np.where(np.arange(30) < cut, 1, 2)
    once, twice = (Promise(4, 0.4, 0.07, 0.2, learns=False) for _ in range(2))
    once.learn(columns, appeal, variance, groups)
    for rows in (slice(0, cut), slice(cut, 30)):
        twice.learn(columns[rows], appeal[rows], variance[rows])
    np.testing.assert_allclose(once.weights, twice.weights, rtol=1e-9, atol=1e-12)


def test_what_a_group_has_in_common_teaches_nothing_when_it_may_be_anything() -> None:
    columns, _, appeal, variance = make_articles(30, 0.4, 1)
    groups = np.repeat([0, 1], 15)
    told = []
    for shift in (0.0, 50.0):
        promise = Promise(20, 0.4, 0.07, shared=1e9, learns=False)
        promise.learn(columns, appeal + shift * groups, variance, groups)
        told.append(promise.weights)
    np.testing.assert_allclose(told[0], told[1], atol=1e-5)


def test_v_is_learned_from_titles_that_tell() -> None:
    found = []
    for seed in range(5):
        columns, _, appeal, variance = make_articles(2000, 0.8, seed)
        promise = Promise(20, told=0.01, own=0.07)
        promise.learn(columns, appeal, variance)
        found.append(promise.told)
    assert 0.35 < np.mean(found) < 0.9


def test_titles_that_tell_nothing_soon_promise_nothing() -> None:
    kept, lost, unshrunk = [], [], []
    for seed in range(10):
        columns, true, appeal, variance = make_articles(1000, 0.0, seed)
        promise = Promise(20, told=0.02, own=0.07)
        promise.learn(columns, appeal, variance)
        kept.append(promise.told)
        fresh, true, _, _ = make_articles(1000, 0.0, seed + 1000)
        mean, _ = promise.foretell(fresh)
        lost.append(np.mean((true - mean) ** 2) / np.mean(true**2) - 1)
        fixed = Promise(20, told=100.0, own=0.07, learns=False)
        fixed.learn(columns, appeal, variance)
        unshrunk.append(np.mean((true - fixed.foretell(fresh)[0]) ** 2) / np.mean(true**2) - 1)
    assert np.mean(kept) < 0.005
    assert np.mean(lost) < 0.015  # of the squared error without any promise
    assert np.mean(lost) < np.mean(unshrunk) / 3


def test_promises_come_true_as_often_as_they_say() -> None:
    inside = []
    for seed in range(10):
        columns, true, appeal, variance = make_articles(400, 0.8, seed)
        promise = Promise(20, told=0.05, own=0.07)
        promise.learn(columns[:200], appeal[:200], variance[:200])
        mean, spread = promise.foretell(columns[200:])
        inside.append(np.abs(true[200:] - mean) < 1.645 * np.sqrt(spread + 0.07))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_what_nobody_looked_at_teaches_nothing() -> None:
    columns, _, appeal, variance = make_articles(30, 0.4, 2)
    seen, both = Promise(20), Promise(20)
    seen.learn(columns[:20], appeal[:20], variance[:20])
    variance[20:], appeal[20:] = np.inf, np.nan
    both.learn(columns, appeal, variance)
    np.testing.assert_array_equal(seen.weights, both.weights)


def test_what_clicks_alone_tell_is_the_posterior_without_its_prior() -> None:
    alone, variance = np.array([0.7, -0.2]), np.array([0.3, 2.0])
    prior_mean, prior_variance = np.array([0.1, 0.4]), np.array([0.5, 0.05])
    posterior = 1 / (1 / variance + 1 / prior_variance)
    mean = posterior * (alone / variance + prior_mean / prior_variance)
    again = free_of_prior(mean, posterior, prior_mean, prior_variance)
    np.testing.assert_allclose(again, (alone, variance))
    untouched = free_of_prior(prior_mean, prior_variance, prior_mean, prior_variance)
    np.testing.assert_array_equal(untouched, ([0, 0], [np.inf, np.inf]))


def test_a_restored_promise_goes_on_to_the_same_bits() -> None:
    columns, _, appeal, variance = make_articles(60, 0.4, 3)
    first, second = Promise(20, shared=0.1), Promise(20, shared=0.1)
    first.learn(columns[:40], appeal[:40], variance[:40])
    second.restore({name: array.copy() for name, array in first.state().items()})
    for promise in (first, second):
        promise.learn(columns[40:], appeal[40:], variance[40:])
    np.testing.assert_array_equal(first.weights, second.weights)
    assert first.told == second.told
    with pytest.raises(ValueError, match=r"promise's moment has shape \(3,\); must be \(20,\)"):
        second.restore({**first.state(), "moment": np.zeros(3)})


def test_refusals() -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match="own = 0; must be at least 1e-09"):
        Promise(2, own=0)
    with pytest.raises(ValueError, match=r"columns has shape \(1, 3\); must be \(1, 2\)"):
        Promise(2).learn(np.ones((1, 3)), one, one)
    with pytest.raises(ValueError, match=r"variance\[0\] = -1.0; must be at least 0"):
        Promise(2).learn(np.ones((1, 2)), one, -one)
    with pytest.raises(ValueError, match=r"appeal\[0, 0\] = nan \(row of 0\); must be finite"):
        Promise(2).learn(np.ones((1, 2)), np.nan * one, one)
