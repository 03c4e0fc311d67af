"""No infinite number and no NaN gets into an estimate or an interval, or comes out of one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bandit.ope.diagnostics import deficiency, find_depth, measure_lost
from bandit.ope.evaluate import ESTIMATORS, evaluate
from bandit.ope.inputs import count_within, weights
from bandit.ope.intervals import normal_interval
from bandit.ope.sample_size import effective_sample_size
from tests.support.ope_cases import Estimator, every_estimator

SHAPE = (5, 3)
powers = st.floats(-320, 0)
shares = st.sampled_from([0.0, 1.0, 0.5]) | powers.map(lambda power: 10.0**power)
tables = arrays(np.float64, SHAPE, elements=shares)


@every_estimator
@given(
    logged=arrays(np.float64, SHAPE, elements=powers.map(lambda power: max(10.0**power, 5e-324))),
    target=tables,
    reward=arrays(np.float64, SHAPE, elements=st.floats(-1e30, 1e30)),
)
def test_an_estimate_is_finite_or_refused(
    estimator: Estimator, logged: np.ndarray, target: np.ndarray, reward: np.ndarray
) -> None:
    try:
        terms = estimator(logged, target, reward)
    except ValueError as error:
        assert "weight" in str(error)  # noqa: PT017  (either outcome is right)
        return
    assert np.isfinite(terms).all()
    interval = normal_interval(terms)
    assert np.isfinite([interval.estimate, interval.low, interval.high]).all()
    assert interval.low <= interval.estimate <= interval.high


@given(logged=arrays(np.float64, SHAPE, elements=st.floats(5e-324, 1.0)), target=tables)
def test_what_is_reported_is_finite_and_says_where_it_ends(
    logged: np.ndarray, target: np.ndarray
) -> None:
    reward, yes = np.ones(SHAPE), np.ones(SHAPE, dtype=bool)
    answers = evaluate(logged, target, reward, yes, np.arange(5), least_ess=1.0, least_clicks=1.0)
    for answer in answers:
        assert np.isfinite(answer.ess)
        assert (answer.interval is None) == (answer.slots == 0)
        assert bool(answer.reason) == (answer.slots < 3)
        if answer.interval:
            assert np.isfinite([answer.interval.low, answer.interval.high]).all()


def test_the_slots_above_a_weight_that_is_no_number_are_evaluated() -> None:
    n = 1000
    logged, yes = np.full((n, 4), 0.5), np.ones((n, 4), dtype=bool)
    logged[7, 2], logged[8, 3] = 1e-200, 5e-324
    target, reward = np.full((n, 4), 0.5), np.tile(np.arange(n)[:, None] % 3 == 0, (1, 4))
    assert count_within(logged, target) == 2
    for answer in evaluate(logged, target, reward, yes, np.arange(n)):
        assert answer.slots == 2
        assert answer.interval is not None
        assert answer.interval.estimate == pytest.approx(2 * reward[:, 0].mean())
        assert answer.reason == (
            "at slot 3 weights pass 1e+100: the log hardly ever shows what this policy does"
        )
    logged[0, 0] = 1e-300
    nothing = evaluate(logged, target, reward, yes, np.arange(n))
    assert [answer.estimator for answer in nothing] == list(ESTIMATORS)
    for answer in nothing:
        assert (answer.slots, answer.interval, answer.ess) == (0, None, 1.0)
        assert answer.reason.startswith("at slot 1 weights pass 1e+100")


def test_weights_of_slots_below_do_not_hide_an_infinite_one() -> None:
    """inf times 0 is no number: the place that is named is the first that passed the limit."""
    logged, target = np.full((3, 4), 0.5), np.full((3, 4), 0.5)
    logged[1, 1], target[1, 2] = 5e-324, 0.0
    for refusing in (
        lambda: weights(logged, target),
        lambda: find_depth(logged, target, 1.0),
        lambda: measure_lost(logged, target, np.ones((3, 4), dtype=bool)),
    ):
        with pytest.raises(ValueError, match=r"weight\[1, 1\] = inf; must be at most 1e\+100"):
            refusing()


@pytest.mark.parametrize("w", [[1.0, np.inf], [1.0, np.nan], [1.0, -2.0]])
def test_a_sample_size_of_what_is_no_weight_is_refused(w: list[float]) -> None:
    with pytest.raises(ValueError, match=r"weight\[1\] = (inf|nan|-2.0); must be a finite number"):
        effective_sample_size(np.array(w))
    assert effective_sample_size(np.array([1e308, 1e308, 0.0])) == 2.0


def test_deficiency_of_what_is_no_propensity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"target\[0, 1\] = nan; must be in \[0, 1\]"):
        deficiency(np.array([[0.5, np.nan]]), np.zeros((1, 2), dtype=bool))


def test_intervals_refuse_what_would_overflow() -> None:
    with pytest.raises(ValueError, match=r"terms reach 1e\+150; must be at most 1e\+140 in size"):
        normal_interval(np.array([1.0, -1e150]))
    wide = normal_interval(np.array([0.0, 1e140, -1e140]))
    assert np.isfinite([wide.low, wide.high]).all()
    with pytest.raises(ValueError, match=r"level = 0.99999999999999\d*; must be in \(0, 1\)"):
        normal_interval(np.arange(3.0), level=np.nextafter(1.0, 0.0))
