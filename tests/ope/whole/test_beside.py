"""What is known beside a log: which sends are looked at, and the check of who sent it."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.core.types import Round, SlotPmf
from bandit.ope.whole.beside import Beside
from bandit.ope.whole.look import look_beside
from bandit.policies.random import Random
from bandit.slates.exploration import softmax
from simulators.play import play
from tests.support.builders import association_of


def send() -> list[Round]:
    return list(play(Random(), association_of(issues=3)))


def plan_other(round: Round) -> SlotPmf:
    n, m = round.context.eligible.shape
    return SlotPmf(np.random.default_rng(71).normal(size=(n, m)), softmax(1.0))


def test_sends_with_a_click_are_looked_at_and_a_sample_of_all() -> None:
    (round, *_) = send()
    plan = Random().plan(round.context)
    few = look_beside(plan_other(round), plan, round, seed=3, draws=4)
    all_of_them = look_beside(plan_other(round), plan, round, seed=3, draws=4, share=1.0)
    n = len(round.context.members)
    np.testing.assert_array_equal(all_of_them.rows, np.arange(n))
    assert all_of_them.sampled.all()
    clicked = np.flatnonzero(round.feedback.clicked.any(axis=1))
    assert set(clicked) <= set(few.rows.tolist())
    assert 0.04 * n < few.sampled.sum() < 0.2 * n
    assert set(few.rows) == set(clicked) | set(few.rows[few.sampled])
    assert few.reward.sum() == round.feedback.clicked.sum()
    # none of these depends on who else is looked at
    for name in ("logged", "target", "reward", "supported"):
        theirs = getattr(all_of_them, name)[few.rows]
        np.testing.assert_array_equal(getattr(few, name), theirs)


def test_weights_average_1_in_every_slot_though_the_editor_s_rules_bind() -> None:
    rounds = send()
    assert any(round.context.rules.pins for round in rounds) or rounds[0].context.rules.at_most
    parts = [
        look_beside(plan_other(r), Random().plan(r.context), r, 3, draws=4, share=1.0)
        for r in rounds
    ]
    log, at = Beside.join(parts), np.arange(5)
    w = log.target[:, at, at] / log.logged[:, at, at]
    error = w.std(axis=0, ddof=1) / np.sqrt(len(w))
    assert (np.abs(w.mean(axis=0) - 1) < 4 * error + 1e-9).all()
    assert len(log.members) == sum(len(round.context.members) for round in rounds)
    np.testing.assert_array_equal(log.rows, np.arange(len(log.members)))


def test_a_policy_that_did_not_send_the_log_is_refused_by_name() -> None:
    (round, *_) = send()
    with pytest.raises(
        ValueError,
        match=r"campaign '.*', member .*, slot 1: the logging policy gives the article .* "
        r"and the log says .*: it is not the policy that sent this",
    ):
        look_beside(Random().plan(round.context), plan_other(round), round, seed=3)
    slates = replace(round.slates, propensity=round.slates.propensity.copy())
    slates.propensity[17, 2] *= 1.01
    who = round.context.member_ids[17]
    plan = Random().plan(round.context)
    with pytest.raises(ValueError, match=rf"member {who}, slot 3: the logging"):
        look_beside(plan, plan, replace(round, slates=slates), seed=3)
