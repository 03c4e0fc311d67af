"""Promise 4: a policy that is told nothing learns nothing. A leak of the simulator's truth would show as clicks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.slates import draw
from bandit.types import Context, Round
from experiments.runs import policy_config
from experiments.unit import make
from simulators.association import Association

SEEDS, ISSUES = 3, 9


def scrambled(context: Context, what: str, rng: np.random.Generator) -> Context:
    """The context with text that belongs to other articles, or attributes that belong to other members."""
    if what == "text":
        return replace(context, article_features=context.article_features[rng.permutation(len(context.articles))])
    order = rng.permutation(len(context.members))
    members = context.members.iloc[order].reset_index(drop=True).assign(member=context.member_ids)
    return replace(context, members=members, member_features=context.member_features[order])


def late_clicks(name: str, what: str | None, seed: int) -> float:
    """Expected clicks per delivered in the last three issues."""
    size: dict[str, Any] = {"members": 1500, "issues": ISSUES, "pool": 24, "slots": 4, "carried": 0.0, "pin_every": 0}
    association = Association(seed=seed, text_dims=16, max_events=4, **size)
    policy, earned = make(policy_config(name)), []
    policy.start(association.features)
    rng = np.random.default_rng(seed)
    for number in range(1, ISSUES + 1):
        context = association.issue(number)
        told = scrambled(context, what, rng) if what else context
        slates = draw(policy.plan(told), told, seed)
        policy.learn(Round(told, slates, association.respond(context, slates)))
        earned.append(association.expected(context, slates).sum() / len(context.members))
    return float(np.mean(earned[-3:]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["profile", "segment_learned", "lin_ts", "vw"])
def test_another_articles_text_is_worth_no_more_than_chance(name: str) -> None:
    chance = np.array([late_clicks("random", None, seed) for seed in range(SEEDS)])
    fooled = np.array([late_clicks(name, "text", seed) for seed in range(SEEDS)])
    honest = np.array([late_clicks(name, None, seed) for seed in range(SEEDS)])
    assert abs((fooled / chance).mean() - 1) < 0.12
    assert (honest / chance).mean() > 1.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["segment_learned", "lin_ts", "vw"])
def test_another_members_attributes_are_worth_no_more_than_none(name: str) -> None:
    everyone = np.array([late_clicks("blast", None, seed) for seed in range(SEEDS)])
    fooled = np.array([late_clicks(name, "attributes", seed) for seed in range(SEEDS)])
    assert (fooled / everyone).mean() < 1.06
