"""Members' rates are estimated from a log: closed forms, and known parameters recovered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln, expit
from scipy.stats import beta

from simulators.fitted.rates import Rates, fit_rates


def test_a_and_b_are_recovered_from_hits_and_trials() -> None:
    a, b, n = 0.7, 1.9, 20_000
    rng = np.random.default_rng(1)
    trials = rng.integers(1, 30, n).astype(float)
    hits = rng.binomial(trials.astype(int), rng.beta(a, b, n)).astype(float)
    found = fit_rates(hits, trials, np.ones((n, 1)))
    mean = float(expit(found.pull[0]))
    assert mean * found.concentration == pytest.approx(a, rel=0.04)
    assert (1 - mean) * found.concentration == pytest.approx(b, rel=0.04)


def test_with_one_trial_each_the_mean_is_the_share_of_hits() -> None:
    """One trial tells nothing of the concentration, and the likelihood is Bernoulli's."""
    hits = (np.arange(1000) < 270).astype(float)
    found = fit_rates(hits, np.ones(1000), np.ones((1000, 1)))
    assert expit(found.pull[0]) == pytest.approx(0.27, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 4), st.floats(0.2, 4))
def test_no_neighbour_is_more_likely(seed: int, a: float, b: float) -> None:
    rng = np.random.default_rng(seed)
    trials = rng.integers(1, 20, 400).astype(float)
    hits = rng.binomial(trials.astype(int), rng.beta(a, b, 400)).astype(float)
    found = fit_rates(hits, trials, np.ones((400, 1)))

    def likelihood(pull: float, concentration: float) -> float:
        one, other = concentration * expit(pull), concentration * expit(-pull)
        return float((betaln(one + hits, other + trials - hits) - betaln(one, other)).sum())

    best = likelihood(found.pull[0], found.concentration)
    for pull, factor in ((0.05, 1), (-0.05, 1), (0, 1.1), (0, 0.9)):
        assert best >= likelihood(found.pull[0] + pull, found.concentration * factor) - 1e-6


def test_attributes_that_move_rates_are_found() -> None:
    rng, n = np.random.default_rng(2), 8000
    x = np.column_stack([np.ones(n), rng.random(n) < 0.3, rng.normal(size=n)])
    pull, concentration = np.array([-0.8, 0.9, 0.0]), 3.0
    mean = expit(x @ pull)
    hits = rng.binomial(13, rng.beta(concentration * mean, concentration * (1 - mean))).astype(
        float
    )
    found = fit_rates(hits, np.full(n, 13.0), x)
    assert found.pull == pytest.approx(pull, abs=0.08)
    assert found.concentration == pytest.approx(concentration, rel=0.08)


def test_draws_are_quantiles_of_the_posterior_and_spread_as_members_do() -> None:
    rng, n = np.random.default_rng(3), 5000
    rates = Rates(np.array([-0.5]), 2.2)
    x = np.ones((n, 1))
    a, b = 2.2 * expit(-0.5), 2.2 * expit(0.5)
    true = rng.beta(a, b, n)
    hits, trials, uniform = rng.binomial(9, true).astype(float), np.full(n, 9.0), rng.random(n)
    drawn = rates.draw(x, hits, trials, uniform)
    assert drawn == pytest.approx(beta.ppf(uniform, a + hits, b + 9 - hits), abs=1e-9)
    assert drawn.std() == pytest.approx(beta.std(a, b), rel=0.03)
    assert ((a + hits) / (a + b + 9)).std() < 0.95 * drawn.std()  # posterior means are too narrow


def test_no_hits_at_all_leave_no_rate_and_nothing_but_hits_no_doubt() -> None:
    x, many, none = np.ones((7, 1)), np.full(7, 5.0), np.zeros(7)
    uniform = np.linspace(0.01, 0.99, 7)
    assert fit_rates(none, many, x).draw(x, none, many, uniform).max() < 1e-6
    assert fit_rates(many, many, x).draw(x, many, many, uniform).min() > 1 - 1e-6


@pytest.mark.parametrize(("hits", "trials"), [(3.0, 2.0), (-1.0, 2.0), (float("nan"), 2.0)])
def test_hits_that_cannot_be_are_named(hits: float, trials: float) -> None:
    with pytest.raises(ValueError, match=rf"hits\[1\] = {hits} of trials\[1\] = {trials}"):
        fit_rates(np.array([1.0, hits]), np.array([2.0, trials]), np.ones((2, 1)))
