"""A small log, and associations fitted to it."""

from functools import cache
from typing import Any

from bandit.core.types import Round
from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.fitted.logged import Logged
from simulators.play import play


def send(world: Any, seed: int = 7, issues: int | None = None) -> list[Round]:
    """Random slates, and what came back."""
    return list(play(Random(), world, seed, issues))


@cache
def small() -> tuple[Association, list[Round]]:
    association = Association(
        seed=13, members=300, issues=5, pool=20, slots=4, bounce=0.05, click_to_open=0.3
    )
    return association, send(association)


@cache
def fitted(seed: int = 1, **options: Any) -> Logged:
    association, rounds = small()
    return Logged(rounds, seed, features=association.features, **options)


def is_same(one: list[Round], other: list[Round]) -> bool:
    """Whether the same members answered with the same bytes."""
    answers = [
        [a.tobytes() for r in rounds for a in (r.context.member_ids, *vars(r.feedback).values())]
        for rounds in (one, other)
    ]
    return answers[0] == answers[1]
