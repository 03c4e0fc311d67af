"""Thompson sampling under delayed feedback: exact counts first, then the published regret.

Chapelle & Li 2011, table 1.
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from bandit.slates.exploration import thompson
from experiments.delayed import PUBLISHED, Beta, simulate_regret
from simulators.retiring import Retiring


def test_a_posterior_is_its_prior_plus_clicks_and_looks_without() -> None:
    posterior = Beta.start(3, 4, clicks=2.0, skips=5.0)
    looks = np.arange(12.0).reshape(3, 4)
    clicks = np.floor(looks / 3)
    posterior.learn(clicks, looks)
    assert np.array_equal(posterior.clicks, 2 + clicks)
    assert np.array_equal(posterior.skips, 5 + looks - clicks)
    posterior.forget(np.array([2, 0]), np.array([3, 1]))
    assert posterior.clicks[2, 3] == posterior.clicks[0, 1] == 2
    assert posterior.skips[2, 3] == posterior.skips[0, 1] == 5
    assert (
        posterior.clicks.sum() + posterior.skips.sum()
        == 12 * 7 + looks.sum() - looks[2, 3] - looks[0, 1]
    )


def test_draws_are_from_the_posterior() -> None:
    posterior = Beta.start(1, 2)
    posterior.learn(np.array([[3.0, 0.0]]), np.array([[10.0, 4.0]]))
    drawn = posterior.draw(4000, np.random.default_rng(1))
    assert drawn.shape == (4000, 1, 2)
    assert stats.kstest(drawn[:, 0, 0], stats.beta(4, 8).cdf).pvalue > 1e-3
    assert stats.kstest(drawn[:, 0, 1], stats.beta(1, 5).cdf).pvalue > 1e-3


def test_thompson_shows_an_article_as_often_as_it_is_probably_the_best() -> None:
    """P(X > Y) for X ~ Beta(3, 2), Y uniform is E[X] = 3/5."""
    posterior = Beta.start(1, 2)
    posterior.learn(np.array([[2.0, 0.0]]), np.array([[3.0, 0.0]]))
    draws, rng = 4000, np.random.default_rng(2)
    drawn = posterior.draw(draws, rng)
    share = thompson(drawn, floor=0.0)(drawn[0], np.ones((1, 2), dtype=bool))[0, 0]
    assert abs(share - 0.6) < 4 * np.sqrt(0.24 / draws)


def test_one_article_at_most_retires_at_a_step_and_a_new_one_comes() -> None:
    world = Retiring(seed=4, replications=50, articles=7, retire=0.1)
    retired = 0
    for _ in range(400):
        before = world.rates.copy()
        rows, index = world.step()
        assert len(set(rows)) == len(rows)
        changed = np.argwhere(world.rates != before)
        assert np.array_equal(changed, np.stack([rows, index], axis=1))
        retired += len(rows)
    assert abs(retired - 2000) < 4 * np.sqrt(20000 * 0.1 * 0.9)


def test_rates_are_drawn_from_their_distribution_and_clicks_from_the_rates() -> None:
    world = Retiring(seed=1, replications=3000, articles=2, rates=(4.0, 4.0))
    assert stats.kstest(world.rates.ravel(), stats.beta(4, 4).cdf).pvalue > 1e-3
    clicks = sum(world.show(np.zeros(3000, dtype=int))[0].sum() for _ in range(20))
    expected = world.rates[:, 0]
    assert abs(clicks - 20 * expected.sum()) < 4 * np.sqrt(20 * (expected * (1 - expected)).sum())


def test_the_best_article_has_no_regret_and_any_other_has() -> None:
    world = Retiring(seed=2, replications=40)
    assert (world.show(world.rates.argmax(axis=1))[1] == 0).all()
    worst = world.rates.argmin(axis=1)
    np.testing.assert_array_equal(
        world.show(worst)[1], world.rates.max(axis=1) - world.rates.min(axis=1)
    )


def test_pools_do_not_depend_on_what_is_shown() -> None:
    one, two = (Retiring(seed=3, replications=20, retire=0.2) for _ in range(2))
    for _ in range(30):
        one.show(np.zeros(20, dtype=int))
        one.step()
        two.step()
    assert np.array_equal(one.rates, two.rates)


def test_delay_one_is_hearing_back_at_once() -> None:
    """Against a plain loop over one replication after another, learning from each click at once."""
    from bandit.core import keys

    world, rng = Retiring(seed=6, replications=3), keys.generator("delayed", 6, "draws")
    a, b, total = np.ones((3, 10)), np.ones((3, 10)), np.zeros(3)
    for _ in range(300):
        choice = rng.beta(a, b).argmax(axis=1)
        clicked, lost = world.show(choice)
        for i, j in enumerate(choice):
            a[i, j] += clicked[i]
            b[i, j] += not clicked[i]
        total += lost
        for i, j in zip(*world.step(), strict=True):
            a[i, j] = b[i, j] = 1
    assert np.array_equal(simulate_regret(1, 300, replications=3, seed=6), total)


def test_nothing_is_learned_before_the_first_delivery() -> None:
    """Until then every article is as likely as any other: the regret of a uniform choice."""
    found = simulate_regret(10**6, 400, replications=400, seed=8)
    world = Retiring(seed=8, replications=400)
    uniform = np.zeros(400)
    for _ in range(400):
        uniform += world.rates.max(axis=1) - world.rates.mean(axis=1)
        world.step()
    difference = found - uniform
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / np.sqrt(400)


def test_later_feedback_costs_more() -> None:
    regrets = [simulate_regret(delay, 3000, replications=40, seed=9) for delay in (1, 100, 1000)]
    for sooner, later in pairwise(regrets):
        difference = later - sooner  # the same pools
        assert difference.mean() > 3 * difference.std(ddof=1) / np.sqrt(40)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 10), "delay = 0; must be at least 1"), ((1, 0), "steps = 0; must be at least 1")],
)
def test_what_cannot_be_simulated_is_refused_by_name(
    arguments: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        simulate_regret(*arguments)
    with pytest.raises(ValueError, match=r"retire = 1\.5"):
        Retiring(retire=1.5)
    with pytest.raises(ValueError, match="skips = 0"):
        Beta.start(2, 3, skips=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [1, 100])
def test_regret_is_the_published_one_within_a_tenth(delay: int) -> None:
    found = simulate_regret(delay, 10**6, replications=25)
    assert abs(found.mean() / PUBLISHED[delay] - 1) < 0.1
