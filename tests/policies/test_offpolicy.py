"""The off-policy learner: what it keeps of a log, and what it makes of it.

Also how far it comes on a log with a known oracle.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.core import keys
from bandit.core.types import Feedback, Round
from bandit.models.offpolicy.search import HELD_OUT
from bandit.policies.offpolicy import OffPolicy
from bandit.policies.random import Random
from bandit.slates.propensity import draw
from simulators.association.association import Association
from simulators.play import play, send
from tests.support.builders import association_of
from tests.support.offpolicy_cases import (
    ACTIONS,
    fit_ipw,
    learn_from_issue,
    learn_log,
    make_issue,
    make_log,
)

SIZES: dict[str, Any] = {
    "members": 500,
    "issues": 6,
    "pool": 14,
    "slots": 4,
    "text_dims": 8,
    "seed": 11,
    "pin_every": 2,
}


def log_rounds(issues: int = 4) -> tuple[Association, list[Round]]:
    association = association_of(**SIZES)
    return association, list(play(Random(), association, seed=5, issues=issues))


@pytest.fixture(scope="module")
def world() -> tuple[Association, list[Round]]:
    return log_rounds()


def teach(world: Any, **given: Any) -> OffPolicy:
    association, rounds = world
    policy = OffPolicy(**given)
    policy.start(association.features)
    for round in rounds:
        policy.learn(round)
    return policy


def test_the_log_keeps_every_click_and_a_share_of_the_rest_that_stands_for_all(world: Any) -> None:
    policy = teach(world, unclicked=0.25)
    for page, round in zip(policy._pages, world[1], strict=True):
        rows, slots, _, clicked = round.list_exposures()
        free = ~round.slates.pinned[rows, slots]
        assert page.clicked.sum() == clicked[free].sum()
        rest = (clicked[free] == 0).sum()
        kept = (page.clicked == 0).sum()
        assert abs(kept - 0.25 * rest) < 4 * np.sqrt(0.25 * 0.75 * rest)
        assert (page.count == np.where(page.clicked > 0, 1, 4)).all()


def test_what_was_open_is_kept_as_the_logger_saw_it(world: Any) -> None:
    for page in teach(world)._pages:  # the logger was uniform over what was open
        np.testing.assert_allclose(page.logged, 1 / page.open.sum(axis=1), rtol=1e-12)
        assert page.open[np.arange(len(page.send)), page.article].all()


def test_the_log_is_bounded(world: Any) -> None:
    policy = teach(world, window=2)
    assert [len(page.articles) for page in policy._pages] == [14, 14]
    assert (
        policy._pages[-1].articles == world[1][-1].context.article_features.astype(np.float32)
    ).all()


def test_without_a_click_it_goes_on_logging_at_random(world: Any) -> None:
    association, rounds = world
    policy = OffPolicy(logging_issues=1, every=1)
    policy.start(association.features)
    for round in rounds:
        nothing = replace(round.feedback, clicked=np.zeros_like(round.feedback.clicked))
        policy.learn(replace(round, feedback=nothing))
    context = rounds[-1].context
    pmf = policy.plan(context)(context.eligible)
    np.testing.assert_allclose(
        pmf[context.eligible],
        np.repeat(1 / context.eligible.sum(axis=1), context.eligible.sum(axis=1)),
    )


def test_a_single_held_out_member_leaves_the_first_choice(world: Any) -> None:
    """Who is held out goes by key. One of these eight is, so there is no spread to judge by."""
    association, rounds = world
    context = rounds[0].context.take(np.arange(8))
    draws = keys.uniforms(0, "", "held out", np.arange(1, 1000, dtype=np.uint64), 1)[:, 0]
    ids = np.arange(1, 1000)
    chosen = np.concatenate([ids[draws < HELD_OUT][:1], ids[draws >= HELD_OUT][:7]])
    context = replace(context, members=context.members.assign(member=chosen))
    slates = draw(Random().plan(context), context, 5)
    yes, every = np.ones(8, dtype=bool), np.ones(slates.choice.shape, dtype=bool)
    feedback = Feedback(yes, yes, ~yes, every.astype(np.int8), every, 0.0 * every)
    policy = OffPolicy(logging_issues=1, every=1)
    policy.start(association.features)
    policy.learn(Round(context, slates, feedback))
    assert policy._trained
    assert policy._chosen == (0, 0)


@pytest.mark.parametrize(("members", "seed"), [(8, 0), pytest.param(30, 1, marks=pytest.mark.slow)])
def test_a_small_association_is_played_to_the_end(members: int, seed: int) -> None:
    association = Association(**(SIZES | {"members": members, "seed": seed, "issues": 20}))
    policy = OffPolicy(logging_issues=1, every=1)
    list(play(policy, association))
    assert policy._issues > 10


def test_a_layout_longer_than_foreseen_is_learned_from() -> None:
    association = Association(
        seed=3, members=60, issues=2, pool=30, slots=9, examine=[0.9] * 9, text_dims=8
    )
    policy, context = (
        OffPolicy(logging_issues=1, every=1, max_slots=6, unclicked=1.0),
        association.issue(1),
    )
    policy.start(association.features)
    send(policy, association, context, 5)
    assert policy._trained
    assert policy._pages[0].slot.max() == 5
    again = OffPolicy(logging_issues=1, every=1, max_slots=6, unclicked=1.0)
    again.start(association.features)
    again.restore(policy.state())
    assert again.plan(context).scores.tobytes() == policy.plan(context).scores.tobytes()


@pytest.mark.parametrize("p", [0.0, 1.5, -0.1, float("nan")])
def test_impossible_propensities_do_not_enter_the_log(p: float, world: Any) -> None:
    association, (round, *_) = world
    policy = OffPolicy()
    policy.start(association.features)
    row, wrong = int(round.feedback.opened.argmax()), round.slates.propensity.copy()
    wrong[row, 2] = p
    with pytest.raises(ValueError, match=rf"propensity\[{row}, 2\] = {p}; must be in \(0, 1\]"):
        policy.learn(replace(round, slates=replace(round.slates, propensity=wrong)))
    assert not policy._pages


@pytest.mark.parametrize("floor", [0.0, 0.2])
def test_it_is_plackett_luce_with_a_floor(world: Any, floor: float) -> None:
    """(1 - f) exp(score / .1) over its sum, and f over the number of open articles."""
    policy = teach(world, floor=floor)
    context = world[1][-1].context
    plan, open = policy.plan(context), np.random.default_rng(6).random(context.eligible.shape) < 0.7
    weights = np.exp(plan.scores / 0.1) * open
    expected = (1 - floor) * weights / weights.sum(axis=1, keepdims=True)
    expected += floor * open / open.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(plan(open), expected, rtol=1e-12)


def test_finish_learns_from_what_every_left_over(world: Any) -> None:
    policy, whole = teach(world, logging_issues=40), teach(world, logging_issues=4)
    assert not policy._trained
    policy.finish()
    context = world[1][-1].context
    assert policy.plan(context).scores.tobytes() == whole.plan(context).scores.tobytes()


@pytest.mark.parametrize("objective", ["ips", "snips", "dr"])
def test_every_objective_learns_a_taste_from_a_random_log(objective: str) -> None:
    """Three articles that everyone likes and three that nobody does, in a uniform policy's log."""
    rates = np.array([0.4, 0.1, 0.4, 0.1, 0.4, 0.1, 0.2])
    policy, context = learn_from_issue(np.tile(rates, (3000, 1)), objective=objective)
    scores = policy.plan(context).scores[0]
    assert scores[[0, 2, 4]].min() > scores[6] > scores[[1, 3, 5]].max()


def test_choosing_uses_the_log_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever could tell the truth refuses while the policy learns.

    What it learns follows from the log's columns.
    """
    association, rounds = log_rounds()

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the simulator was asked")

    for name in ("truth", "expected", "respond", "hyperparameters", "pool"):
        monkeypatch.setattr(Association, name, refuse)
    first = teach((association, rounds))
    assert first._trained
    unseen = [
        replace(r, feedback=replace(r.feedback, dwell_seconds=r.feedback.dwell_seconds + 7.0))
        for r in rounds
    ]
    again = teach((association, unseen))
    for name, array in first.state().items():
        assert array.tobytes() == again.state()[name].tobytes()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objective": "magic"}, "objective = 'magic'; choose from ips, snips, dr"),
        ({"clips": []}, "clips is empty"),
        ({"penalties": [-1.0]}, "penalties = -1.0; must be at least 0"),
        ({"prior_sds": [0.0]}, "prior_sds = 0.0; must be at least 1e-06"),
        ({"temperature": 0.0}, "temperature = 0.0"),
        ({"unclicked": 0.0}, "unclicked = 0.0"),
        ({"every": 0}, "every = 0; must be at least 1"),
        ({"floor": 1.5}, r"floor = 1.5; must be in \[0, 1\]"),
    ],
)
def test_bad_parameters_are_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OffPolicy(**given)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("policy.W", lambda a: a[:-1], r"policy.W has shape"),
        ("log.0.own", lambda a: a[:, 1:], "log own has shape"),
        (
            "log.0.article",
            lambda a: a + 90,
            r"log article goes from 9\d to .*; must be in \[0, 14\)",
        ),
        ("log.0.logged", lambda a: 0 * a, r"log logged\[0\] = 0.0; must be in \(0, 1\]"),
        ("log.0.logged", lambda a: a + 1, r"log logged\[0\] = 1\.\d+; must be in \(0, 1\]"),
        ("log.0.logged", lambda a: a.astype(np.float32), "log logged is float32; must be float64"),
        ("log.0.clicked", lambda a: a + 2, r"log clicked\[0\] = .*; must be 0 or 1"),
        ("log.0.count", lambda a: 0 * a, r"log count\[0\] = 0.0; must be at least 1"),
        ("log.0.count", lambda a: a * np.inf, "log count holds inf; must be finite"),
        ("log.0.open", lambda a: a.astype(np.int8), "log open is int8; must be bool"),
        ("log.0.open", np.zeros_like, r"log open\[0\] = False; must be True for the article shown"),
        ("log.0.x", lambda a: a * np.nan, "log x holds nan; must be finite"),
        ("log.0.send", lambda a: a.astype(np.float64), "log send is float64; must be int64"),
        ("log.0.slot", lambda a: -a - 1, r"log slot goes from -\d+ to -1; must be in \[0, 24\)"),
        ("clicks.W", lambda a: a * np.nan, "clicks.W holds nan; must be finite"),
        ("examination", lambda a: -a, "examination = -.*; must be at least"),
        ("counts", lambda a: a[:2], "counts has shape"),
        ("counts", lambda a: -a - 1, r"counts: issues = -5; must be in \[0, "),
        (
            "counts",
            lambda a: a + np.array([0, 2, 0, 0]),
            r"counts: row of prior_sds = \d; must be in \[0, 1\]",
        ),
        (
            "counts",
            lambda a: a + np.array([0, 0, 0, 2]),
            r"counts: trained = 3; must be in \[0, 1\]",
        ),
        ("counts", lambda a: a.astype(np.float64), "counts is float64; must be int64"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    name: str, change: Callable[[Any], Any], message: str, world: Any
) -> None:
    policy = teach(world)
    with pytest.raises(ValueError, match=message):
        policy.restore(policy.state() | {name: change(policy.state()[name])})


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n"), [(5, 2000), (10, 5000), (20, 10_000)])
@pytest.mark.parametrize("kind", ["logistic", "quadratic"])
def test_regret_to_the_oracle_is_at_most_half_of_a_tuned_ipw_classifiers(
    kind: str, d: int, n: int
) -> None:
    ours, theirs = [], []
    for seed in range(3):
        x, features, q, action, p, reward = make_log(kind, d, n, seed)
        past, new, at = slice(n), slice(n, None), np.arange(len(x) - n)
        log = action[past], p[past], reward[past]
        policy = learn_log(features[past], *log, ACTIONS, prior_sds=[0.05, 0.1, 0.2, 0.4], steps=60)
        mine = policy.plan(make_issue(features[new], ACTIONS)).scores.argmax(axis=1)
        other = fit_ipw(x[past], features[past], *log)(x[new], features[new])
        best = q[new].max(axis=1)
        ours.append((best - q[new][at, mine]).mean())
        theirs.append((best - q[new][at, other]).mean())
    print(f"{kind} d={d} n={n}: regret {np.mean(ours):.4f}, IPW classifier {np.mean(theirs):.4f}")
    assert np.mean(ours) <= 0.5 * np.mean(theirs)
