"""experiments.evaluate on logs that may not be believed, or not of today."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.core.rules import Rules
from bandit.core.types import Context, Round
from bandit.ope.rewards.slates import fit_logistic
from bandit.ope.whole.look import plan_uniform
from bandit.policies.popular import Popular
from bandit.policies.random import Random
from bandit.slates.propensity import replay
from experiments.evaluate.judge import judge
from experiments.evaluate.page import list_findings, list_rows
from simulators.play import play
from tests.support.builders import association_of

WORLD: dict[str, Any] = {"members": 750, "issues": 4, "pool": 10, "slots": 3, "click_to_open": 0.5}


def test_a_log_that_was_not_drawn_by_its_chances_tells_nothing() -> None:
    """One article took another's place in a fifth of the mails, with its own chances."""
    world = association_of(**WORLD)
    changed = []
    for round in play(Random(), world, issues=2):
        choice = round.slates.choice.copy()
        some = (np.arange(len(choice)) % 5 == 0) & (choice != 4).all(axis=1)
        some &= round.context.eligible[:, 4]
        choice[some, 0] = 4
        chances = replay(plan_uniform(round.context), round.context, choice)
        slates = replace(round.slates, choice=choice, propensity=chances)
        changed.append(replace(round, slates=slates))
    target = Popular()
    target.start(world.features)
    found = judge(target, changed, 1, False, None, 0, 16, 0.2)
    assert found.whole is None
    assert found.top == []
    assert found.verdict.startswith("The log cannot tell")
    (why,) = list_findings(found)
    name = changed[0].context.article_ids.tolist()[4]
    assert why.startswith(f"Nothing is told of this policy: campaign '{found.campaigns[0]}', slot ")
    assert f"article '{name}' came" in why


def test_a_model_of_clicks_is_used_where_it_is_asked_for() -> None:
    world = association_of(**WORLD)
    log = list(play(Random(), world))
    told = {}
    for fit in (None, fit_logistic):
        target = Popular()
        target.start(world.features)
        found = judge(target, log, 1, False, None, 0, 8, 0.2, fit=fit)
        assert found.whole is not None
        told[fit is None] = {each.estimator: each for each in found.whole.estimates}
        assert len(found.issues) == len(found.looks) == len(found.campaigns)
        rows = {row[0] for row in list_rows(found)}
        assert ("Looks by slot, with a model" in rows) == (fit is not None)
    more = {"cascade_dr", "item_position_dr", "position_based_dr"}
    assert set(told[False]) - set(told[True]) == more
    plain, modelled = told[True]["position_based"], told[False]["position_based"]
    assert plain.interval is not None
    assert modelled.interval is not None
    # of more sends weights are known, but those of clicks are the same
    assert modelled.interval.estimate == pytest.approx(plain.interval.estimate, rel=1e-9)


def test_a_model_of_clicks_goes_with_the_cascade_where_that_reaches_the_last_slot() -> None:
    world = association_of(**WORLD)
    sender = Popular(epsilon=0.6)
    list(play(sender, world, issues=2))
    sent = list(play(sender, world.twin(), started=True, learn=False))
    near = Popular(epsilon=0.4)
    near.start(world.features)
    near.restore(sender.state())
    found = judge(near, sent, 1, False, sender, 0, 8, 0.2, fit=fit_logistic)
    assert found.whole is not None
    told = {each.estimator: each for each in found.whole.estimates}
    plain, modelled = told["cascade_sn"].lift, told["cascade_dr"].lift
    assert plain is not None
    assert modelled is not None
    assert abs(modelled.estimate - plain.estimate) < 0.02
    assert modelled.high - modelled.low == pytest.approx(plain.high - plain.low, rel=0.3)
    assert "Cascade, whole, with a model" in {row[0] for row in list_rows(found)}
    given = replace(found.whole, estimates=(told["cascade_dr"],))
    words = list_findings(replace(found, whole=given))
    assert words[0] == (
        "The answer assumes that a click depends on its own slot and those above it, and on none "
        "below, and who opens does not depend on the articles."
    )


def test_a_log_of_another_time_gives_numbers_and_no_decision() -> None:
    world = association_of(**WORLD)
    *rounds, last = play(Random(), world)
    clicked = last.feedback.clicked.copy()
    clicked[::2, 1] = True
    loud = replace(last, feedback=replace(last.feedback, clicked=clicked))
    target = Popular()
    target.start(world.features)
    found = judge(target, [*rounds, loud], 1, False, None, 0, 16, 0.2)
    assert found.whole is not None
    assert found.verdict == (
        "The log cannot tell what this policy would earn now, for it is not as it was."
    )
    assert list_findings(found)[0].startswith(
        f"What follows is of the judged issues alone: {found.drift}"
    )
    assert found.drift.startswith(f"campaign '{last.context.campaign}': ")


def test_a_log_without_chance_says_nothing_of_another_policy() -> None:
    world = association_of(**WORLD)
    sender, target = Popular(epsilon=0.0), Random()
    list(play(sender, world))
    sent = list(play(sender, world.twin(), started=True, learn=False))
    target.start(world.features)
    found = judge(target, sent, 1, False, sender, 0, 8, 0.5)
    assert found.verdict.startswith("The log cannot tell")
    assert found.whole is not None
    for each in found.whole.estimates:
        assert re.match(r"at slot \d the logging policy may never show \d+\.\d%", each.reason)
    assert all(top.interval is None for top in found.top)


def test_issues_of_several_sizes_are_not_judged_together() -> None:
    world = association_of(**WORLD)

    def tell(context: Context) -> Context:
        return replace(context, rules=Rules(slots=2 + context.issue % 2))

    sent = [replace(r, context=tell(r.context)) for r in play(Random(), world, issues=2, tell=tell)]
    target = Popular()
    target.start(world.features)
    with pytest.raises(
        ValueError, match=r"issues have \[2, 3\] slots; judge those of one size, by"
    ):
        judge(target, sent, 1, False, None, 0, 8, 0.2)


def test_a_log_of_one_member_is_refused_by_name() -> None:
    world, alone = association_of(**WORLD | {"members": 40}), np.array([3])
    rounds = [
        Round(each.context.take(alone), each.slates.take(alone), each.feedback.take(alone))
        for each in play(Random(), world, issues=2)
    ]
    target = Popular()
    target.start(world.features)
    name = rounds[0].context.member_ids.tolist()[0]
    with pytest.raises(ValueError, match=f"went to one member, {name}; an estimate needs two"):
        judge(target, rounds, 1, False, None, 0, 16, 0.2)
