"""One choice a send: identities, closed forms, and exact means over every log of a toy."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.types import Floats
from bandit.ope import estimators
from bandit.ope.single import doubly_robust, importance, loggers, replay, topics, weighing
from tests.support.single_cases import draw_log

LOG, CHANCE = draw_log(1)
N, M = LOG.logged.shape
ROWS = np.arange(N)
W = LOG.weigh()
MODEL = np.random.default_rng(2).uniform(0, 1, (N, M))
SHOWN = doubly_robust.pick(MODEL, LOG.action)
WANTED = doubly_robust.direct(LOG.target, MODEL)


def test_they_are_the_slate_estimators_with_one_slot() -> None:
    logged = LOG.logged[ROWS, LOG.action][:, None]
    target = LOG.target[ROWS, LOG.action][:, None]
    slate = (logged, target, np.asarray(LOG.reward)[:, None])
    np.testing.assert_array_equal(importance.ips(W, LOG.reward), estimators.ips(*slate))
    np.testing.assert_allclose(
        importance.snips(W, LOG.reward), estimators.snips(*slate), rtol=1e-12
    )


def test_a_target_that_is_the_logger_gives_the_mean() -> None:
    ones, mean = np.ones(N), np.mean(LOG.reward)
    assert importance.ips(ones, LOG.reward).mean() == mean
    assert importance.snips(ones, LOG.reward).mean() == pytest.approx(mean, rel=1e-12)
    for w in (weighing.clip(ones, 1.0), weighing.switch(ones, 1.0), weighing.smooth(ones, 0.7)):
        np.testing.assert_array_equal(w, ones)


def test_with_a_model_that_is_right_dr_and_sndr_are_the_direct_method() -> None:
    exact = doubly_robust.pick(MODEL, LOG.action)
    told = doubly_robust.dr(W, exact, SHOWN, WANTED)
    np.testing.assert_array_equal(told, WANTED)
    np.testing.assert_array_equal(doubly_robust.sndr(W, exact, SHOWN, WANTED), WANTED)


def test_without_a_model_dr_is_ips_and_without_weights_the_direct_method() -> None:
    zero = np.zeros(N)
    np.testing.assert_array_equal(
        doubly_robust.dr(W, LOG.reward, zero, zero), importance.ips(W, LOG.reward)
    )
    np.testing.assert_array_equal(doubly_robust.dr(zero, LOG.reward, SHOWN, WANTED), WANTED)
    np.testing.assert_allclose(
        doubly_robust.sndr(W, LOG.reward, zero, zero), importance.snips(W, LOG.reward)
    )


def test_the_ways_to_make_weights_smaller_by_hand() -> None:
    w = np.array([0.0, 0.5, 2.0, 6.0])
    assert weighing.clip(w, 3.0).tolist() == [0, 0.5, 2, 3]
    assert weighing.switch(w, 2.0).tolist() == [0, 0.5, 2, 0]
    np.testing.assert_allclose(weighing.shrink(w, 4.0), [0, 2 / 4.25, 1.0, 24 / 40])
    np.testing.assert_allclose(weighing.smooth(w, 0.2), [0, 0.5 / 0.9, 2 / 1.2, 6 / 2])
    assert weighing.smooth(w, 1.0).tolist() == [0, 1, 1, 1]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=6), st.floats(0.01, 1e6))
def test_smaller_weights_are_never_larger(weights: list[float], scale: float) -> None:
    w = np.array(weights)
    small = (weighing.clip(w, scale), weighing.switch(w, scale), weighing.shrink(w, scale))
    for each in small:
        assert ((each >= 0) & (each <= w * (1 + 1e-12))).all()
    assert weighing.smooth(w, 0.25).max() <= 4 * (1 + 1e-12)
    for none in (np.inf, 1e300):
        for each in (weighing.clip, weighing.switch, weighing.shrink):
            np.testing.assert_array_equal(each(w, none), w)


# exact means over every log of a toy: two contexts, three articles, topics [0, 0, 1]

PLACE = np.array(list(product(range(2), range(3))))
X, A = PLACE.T
LOGGED = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
TARGET = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
EARNS = np.array([[0.9, 0.4, 0.2], [0.3, 0.8, 0.6]])
MASS = 0.5 * LOGGED[X, A]  # contexts are as likely as one another
VALUE = (0.5 * TARGET * EARNS).sum()
TOY_W = weighing.weigh(LOGGED[X, A], TARGET[X, A])
TOY_MODEL = np.array([[0.1, 0.7, 0.3], [0.9, 0.2, 0.5]])
TOY_SHOWN, TOY_WANTED = TOY_MODEL[X, A], (TARGET * TOY_MODEL).sum(axis=1)[X]


def test_ips_and_dr_have_no_bias() -> None:
    assert MASS @ importance.ips(TOY_W, EARNS[X, A]) == pytest.approx(VALUE, abs=1e-14)
    told = doubly_robust.dr(TOY_W, EARNS[X, A], TOY_SHOWN, TOY_WANTED)
    assert MASS @ told == pytest.approx(VALUE, abs=1e-14)


@pytest.mark.parametrize(
    "smaller",
    [
        lambda w: weighing.clip(w, 1.2),
        lambda w: weighing.switch(w, 1.2),
        lambda w: weighing.shrink(w, 1.2),
        lambda w: weighing.smooth(w, 0.4),
    ],
)
def test_with_smaller_weights_dr_has_no_bias_if_the_model_is_right(
    smaller: Callable[[Floats], Floats],
) -> None:
    w, right = smaller(TOY_W), (TARGET * EARNS).sum(axis=1)[X]
    told = MASS @ doubly_robust.dr(w, EARNS[X, A], EARNS[X, A], right)
    assert told == pytest.approx(VALUE, abs=1e-14)
    lean = MASS @ doubly_robust.dr(w, EARNS[X, A], TOY_SHOWN, TOY_WANTED)
    assert abs(lean - VALUE) > 1e-3
    assert MASS @ importance.ips(w, EARNS[X, A]) != pytest.approx(VALUE, abs=1e-3)


def test_mips_has_no_bias_where_the_topic_tells_all_and_offcem_where_the_model_tells_the_rest() -> (
    None
):
    topic = np.array([0, 0, 1])
    w = topics.weigh_topics(LOGGED[X], TARGET[X], topic, A)
    alike = np.array([[0.9, 0.9, 0.2], [0.3, 0.3, 0.6]])
    value = (0.5 * TARGET * alike).sum()
    assert MASS @ importance.ips(w, alike[X, A]) == pytest.approx(value, abs=1e-14)
    assert abs(MASS @ importance.ips(w, EARNS[X, A]) - VALUE) > 1e-3
    within = EARNS + np.array([[0.5], [-0.4]])  # right about differences within a topic
    wanted = (TARGET * within).sum(axis=1)[X]
    told = doubly_robust.dr(w, EARNS[X, A], within[X, A], wanted)
    assert MASS @ told == pytest.approx(VALUE, abs=1e-14)
    every = topics.weigh_topics(LOGGED[X], TARGET[X], np.arange(3), A)
    np.testing.assert_allclose(every, TOY_W)  # a topic for each article: plain weights
    np.testing.assert_allclose(topics.weigh_topics(LOGGED[X], TARGET[X], np.zeros(3, int), A), 1.0)


def test_several_loggers_have_no_bias_balanced_and_no_more_variance() -> None:
    other = np.array([[0.05, 0.9, 0.05], [0.1, 0.1, 0.8]])
    both, sends = np.stack([LOGGED, other]), np.array([3, 1])
    logger = np.repeat([0, 1], len(X))
    chances = np.stack([both[0][X, A], both[1][X, A]], axis=1)
    mass = (sends / 4)[logger] * 0.5 * both[logger, np.tile(X, 2), np.tile(A, 2)]
    reward, target = np.tile(EARNS[X, A], 2), np.tile(TARGET[X, A], 2)
    own = chances[np.tile(np.arange(len(X)), 2), logger]
    mean = loggers.balance(np.tile(chances, (2, 1)), sends)
    plain = importance.ips(weighing.weigh(own, target), reward)
    balanced = importance.ips(weighing.weigh(mean, target), reward)
    assert mass @ plain == pytest.approx(VALUE, abs=1e-14)
    assert mass @ balanced == pytest.approx(VALUE, abs=1e-14)
    assert mass @ balanced**2 < 0.85 * (mass @ plain**2)


def test_loggers_count_by_their_precision_by_hand() -> None:
    terms = np.array([1.0, 3.0, 0.0, 8.0])  # variances 1 and 16, two sends each
    w = loggers.weigh_loggers(terms, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(w, [32 / 17, 32 / 17, 2 / 17, 2 / 17])
    assert (w * terms).mean() == pytest.approx((16 * 2 + 4) / 17)


def test_replay_of_a_fixed_target_on_a_uniform_log_is_the_mean_where_they_agree() -> None:
    agree, reward = np.array([True, False, True, False]), np.array([3.0, 9.0, 5.0, 9.0])
    kept = replay.keep(agree * 4.0, np.array([0.99, 0.0, 0.5, 0.2]))
    assert kept.tolist() == agree.tolist()
    assert replay.replay(kept, reward).mean() == pytest.approx(4.0)


def test_what_replay_keeps_is_as_if_the_target_had_sent_it() -> None:
    rng = np.random.default_rng(3)
    rows = rng.choice(len(MASS), 200_000, p=MASS)
    most = float(TOY_W.max())
    kept = replay.keep(TOY_W[rows], rng.random(len(rows)), most)
    assert kept.mean() == pytest.approx(1 / most, abs=0.005)
    share = np.bincount(rows[kept], minlength=len(MASS)) / kept.sum()
    np.testing.assert_allclose(share, 0.5 * TARGET[X, A], atol=0.006)
    told = replay.replay(kept, EARNS[X, A][rows])
    assert told.mean() == pytest.approx(VALUE, abs=4 * told.std() / len(rows) ** 0.5)


def test_the_marginal_ratio_of_clicks_is_ips_and_of_dwell_times_less_noisy() -> None:
    same = topics.average_weights(W, LOG.reward)
    assert (same * LOG.reward).mean() == pytest.approx((W * LOG.reward).mean(), rel=1e-12)
    rng = np.random.default_rng(4)
    dwell, w = rng.gamma(2, 30, 5000), rng.choice([0.0, 1.0, 4.0], 5000, p=[0.5, 1 / 3, 1 / 6])
    smooth = topics.average_weights(w, dwell)
    assert smooth.mean() == pytest.approx(w.mean(), rel=1e-12)
    assert (smooth * dwell).std() < 0.6 * (w * dwell).std()
