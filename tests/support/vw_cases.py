"""Small policies of Vowpal Wabbit, and a small association to train them on."""

from typing import Any

from bandit.policies.vw import VW
from simulators.association.association import Association
from simulators.play import play
from tests.support.builders import association_of

SIZES: dict[str, Any] = {"members": 150, "issues": 5, "pool": 12, "slots": 4, "text_dims": 6}
SMALL: dict[str, Any] = {"policies": 3, "bits": 12, "unclicked": 1.0, "first": 200}


def train(policy: Any, issues: int = 3) -> tuple[Any, Association]:
    association = association_of(**SIZES)
    list(play(policy, association, seed=5, issues=issues))
    return policy, association


def make_policy(kind: Any, explore: str, **more: Any) -> Any:
    chosen = SMALL if kind is VW else {name: SMALL[name] for name in SMALL if name != "policies"}
    return kind(explore=explore, **(chosen | more))
