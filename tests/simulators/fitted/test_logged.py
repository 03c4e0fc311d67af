"""An association fitted to a log: a simulator like any other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from bandit.policies.random import Random
from bandit.slates.propensity import draw
from simulators.fitted.logged import Logged
from simulators.play import play
from tests.support.fitted_cases import fitted, is_same, send, small


def test_the_log_is_the_frame() -> None:
    """Members, pools and rules of each issue are the log's; who left is not there again."""
    world, gone = fitted().twin(), set[int]()
    for round, again in zip(small()[1], play(Random(), world, seed=3), strict=True):
        context = again.context
        assert context.campaign == round.context.campaign
        assert context.rules == round.context.rules
        pd.testing.assert_frame_equal(
            context.articles.to_pandas(), round.context.articles.to_pandas()
        )
        assert np.array_equal(context.article_features, round.context.article_features)
        there = set(context.member_ids)
        assert not there & gone
        late = {
            member
            for member, last in zip(world.members["member"], world.leaving.last, strict=True)
            if last < context.issue
        }
        assert (
            there - set(round.context.member_ids) <= late
        )  # who had left by then in the log may still be there
        gone |= set(context.member_ids[again.feedback.unsubscribed])
    assert world.joined(small()[1][0].context.member_ids).tolist() == [1] * len(
        small()[1][0].context.members
    )


def test_same_seed_same_bytes_and_another_seed_other_members() -> None:
    association, rounds = small()
    again = Logged(rounds, 1, features=association.features)
    one, other = send(fitted().twin()), send(again)
    assert is_same(one, other)
    another = fitted(2)
    context = rounds[0].context
    assert not np.allclose(another.truth(context), fitted().truth(context))
    assert np.array_equal(another.fitted, fitted().fitted)


def test_answers_do_not_depend_on_who_is_asked_with_whom() -> None:
    world, other = fitted().twin(), fitted().twin()
    for number in (1, 2):
        context = world.issue(number)
        slates = draw(Random().plan(context), context, 3)
        whole, expected = world.respond(context, slates), world.expected(context, slates)
        other.issue(number)
        for rows in (
            np.arange(0, len(context.members), 3),
            np.setdiff1d(np.arange(len(context.members)), np.arange(0, 999, 3)),
        ):
            part = other.respond(context.take(rows), slates.take(rows))
            for name, array in vars(whole).items():
                assert np.array_equal(array[rows], getattr(part, name)), name
            assert np.array_equal(
                expected[rows], other.expected(context.take(rows), slates.take(rows))
            )


def test_a_run_resumes_from_its_log() -> None:
    world, resumed = fitted().twin(), fitted().twin()
    for round in send(world, issues=4):
        context = resumed.issue(round.context.issue)
        assert np.array_equal(context.member_ids, round.context.member_ids)
        assert np.array_equal(context.seen, round.context.seen)
        resumed.remember(context, round.slates, round.feedback)
    assert context.seen.any()


def test_a_twin_has_a_memory_of_its_own() -> None:
    world = fitted().twin()
    before = world.twin().issue(3)
    send(world)
    after = world.twin().issue(3)
    assert np.array_equal(before.member_ids, after.member_ids)
    assert not after.seen.any()


def test_expected_clicks_are_the_mean_of_simulated_ones() -> None:
    """The same issue answered many times, the luck of each another one."""
    world = fitted().twin()
    context = world.issue(1)
    slates = draw(Random().plan(context), context, 3)
    clicks, times = np.zeros(slates.choice.shape), 300
    for seed in range(times):
        world.seed = 1000 + seed  # the luck, not the members
        clicks += world.respond(context, slates).clicked
    expected = world.expected(context, slates)
    assert clicks.sum() / times == pytest.approx(expected.sum(), rel=0.05)
    assert clicks.sum(axis=0) / times == pytest.approx(expected.sum(axis=0), rel=0.1)
    error = (clicks / times - expected) / np.sqrt(np.maximum(expected, 1e-3) / times)
    assert abs(error).max() < 6


def test_issues_after_the_log_are_answered_as_the_average_one() -> None:
    """Fitted to three issues, asked about the fourth.

    Its new articles have appeals drawn from what appeals are like.
    """
    association, rounds = small()
    world, later = Logged(rounds[:3], 1, features=association.features), rounds[3]
    met = np.isin(later.context.member_ids, world.members["member"])
    new = ~np.isin(
        later.context.article_ids,
        np.concatenate([round.context.article_ids for round in rounds[:3]]),
    )
    assert new.any()
    part = later.take(np.flatnonzero(met))
    expected = world.expected(part.context, part.slates)
    assert np.array_equal(expected, world.twin().expected(part.context, part.slates))
    assert 0.5 < expected.sum() / part.feedback.clicked.sum() < 2
    appeal = world.clicks.look_up_appeals(later.context.article_ids[new])
    assert len(set(appeal)) == new.sum()
    assert abs(appeal).max() < 4 * np.sqrt(world.clicks.learned.quality)


def test_truth_and_hyperparameters_serve_the_policies_that_may_know() -> None:
    from bandit.policies.bayes_limit import BayesLimit
    from bandit.policies.oracle import Oracle

    earned = {}
    for name, policy in {
        "oracle": Oracle(),
        "bayes_limit": BayesLimit(),
        "random": Random(),
    }.items():
        world = fitted().twin()
        earned[name] = sum(
            float(world.expected(round.context, round.slates).sum())
            for round in play(policy, world, seed=3)
        )
    assert earned["oracle"] > 1.3 * earned["bayes_limit"] > 1.3 * earned["random"]


@pytest.mark.slow
def test_what_was_held_out_is_not_looked_at() -> None:
    """Other clicks of members who were held out change no byte."""
    association, rounds = small()
    world = fitted(only=0.6)
    assert 0.5 < world.fitted.mean() < 0.7
    held = set(world.members["member"][~world.fitted])

    def opened(round: Round) -> Round:
        rows = np.array([member in held for member in round.context.member_ids])
        feedback = round.feedback
        all_open = np.where(rows, feedback.delivered, feedback.opened)
        clicked = np.where(
            (rows & feedback.delivered)[:, None], round.slates.choice >= 0, feedback.clicked
        )
        return replace(round, feedback=replace(feedback, opened=all_open, clicked=clicked))

    other = Logged([opened(round) for round in rounds], 1, features=association.features, only=0.6)
    one, two = send(world.twin()), send(other)
    assert is_same(one, two)
    by_name = fitted(only=tuple(world.members["member"][world.fitted]))
    assert np.array_equal(by_name.fitted, world.fitted)
