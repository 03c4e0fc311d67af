"""What the off-policy learner makes of its log: estimates, the click model, learned policies."""

import numpy as np
import pytest
from scipy.special import expit

from bandit.models.offpolicy.exposures import Exposures, Weights
from bandit.models.offpolicy.pages import Page
from bandit.slates import exploration


def make_exposures(n: int = 4000, temperature: float = 1.0) -> tuple[Exposures, Weights, Page]:
    """One page logged by the very policy of the weights.

    Two articles are open to all, a third to some.
    """
    rng = np.random.default_rng(4)
    x, articles = np.ones((n, 1), np.float32), np.array([[1, 0.0], [1, 1], [1, -0.5]], np.float32)
    weights = Weights(np.array([[-1.0, 0.7]]), np.ones(2))
    open = np.column_stack([np.ones((n, 2), dtype=bool), rng.random(n) < 0.6])
    pi = exploration.softmax(temperature)(np.tile([-1.0, -0.3, -1.35], (n, 1)), open)
    shown = (pi.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    clicked = (rng.random(n) < np.array([0.3, 0.6, 0.1])[shown]).astype(np.float64)
    sends, zero = np.arange(n), np.zeros(n, dtype=np.int64)
    member = sends.astype(np.uint64)
    own = np.zeros((n, 2), np.float32)
    page = Page(
        x, own, member, articles, sends, shown, zero, pi[sends, shown], clicked, np.ones(n), open
    )
    return Exposures([page], np.ones(1), temperature, 30), weights, page


def test_the_logging_policy_is_estimated_at_what_it_earned() -> None:
    held, weights, page = make_exposures()
    no_model = Weights(
        np.array([[-40.0, 0.0]]), np.ones(2)
    )  # expects no clicks: only weights are left
    assert held.estimate(weights, no_model).mean() == pytest.approx(page.clicked.mean(), rel=1e-5)


def test_estimates_of_another_policy_come_near_the_truth_with_any_model() -> None:
    held, weights, page = make_exposures(n=40_000)
    other = Weights(np.array([[0.0, 2.0]]), np.ones(2))
    pi = exploration.softmax(1.0)(np.tile([0.0, 2.0, -1.0], (len(page.open), 1)), page.open)
    truth = (pi @ np.array([0.3, 0.6, 0.1])).mean()
    for model in (
        weights,
        Weights(np.array([[-40.0, 0.0]]), np.ones(2)),
        held.fit_click_model(weights, np.ones((1, 2))),
    ):
        terms = held.estimate(other, model)
        assert abs(terms.mean() - truth) < 4 * terms.std() / np.sqrt(len(terms))


def test_the_click_model_agrees_with_closed_rates() -> None:
    held, weights, page = make_exposures(n=8000)
    fitted = held.fit_click_model(weights, np.full((1, 2), 30.0))
    rate = expit(page.articles @ fitted.W[0].astype(np.float32))
    # Two weights and three rates: the score equations still make the counts agree, in sum and along
    # the text.
    shown = rate[page.article]
    np.testing.assert_allclose(
        [
            (page.clicked - shown).mean(),
            ((page.clicked - shown) * page.articles[page.article, 1]).mean(),
        ],
        0,
        atol=2e-4,
    )


def test_a_learned_policy_is_estimated_above_where_it_started() -> None:
    held, _, _ = make_exposures()
    start = Weights(np.zeros((1, 2)), np.ones(2))
    for objective in ("ips", "snips", "dr"):
        learned = held.fit_policy(start, np.ones((1, 2)), start, objective, 10.0, 0.5)
        assert held.estimate(learned, start).mean() > held.estimate(start, start).mean() + 0.05
