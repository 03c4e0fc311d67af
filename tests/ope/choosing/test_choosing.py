"""Choosing among estimates: closed forms, then what each rule must never choose."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.ope.choosing import blend, cross_validation, pasif, slope
from bandit.ope.single import models, weighing
from bandit.ope.single.doubly_robust import direct, dr, pick
from bandit.ope.single.importance import Terms, ips, snips
from bandit.ope.single.log import Log
from tests.support.single_cases import draw_log


def estimate_ips(log: Log) -> Terms:
    return ips(log.weigh(), log.reward)


def estimate_wrong(log: Log) -> Terms:
    return np.full(len(log), 0.9)


def estimate_clipped(log: Log) -> Terms:
    return ips(weighing.clip(log.weigh(), 0.1), log.reward)


def estimate_snips(log: Log) -> Terms:
    return snips(log.weigh(), log.reward)


def test_slope_by_hand() -> None:
    assert slope.choose([0.3], [0.1]) == 0
    assert slope.choose([0.9, 0.5, 0.52], [0.01, 0.2, 0.1]) == 2  # order does not matter
    edge = 0.1 + slope.SLACK * 0.2
    assert slope.choose([0.0, edge - 1e-9], [0.2, 0.1]) == 1
    assert slope.choose([0.0, edge + 1e-9], [0.2, 0.1]) == 0
    assert slope.choose([0.0, 9.0, 0.0], [0.2, 0.1, 0.05]) == 0  # none after one that is refuted


def test_the_mix_is_that_of_least_variance() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(40_000, 1))
    terms = 2.0 + shared * [1.0, 1.0, 3.0] + rng.normal(size=(40_000, 3)) * [1.0, 2.0, 0.5]
    mix = blend.find_mix(terms, np.arange(len(terms)))
    assert mix.sum() == pytest.approx(1, abs=1e-12)
    spread = np.cov(terms.T) + blend.HOLD * np.diag(np.cov(terms.T)).min() * np.eye(3)
    best = np.linalg.solve(spread, np.ones(3))
    np.testing.assert_allclose(mix, best / best.sum(), atol=1e-3)
    mixed = blend.blend(terms, np.arange(len(terms)))
    assert mixed.var() < terms.var(axis=0).min()


def test_the_mix_of_one_estimate_or_of_twins_is_that_estimate() -> None:
    terms = np.random.default_rng(2).normal(size=(50, 1))
    np.testing.assert_allclose(blend.blend(terms, np.arange(50)), terms[:, 0])
    np.testing.assert_allclose(blend.find_mix(np.tile(terms, 3), np.arange(50)), 1 / 3, atol=1e-12)
    np.testing.assert_array_equal(blend.find_mix(np.ones((9, 2)), np.arange(9)), 0.5)


def test_the_mix_counts_members_and_not_sends() -> None:
    rng = np.random.default_rng(3)
    members = np.repeat(np.arange(500), 8)
    lasting = rng.normal(size=500)[members]  # the same for all sends of a member
    terms = np.stack([lasting, rng.normal(size=4000) * 1.5], axis=1)
    assert blend.find_mix(terms, members)[0] < 0.35
    assert blend.find_mix(terms, np.arange(4000))[0] > 0.6


@pytest.mark.parametrize("seed", range(4))
def test_cross_validation_and_pasif_choose_none_that_is_far_off(seed: int) -> None:
    log, chance = draw_log(seed, n=2000)
    assert (log.target * chance).sum(axis=1).mean() < 0.8
    candidates = {
        "wrong": estimate_wrong,
        "clipped": estimate_clipped,
        "ips": estimate_ips,
        "snips": estimate_snips,
    }
    chosen = cross_validation.choose(log, candidates, estimate_ips, seed=seed)
    assert chosen in ("ips", "snips")
    assert pasif.choose(log, candidates, seed=seed) in ("ips", "snips")
    again = cross_validation.choose(log, candidates, estimate_ips, seed=seed)
    assert again == chosen


def test_pasif_splits_into_the_target_and_a_log_of_known_chances() -> None:
    log, chance = draw_log(7, n=60_000, lean=0.5)
    log = replace(log, members=np.arange(len(log)))
    reward, rest = pasif.split(log, 0.1, np.random.default_rng(8).random(len(log)))
    assert len(reward) / len(log) == pytest.approx(0.1, abs=0.01)
    value = (log.target * chance).sum(axis=1).mean()
    assert reward.mean() == pytest.approx(value, abs=0.03)
    assert rest.weigh().mean() == pytest.approx(1, abs=0.02)
    assert estimate_ips(rest).mean() == pytest.approx(reward.mean(), abs=0.03)
    plain, theirs = (each.target / each.logged for each in (log, rest))
    ratio = theirs / plain[rest.members]
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones((1, 5)), rtol=1e-9)


# models


def test_a_model_never_sees_the_rewards_it_is_corrected_by() -> None:
    log, _ = draw_log(9, n=300)
    first = models.cross_fit(log, models.fit_articles)
    changed = np.array(log.reward)
    changed[log.members == log.members[0]] = 50.0
    other = Log(log.action, changed, log.logged, log.target, log.features, log.members)
    mine = log.members == log.members[0]
    for fit in (models.fit_articles, models.fit_chances, models.fit_both):
        again, before = models.cross_fit(other, fit), models.cross_fit(log, fit)
        np.testing.assert_array_equal(again[mine], before[mine])
    assert not np.array_equal(models.cross_fit(other, models.fit_articles), first)


@pytest.mark.parametrize("fit", [models.fit_articles, models.fit_chances, models.fit_both])
def test_a_log_without_a_click_or_without_features_has_a_model(fit: models.Fit) -> None:
    log, _ = draw_log(10, n=60)
    silent = Log(log.action, np.zeros(60), log.logged, log.target, np.zeros((60, 0)), log.members)
    np.testing.assert_allclose(models.cross_fit(silent, fit), 0.0, atol=1e-12)
    assert blend.estimate(silent).mean() == pytest.approx(0, abs=1e-12)


def test_a_regression_for_each_article_finds_what_is_linear() -> None:
    log, _ = draw_log(11, n=4000)
    truth = log.features @ np.random.default_rng(12).normal(size=(3, 5)) + np.arange(5)
    exact = Log(
        log.action, pick(truth, log.action), log.logged, log.target, log.features, log.members
    )
    model = models.cross_fit(exact, lambda seen, asked: models.fit_articles(seen, asked, 0.0))
    np.testing.assert_allclose(model, truth, atol=1e-5)
    wanted = direct(log.target, model)
    told = dr(exact.weigh(), exact.reward, pick(model, log.action), wanted)
    assert told.mean() == pytest.approx((log.target * truth).sum(axis=1).mean(), abs=1e-5)


def test_the_estimate_that_needs_no_list_covers_and_varies_less_than_ips() -> None:
    plain, mixed = [], []
    for seed in range(40):
        log, chance = draw_log(100 + seed, n=600)
        value = (log.target * chance).sum(axis=1).mean()
        plain.append(estimate_ips(log).mean() - value)
        mixed.append(blend.estimate(log).mean() - value)
    assert np.mean(np.square(mixed)) < 0.5 * np.mean(np.square(plain))
    assert abs(np.mean(mixed)) < 3 * np.std(mixed) / np.sqrt(40)


def test_refusals() -> None:
    log, _ = draw_log(13, n=30)
    with pytest.raises(ValueError, match="0 values and 0 margins"):
        slope.choose([], [])
    with pytest.raises(ValueError, match=r"margins\[1\] = -1.0"):
        slope.choose([0.0, 1.0], [1.0, -1.0])
    with pytest.raises(ValueError, match="0 candidates"):
        cross_validation.choose(log, {}, estimate_ips)
    with pytest.raises(ValueError, match="splits = 1"):
        cross_validation.choose(log, {"ips": estimate_ips}, estimate_ips, splits=1)
    with pytest.raises(ValueError, match="no candidates"):
        pasif.choose(log, {})
    with pytest.raises(ValueError, match="fewer than two members"):
        blend.find_mix(np.ones((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="share = 2"):
        pasif.split(log, 2.0, np.zeros(30))
