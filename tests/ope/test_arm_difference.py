"""The difference between arms: without a past, with one, and against many draws of the arms."""

import numpy as np
import pytest

from bandit.core.types import Bools, Floats
from bandit.ope.arms import Arm, compare, measure_past


def cut(clicks: Floats, mails: Floats, past: Floats, second: Bools) -> tuple[Arm, Arm]:
    first, other = (Arm(clicks[own], mails[own], past[own]) for own in (~second, second))
    return first, other


def draw(n: int, share: float, seed: int) -> tuple[Floats, Floats, Floats, Bools]:
    rng = np.random.default_rng(seed)
    taste, mails = rng.gamma(0.7, 0.4, n), rng.integers(1, 9, n).astype(float)
    clicks, before = rng.poisson(taste * mails), rng.poisson(taste * 12)
    past = measure_past(before.astype(float), np.full(n, 12.0))
    return clicks.astype(float), mails, past, rng.random(n) < share


def test_without_a_past_it_is_the_plain_difference() -> None:
    clicks, mails, _, second = draw(900, 0.3, 1)
    found = compare(*cut(clicks, mails, np.zeros(900), second))
    rates = [clicks[own].sum() / mails[own].sum() for own in (~second, second)]
    assert found.estimate == found.plain == pytest.approx(rates[1] - rates[0], rel=1e-12)
    assert found.variance == found.plain_variance
    assert found.slope == 0


def test_one_mail_each_gives_the_variance_of_two_means() -> None:
    clicks, _, _, second = draw(700, 0.3, 2)
    found = compare(*cut(clicks, np.ones(700), np.zeros(700), second))
    parts = [clicks[own].var(ddof=1) / own.sum() for own in (~second, second)]
    assert found.variance == pytest.approx(sum(parts), rel=1e-12)


def test_the_variance_falls_by_one_less_the_squared_correlation() -> None:
    """Of the members' parts exactly; of normal values with correlation .6 nearly .64."""
    rng = np.random.default_rng(3)
    past = rng.normal(0, 2, 40_000)
    clicks = 5 + 0.6 * past / 2 + 0.8 * rng.normal(0, 1, 40_000)
    second = np.arange(40_000) % 2 == 1
    found = compare(*cut(clicks, np.ones(40_000), past, second))
    inside = np.where(second, clicks - clicks[second].mean(), clicks - clicks[~second].mean())
    known = np.where(second, past - past[second].mean(), past - past[~second].mean())
    rho = np.corrcoef(inside, known)[0, 1]
    ratio = found.variance / found.plain_variance
    assert ratio == pytest.approx(1 - rho**2, rel=1e-9)
    assert ratio == pytest.approx(0.64, abs=0.02)
    assert found.slope == pytest.approx(0.3, abs=0.01)


def test_units_of_the_past_and_the_order_of_arms_do_not_matter() -> None:
    clicks, mails, past, second = draw(1200, 0.4, 4)
    found = compare(*cut(clicks, mails, past, second))
    other = compare(*cut(clicks, mails, 7 - 3 * past, second))
    assert other.estimate == pytest.approx(found.estimate, rel=1e-9)
    assert other.variance == pytest.approx(found.variance, rel=1e-9)
    swapped = compare(*reversed(cut(clicks, mails, past, second)))
    assert swapped.estimate == pytest.approx(-found.estimate, rel=1e-9)
    assert found.variance < 0.7 * found.plain_variance


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_error_is_what_other_draws_of_the_arms_would_give(share: float) -> None:
    clicks, mails, past, _ = draw(1500, share, 5)
    rng, estimates, errors = np.random.default_rng(6), [], []
    for _ in range(600):
        found = compare(*cut(clicks, mails, past, rng.random(1500) < share))
        estimates.append(found.estimate)
        errors.append(np.sqrt(found.variance))
    assert np.std(estimates) == pytest.approx(np.mean(errors), rel=0.08)
    assert abs(np.mean(estimates)) < 4 * np.std(estimates) / np.sqrt(600)


def test_members_without_a_past_have_the_mean() -> None:
    past = measure_past(np.array([3.0, 0.0, 0.0]), np.array([10.0, 5.0, 0.0]))
    np.testing.assert_allclose(past, [1 / 5, -1 / 5, 0], atol=1e-12)
    assert (measure_past(np.zeros(4), np.zeros(4)) == 0).all()


def test_what_cannot_be_is_refused() -> None:
    one = np.ones(3)
    with pytest.raises(ValueError, match=r"mails has shape \(2,\); must be \(3,\)"):
        Arm(one, one[:2], one)
    with pytest.raises(ValueError, match="must be finite"):
        Arm(one, one, np.array([1.0, np.nan, 0.0]))
    with pytest.raises(ValueError, match="3 members and 0 newsletters delivered"):
        Arm(one, 0 * one, one)
