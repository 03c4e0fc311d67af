"""Logged chances beside observed shares: sound logs pass, altered ones are refused by name."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.core.types import Round, SlotPmf
from bandit.ope.trust.calibration import find_miscalibration
from bandit.policies.random import Random
from bandit.slates.exploration import epsilon_greedy, softmax
from bandit.slates.propensity import draw, replay
from simulators.play import play
from tests.support.builders import association_of


def send(plan: SlotPmf, round: Round, seed: int) -> Round:
    return replace(round, slates=draw(plan, round.context, seed))


def make_plan(round: Round, temperature: float = 1.0) -> SlotPmf:
    n, m = round.context.eligible.shape
    scores = np.random.default_rng(5).normal(size=(n, m)) + np.linspace(0, 2, m)
    return SlotPmf(scores, softmax(temperature))


ROUNDS = list(play(Random(), association_of(issues=4)))


def test_sound_logs_are_not_refused_whatever_the_rules() -> None:
    assert any(round.context.rules.pins for round in ROUNDS)
    for round in ROUNDS:
        assert find_miscalibration(Random().plan(round.context), round) == ""
        for plan in (make_plan(round), SlotPmf(make_plan(round).scores, epsilon_greedy(0.1))):
            for seed in range(5):
                assert find_miscalibration(plan, send(plan, round, seed)) == ""


def test_what_was_drawn_by_other_chances_is_refused_by_campaign_slot_and_article() -> None:
    round = ROUNDS[0]
    plan = make_plan(round, 0.4)
    other = replace(round, slates=draw(make_plan(round, 1.5), round.context, 1))
    why = find_miscalibration(plan, other)
    assert why.startswith(f"campaign '{round.context.campaign}', slot ")
    assert "times, and the logged chances say " in why
    assert why.endswith("they are not what this was drawn by")


def test_an_article_that_took_another_s_place_in_one_slot_is_refused_by_name() -> None:
    round = ROUNDS[0]
    plan, choice = Random().plan(round.context), round.slates.choice.copy()
    favoured = int(np.flatnonzero(round.context.eligible.all(axis=0))[2])
    swapped = np.arange(len(choice)) % 4 == 0
    swapped &= (choice != favoured).all(axis=1)
    choice[swapped, 1] = favoured
    chances = replay(plan, round.context, choice)
    slates = replace(round.slates, choice=choice, propensity=chances)
    name = round.context.article_ids.tolist()[favoured]
    why = find_miscalibration(plan, replace(round, slates=slates))
    assert why.startswith(f"campaign '{round.context.campaign}', slot 2: article '{name}' came ")


@pytest.mark.slow
def test_the_bound_refuses_hardly_any_of_a_thousand_sound_logs() -> None:
    plan = make_plan(ROUNDS[1], 0.5)
    refused = sum(bool(find_miscalibration(plan, send(plan, ROUNDS[1], s))) for s in range(1000))
    assert refused <= 1
