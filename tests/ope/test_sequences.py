"""Confidence sequences: the bound against its closed form, members as units, and looking often."""

import math

import numpy as np
import pytest
from scipy import special

from bandit.ope.intervals import normal_interval
from bandit.ope.sequences import bound_errors, find_first, make_sequence, mean_sequence


@pytest.mark.parametrize(("level", "tightest"), [(0.95, 4.0), (0.9, 1.0), (0.99, 20.0)])
def test_the_bound_is_the_normal_mixture_of_howard_and_others(
    level: float, tightest: float
) -> None:
    """In their notation, with rho from Lambert's function, which is tightest where it should be."""
    alpha, time = 1 - level, np.array([2.0, 3.0, 9.0, 250.0])
    best = tightest * time[0]
    rho = best / (-special.lambertw(-(alpha**2) / math.e, -1).real - 1)
    boundary = np.sqrt((time + rho) * np.log((time + rho) / (alpha**2 * rho)))
    np.testing.assert_allclose(
        bound_errors(time, level, tightest), boundary / np.sqrt(time), rtol=1e-10
    )
    near = np.concatenate([time[:1], best * np.array([0.98, 1.0, 1.02])])
    found = bound_errors(near, level, tightest)[1:]
    assert found[1] < min(found[0], found[2])


def test_a_bound_at_twenty_looks_holds_whatever_the_dependence() -> None:
    """It is never below 3.03 errors, and 20 looks each beyond that are .05 in all."""
    least = bound_errors(np.geomspace(1, 1e6, 4000)).min()
    assert least == pytest.approx(3.035, abs=2e-3)
    assert 20 * 2 * special.ndtr(-least) < 0.05


def test_a_brownian_motion_stays_inside() -> None:
    rng = np.random.default_rng(1)
    time = np.geomspace(1, 60, 150)
    steps = rng.normal(size=(4000, 150)) * np.sqrt(np.diff(time, prepend=0))
    score = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(time)
    crossed = (score > bound_errors(time, 0.9)).any(axis=1).mean()
    assert 0.03 < crossed < 0.1


def test_the_last_look_has_the_error_of_the_interval_clustered_by_member() -> None:
    rng = np.random.default_rng(2)
    terms, members = rng.gamma(0.5, 2.0, 600), rng.integers(0, 90, 600)
    looks = np.sort(rng.integers(0, 7, 600))
    found = mean_sequence(terms, members, looks)[-1]
    assert found.interval is not None
    assert found.interval.estimate == pytest.approx(terms.mean(), rel=1e-12)
    e = np.bincount(members, terms - terms.mean())
    assert found.error**2 == pytest.approx(90 / 89 * (e**2).sum() / 600**2, rel=1e-9)
    plain = normal_interval(terms, members)
    assert found.interval.high > plain.high


def test_more_sends_that_say_the_same_of_the_same_members_make_nothing_surer() -> None:
    terms = np.random.default_rng(3).gamma(0.4, 2.0, 80)
    members, looks = np.arange(80), np.zeros(80, dtype=int)
    once = mean_sequence(terms, members, looks)[0]
    again = mean_sequence(np.tile(terms, 5), np.tile(members, 5), np.repeat(np.arange(5), 80))
    assert again[-1].error == pytest.approx(once.error, rel=1e-12)
    text = np.array([f"member {i}" for i in members])
    assert mean_sequence(terms, text, looks)[0] == once


def test_members_that_return_are_no_new_evidence() -> None:
    """Members whose mean is not 0 by luck alone: with mails as units it passes for an effect."""
    rng = np.random.default_rng(4)
    alarms = np.zeros(2)
    for _ in range(60):
        rates = rng.normal(0, 1, 100)
        looks = np.repeat(np.arange(25), 100)
        terms = np.tile(rates, 25) + rng.normal(0, 0.5, 2500)
        for unit, members in enumerate((np.tile(np.arange(100), 25), np.arange(2500))):
            alarms[unit] += find_first(mean_sequence(terms, members, looks)) is not None
    assert alarms[0] <= 3
    assert alarms[1] >= 20


def test_too_little_gives_no_interval() -> None:
    terms = np.where(np.arange(400) % 8 == 0, 1.0, 0.0)
    found = mean_sequence(terms, np.arange(400), np.arange(400) // 100, least=20)
    assert [look.interval is None for look in found] == [True, False, False, False]
    assert math.isnan(found[0].error)
    assert find_first(found[:1]) is None
    none = make_sequence(np.zeros(2), np.ones(2), np.zeros(2, dtype=bool))
    assert [look.interval for look in none] == [None, None]


def test_what_cannot_be_is_refused() -> None:
    one, yes = np.ones(3), np.ones(3, dtype=bool)
    for call, message in (
        (lambda: bound_errors(one, 1.0), r"level = 1\.0; must be in \(0, 1\)"),
        (lambda: bound_errors(one, 0.9, 0.0), "tightest = 0.0; must be at least"),
        (lambda: bound_errors(np.array([1.0, -2.0])), r"information = -2\.0; must be a positive"),
        (lambda: make_sequence(one, np.zeros(3), yes), r"variance = 0\.0; must be a positive"),
        (lambda: make_sequence(one, np.ones(2), yes), "variances has shape"),
        (lambda: mean_sequence(one, one, np.zeros(2, int)), "looks has shape"),
        (lambda: mean_sequence(np.array([1e200]), one[:1], np.zeros(1, int)), "terms reach"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
