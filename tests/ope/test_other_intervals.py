"""Bootstrap by member and the empirical Bernstein bound: closed forms, then coverage."""

import numpy as np
import pytest

from bandit.core.types import Floats
from bandit.ope.intervals import bernstein_interval, bootstrap_interval, normal_interval


def draw_members(seed: int, members: int = 400) -> tuple[Floats, Floats]:
    """Terms of a few per cent of clicks, up to six sends a member, and their mean is .06."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(members), rng.integers(1, 7, members))
    rate = rng.beta(0.6, 9.4, members)
    return (rng.random(len(who)) < rate[who]).astype(float), who


def test_the_bernstein_bound_by_hand() -> None:
    terms = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    doubt = np.log(4 / 0.2)
    margin = np.sqrt(2 * 0.3 * doubt / 5) + 7 * 2 * doubt / (3 * 4)
    found = bernstein_interval(terms, -10.0, 10.0, level=0.8)
    wide = np.sqrt(2 * 0.3 * doubt / 5) + 7 * 20 * doubt / (3 * 4)
    assert found.estimate == 0.6
    assert (found.low, found.high) == (-10.0, pytest.approx(min(0.6 + wide, 10.0)))
    cut = bernstein_interval(np.tile(terms, 100), -1.0, 1.0, level=0.8)
    small = np.sqrt(2 * np.tile(terms, 100).var(ddof=1) * doubt / 500) + 14 * doubt / (3 * 499)
    assert (cut.low, cut.high) == (pytest.approx(0.6 - small), pytest.approx(0.6 + small))
    assert margin > 0.4


def test_copies_of_sends_to_the_same_member_add_nothing() -> None:
    terms = np.random.default_rng(1).uniform(0, 2, 60)
    members = np.arange(60)
    one = bernstein_interval(terms, 0, 2)
    three = bernstein_interval(np.tile(terms, 3), 0, 2, np.tile(members, 3))
    assert (three.low, three.high) == (pytest.approx(one.low), pytest.approx(one.high))
    first = bootstrap_interval(terms, members, resamples=4000)
    again = bootstrap_interval(np.tile(terms, 3), np.tile(members, 3), resamples=4000)
    assert again.low == pytest.approx(first.low, abs=0.02)
    assert again.high == pytest.approx(first.high, abs=0.02)


def test_the_bootstrap_agrees_with_the_normal_interval_where_that_is_right() -> None:
    terms, members = draw_members(2, members=4000)
    plain = normal_interval(terms, members)
    found = bootstrap_interval(terms, members, resamples=4000)
    assert found.estimate == plain.estimate
    margin = plain.high - plain.estimate
    assert found.low == pytest.approx(plain.low, abs=0.1 * margin)
    assert found.high == pytest.approx(plain.high, abs=0.1 * margin)
    assert bootstrap_interval(terms, members, resamples=4000) == found


def test_coverage() -> None:
    held = {"bootstrap": 0, "bernstein": 0}
    for seed in range(300):
        terms, members = draw_members(1000 + seed)
        found = bootstrap_interval(terms, members, resamples=400, seed=seed)
        held["bootstrap"] += found.low <= 0.06 <= found.high
        found = bernstein_interval(terms, 0.0, 1.0, members)
        held["bernstein"] += found.low <= 0.06 <= found.high
    assert 0.91 <= held["bootstrap"] / 300 <= 0.98
    assert held["bernstein"] == 300


def test_the_bernstein_bound_holds_where_nothing_heavy_was_met_and_others_do_not() -> None:
    """One send in 2,000 has weight 400: most logs of 500 sends show none, the mean is .2."""
    rng, held = np.random.default_rng(3), {"normal": 0, "bernstein": 0}
    for _ in range(200):
        terms = 400.0 * (rng.random(500) < 1 / 2000) + rng.normal(0, 1e-3, 500).clip(0, 1)
        normal = normal_interval(terms)
        held["normal"] += normal.low <= 0.2 <= normal.high
        bound = bernstein_interval(terms, 0.0, 401.0)
        held["bernstein"] += bound.low <= 0.2 <= bound.high
    assert held["normal"] < 100
    assert held["bernstein"] == 200


def test_refusals() -> None:
    with pytest.raises(ValueError, match="resamples = 3"):
        bootstrap_interval(np.ones(9), resamples=3)
    with pytest.raises(ValueError, match="1 cluster in 9 terms"):
        bootstrap_interval(np.ones(9), np.zeros(9))
    with pytest.raises(ValueError, match="terms are from 1 to 3; must be within"):
        bernstein_interval(np.array([1.0, 3.0]), 0.0, 2.0)
    with pytest.raises(ValueError, match="level = 1"):
        bernstein_interval(np.array([1.0, 3.0]), 0.0, 4.0, level=1.0)
