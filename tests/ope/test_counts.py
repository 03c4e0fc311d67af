"""Counts: evidence against a split, and the ratio of rare events, at every look."""

import math

import numpy as np
import pytest
from scipy import stats

from bandit.ope.counts import bound_ratio, measure_split


def test_the_evidence_is_one_on_average_where_the_shares_are_right() -> None:
    """Over all outcomes of 40 draws: what makes Ville's inequality hold."""
    k, share = np.arange(41), 0.3
    evidence = [measure_split([40 - j, j], [1 - share, share]) for j in k.tolist()]
    assert stats.binom.pmf(k, 40, share) @ evidence == pytest.approx(1, rel=1e-9)
    three = [
        stats.multinomial.pmf([a, b, 9 - a - b], 9, [0.5, 0.3, 0.2])
        * measure_split([a, b, 9 - a - b], [0.5, 0.3, 0.2])
        for a in range(10)
        for b in range(10 - a)
    ]
    assert sum(three) == pytest.approx(1, rel=1e-9)


def test_a_sound_split_hardly_ever_alarms_and_a_broken_one_does() -> None:
    rng = np.random.default_rng(1)
    shares = [0.75, 0.2, 0.05]
    most = []
    for _ in range(300):
        counts = np.cumsum(rng.multinomial(400, shares, size=30), axis=0)
        most.append(max(measure_split(row, shares) for row in counts.tolist()))
    assert np.mean(np.array(most) >= 20) <= 0.05
    assert max(most) < 1000
    assert measure_split([7500, 1700, 500], shares) > 1000  # of .2, 15 % were lost
    assert measure_split([5000, 5000], [0.5, 0.5]) < 1


def test_a_ratio_is_inside_at_every_look() -> None:
    """Rare events come one after another; an arm of .2 in which they are 1.5 times as frequent."""
    rng, truth, share = np.random.default_rng(2), 1.5, 0.2
    p = truth * share / (truth * share + 1 - share)
    missed = 0
    for _ in range(150):
        second = np.cumsum(rng.random(250) < p)
        for total in range(5, 250, 15):
            k = int(second[total - 1])
            found = bound_ratio(total - k, k, share, 0.9)
            if not found.low <= truth <= found.high:
                missed += 1
                break
    assert missed <= 15


def test_more_events_say_more_and_none_say_nothing() -> None:
    few, many = bound_ratio(10, 15, 0.5), bound_ratio(400, 600, 0.5)
    assert few.estimate == many.estimate == pytest.approx(1.5)
    assert few.low < many.low < 1.5 < many.high < few.high
    assert many.low > 1.2
    none = bound_ratio(0, 0, 0.4)
    assert math.isnan(none.estimate)
    assert (none.low, none.high) == (0, math.inf)
    only = bound_ratio(0, 12, 0.4)
    assert only.estimate == only.high == math.inf
    assert only.low > 0.9
    assert bound_ratio(12, 0, 0.4).low == 0
    turned = bound_ratio(15, 10, 0.5)
    assert turned.low == pytest.approx(1 / few.high, rel=1e-9)


def test_what_cannot_be_is_refused() -> None:
    for call, message in (
        (lambda: measure_split([1, 2], [0.5, 0.4]), "must be positive and add up to 1"),
        (lambda: measure_split([1], [1.0]), "1 counts and 1 shares"),
        (lambda: measure_split([30, -5], [0.5, 0.5]), r"counts\[1\] = -5; must be at least 0"),
        (lambda: bound_ratio(-1, 2, 0.5), "first = -1; must be at least 0"),
        (lambda: bound_ratio(1, 2, 1.0), "share = 1.0; must be in"),
        (lambda: bound_ratio(1, 2, 0.5, 1.0), "level = 1.0; must be in"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
