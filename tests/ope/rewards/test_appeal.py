"""A model of clicks that knows who opened: no bias whatever it is worth, and less luck."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.core.types import Floats
from bandit.ope.estimators import cascade
from bandit.ope.inputs import weigh_items
from bandit.ope.rewards.slates import (
    describe_below,
    describe_opened,
    find_fit,
    fit_logistic,
    model_appeal,
    model_top,
)
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.evaluate import evaluate_whole
from bandit.ope.whole.from_top import FromTop
from bandit.ope.whole.look import look_beside, plan_uniform
from bandit.ope.whole.looks import find_change, lift_by_issue
from bandit.policies.popular import Popular
from bandit.policies.random import Random
from bandit.slates.propensity import replay
from simulators.association.association import Association
from simulators.play import play

M, K, N = 6, 3, 3000
CURVE = np.array([1.0, 0.8, 0.6])


def make_log(rng: np.random.Generator, appeal: Floats) -> Beside:
    """Random newsletters; the target shows the first articles in order; a model tells `appeal`."""
    opened = rng.random(N) < 0.6
    choice = rng.permuted(np.tile(np.arange(M), (N, 1)), axis=1)[:, :K]
    truth = np.linspace(0.6, 0.1, M)
    clicked = opened[:, None] & (rng.random((N, K)) < truth[choice] * CURVE)
    first = choice[:, :, None] == np.arange(K)
    told = np.stack([appeal[choice], np.tile(appeal[:K], (N, 1))], axis=1)
    return Beside(
        members=np.arange(N) % (N // 5),
        rows=np.arange(N),
        sampled=np.ones(N, dtype=bool),
        reward=clicked.astype(float),
        supported=np.ones((N, K), dtype=bool),
        logged=np.full((N, K, K), 1 / M),
        target=first.astype(float),
        leans=rng.normal(size=(N, K, 1, 2)),
        opened=opened,
        appeal=told * opened[:, None, None],
    )


def test_what_a_model_adds_is_0_on_average_whatever_it_is_worth() -> None:
    """Over all slates the mean of weight times appeal is the target's, for any appeal."""
    rng = np.random.default_rng(71)
    for appeal in (rng.random(M), np.linspace(0.6, 0.1, M)):
        added = [
            (log.vary(weigh_items(log.logged, log.target), CURVE)).mean()
            for log in (make_log(rng, appeal) for _ in range(60))
        ]
        error = np.std(added, ddof=1) / np.sqrt(60)
        assert abs(np.mean(added)) < 3.5 * error


def test_a_good_model_makes_both_estimates_surer_and_they_still_cover() -> None:
    rng, truth = np.random.default_rng(72), np.linspace(0.6, 0.1, M)
    value, runs = 0.6 * (truth[:K] * CURVE).sum(), 60
    inside, width = dict.fromkeys(range(4), 0.0), np.zeros(4)
    for _ in range(runs):
        answer = evaluate_whole(make_log(rng, truth), least_ess=50)
        names = [each.estimator for each in answer.estimates]
        assert names == ["item_position", "item_position_dr", "position_based", "position_based_dr"]
        for i, each in enumerate(answer.estimates):
            if each.interval is None:
                inside[i] += 0.95
                continue
            inside[i] += each.interval.low <= value <= each.interval.high
            width[i] += each.interval.high - each.interval.low
    assert min(inside.values()) > 0.95 * runs - 3.5 * np.sqrt(0.95 * 0.05 * runs)
    assert width[1] < 0.85 * width[0]
    assert width[3] < 0.95 * width[2]


def test_opening_that_depends_on_the_articles_is_refused() -> None:
    log = make_log(np.random.default_rng(73), np.linspace(0.6, 0.1, M))
    assert log.appeal is not None
    clicked = log.reward.any(axis=1)
    only = replace(log, appeal=log.appeal * clicked[:, None, None])  # only clicks tell of opens
    by = {each.estimator: each for each in evaluate_whole(only, least_ess=50).estimates}
    assert by["item_position"].interval is not None
    assert by["item_position_dr"].reason.startswith("it contradicts what item-position weights")
    assert by["item_position_dr"].reason.endswith("who opens depends on the articles")
    assert by["position_based_dr"].reason.endswith(
        "who opens depends on the articles, or looks on more than the slot"
    )


def test_the_model_of_a_log_is_found_and_told_alike_at_the_last_look() -> None:
    world = Association(seed=4, members=900, issues=3, pool=8, slots=3, click_to_open=0.6)
    known, issues = [], []
    for round in play(Random(), world):
        context, policy = round.context, Random()
        policy.start(world.features)
        plan = policy.plan(context)
        issues.append(look_beside(plan, plan, round, 0, draws=8, opened=True))
        known.append(describe_opened(plan, round, context, seed=7, drawn=2))
        assert set(np.flatnonzero(round.feedback.opened)) <= set(issues[-1].rows.tolist())
    told = model_appeal(known, issues, fit_logistic)
    log = Beside.join(told)
    assert log.appeal is not None
    opened = np.asarray(log.opened)[log.rows]
    assert not log.appeal[~opened].any()
    assert (log.appeal[opened] > 0).all()
    answer = evaluate_whole(log)
    for each in answer.estimates:
        assert each.change is not None
        change = find_change(log, each.estimator).mean()
        assert change == pytest.approx(each.change.estimate, abs=1e-12)
    assert len(lift_by_issue(told, "position_based_dr")) == 3
    silent = [replace(issue, reward=0 * issue.reward) for issue in issues]
    empty = Beside.join(model_appeal(known, silent, fit_logistic))  # no fold has a click
    assert not np.asarray(empty.appeal).any()


def test_what_is_no_model_is_refused() -> None:
    assert find_fit(None) is None
    assert find_fit("logistic") is fit_logistic
    with pytest.raises(ValueError, match="model = 'trees'; must be null, boosted or logistic"):
        find_fit("trees")
    log = replace(make_log(np.random.default_rng(74), np.ones(M)), appeal=None)
    with pytest.raises(ValueError, match="there is no model of clicks"):
        log.vary(log.reward, CURVE)


def test_what_a_model_adds_to_the_cascade_is_0_on_average_whatever_it_is_worth() -> None:
    world = Association(seed=4, members=900, issues=3, pool=9, slots=3, click_to_open=0.5)
    policy, issues, known = Popular(epsilon=0.7), [], []
    policy.start(world.features)
    for round in play(Random(), world):
        plan, context = policy.plan(round.context), round.context
        logger = plan_uniform(context)
        target = replay(plan, context, round.slates.choice)
        clicked = round.feedback.clicked.astype(float)
        top = FromTop(round.slates.propensity, target, clicked, round.slates.supported)
        found = look_beside(plan, logger, round, 0, draws=2, opened=True)
        issues.append(replace(found, from_top=top))
        known.append(describe_below(plan, round, context, 5))
        policy.learn(round)

    def guess(x: Floats, clicks: Floats, asked: Floats) -> Floats:
        return 0.5 + 0.4 * np.sin(7 * asked.sum(axis=1))

    log = Beside.join(model_top(known, issues, guess))
    assert log.from_top is not None
    top = log.from_top
    assert top.modelled is not None
    terms = top.modelled - cascade(top.logged, top.target, top.reward)
    assert 0 < abs(terms.mean()) < 3.5 * terms.std() / np.sqrt(len(terms))
    assert not terms[~np.asarray(log.opened)].any()
    np.testing.assert_array_equal(find_change(log, "cascade_dr"), top.modelled - log.count_clicks())
    assert top.cut(2).modelled is None
    assert FromTop.join([top, replace(top, modelled=None)]).modelled is None
