"""Intervals of means whose terms come in clusters, against closed forms."""

import numpy as np
import pytest
from scipy import stats

from bandit.core.types import Floats
from bandit.ope.intervals import Interval, normal_interval
from tests.support.ope_cases import assert_same_interval


def find_student_interval(terms: Floats) -> Interval:
    """The textbook formula for independent terms, with this module's degrees of freedom."""
    squares = (terms - terms.mean()) ** 2
    freedom = min(len(terms) - 1, squares.sum() ** 2 / (squares**2).sum())
    low, high = stats.t.interval(0.9, freedom, terms.mean(), stats.sem(terms))
    return Interval(float(terms.mean()), float(low), float(high))


def test_interval_of_independent_terms_is_student_s() -> None:
    terms = np.random.default_rng(13).gamma(0.4, 2.0, 90)
    assert_same_interval(normal_interval(terms, level=0.9), find_student_interval(terms))
    assert_same_interval(
        normal_interval(terms, np.arange(90)[::-1], level=0.9), find_student_interval(terms)
    )


def test_many_comparable_terms_give_the_normal_interval() -> None:
    terms = np.random.default_rng(14).normal(3, 2, 20_000)
    interval = normal_interval(terms)
    assert interval.high - interval.estimate == pytest.approx(
        1.959964 * terms.std() / np.sqrt(20_000), rel=1e-3
    )


def test_a_copy_of_each_send_adds_nothing_when_it_is_the_same_member() -> None:
    terms = np.random.default_rng(15).gamma(0.4, 2.0, 40)
    names = np.array([f"member {i}" for i in range(40)])
    assert_same_interval(
        normal_interval(np.tile(terms, 3), np.tile(names, 3)), normal_interval(terms)
    )
    copied = normal_interval(np.tile(terms, 3))
    assert copied.high - copied.low < 0.7 * (
        normal_interval(terms).high - normal_interval(terms).low
    )


def test_cluster_variance_in_closed_form() -> None:
    terms, members = np.array([1.0, 4.0, 0.0, 7.0, 3.0]), np.array([5, 9, 5, 2, 9])
    totals = np.array([1 - 3 + 0 - 3, 4 - 3 + 3 - 3, 7 - 3])
    error = np.sqrt(3 / 2 * (totals**2).sum()) / 5
    freedom = (totals**2).sum() ** 2 / (totals**4).sum()
    quantile = stats.t.ppf(0.975, min(2, freedom))
    assert_same_interval(
        normal_interval(terms, members), Interval(3.0, 3 - quantile * error, 3 + quantile * error)
    )


def test_two_clusters_leave_one_degree_of_freedom() -> None:
    margin = 0.5 * np.tan(0.475 * np.pi)  # Cauchy's quantile
    assert_same_interval(
        normal_interval(np.array([0.0, 1.0])), Interval(0.5, 0.5 - margin, 0.5 + margin)
    )


def test_terms_that_agree_give_a_point() -> None:
    assert normal_interval(np.full(4, 2.0)) == Interval(2.0, 2.0, 2.0)


def test_intervals_refuse_what_has_no_spread() -> None:
    with pytest.raises(ValueError, match="1 cluster in 3 terms"):
        normal_interval(np.arange(3.0), np.zeros(3, dtype=int))
    with pytest.raises(ValueError, match="0 cluster in 0 terms"):
        normal_interval(np.zeros(0))
    with pytest.raises(ValueError, match=r"clusters has shape \(2,\); must be \(3,\)"):
        normal_interval(np.arange(3.0), np.zeros(2, dtype=int))
    with pytest.raises(ValueError, match=r"terms\[1, 0\] = nan"):
        normal_interval(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"level = 95; must be in \(0, 1\)"):
        normal_interval(np.arange(3.0), level=95)
