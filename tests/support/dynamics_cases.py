"""A small association with every part moving, and runs of it."""

from typing import Any

import numpy as np

from bandit.core.types import Context, Round, Slates, SlotPmf
from bandit.policies.random import Random
from bandit.policy import Policy
from bandit.slates.exploration import greedy
from bandit.slates.propensity import draw
from simulators.association.association import Association
from simulators.association.campaigns import Campaign, Campaigns
from simulators.association.drift import Drift, Membership
from simulators.association.opens import Opens
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.examination.models import DynamicBayesian
from simulators.play import play

SMALL: dict[str, Any] = {
    "seed": 3,
    "members": 400,
    "issues": 12,
    "pool": 20,
    "slots": 5,
    "text_dims": 8,
}
HABITS = Opens(
    subject=0.9, satisfaction=1.1, habit=0.7, fatigue=0.2, day_sd=0.4, memory=0.3, irritation=0.5
)
MOVING: dict[str, Any] = {
    "opens": HABITS,
    "reading": Reading(interest=0.4, skimmed=0.2, observed=0.3),
    "drift": Drift(walk=0.05, shift=0.02),
    "membership": Membership(term=7, renewal=0.8, served=2.0, reminder=1.0, notice=3),
    "press": Press(decay=0.2, ads=0.1, series=0.1, duplicates=0.2, repeated=0.6, breaking=0.5),
    "campaigns": Campaigns(
        promotion=Campaign(every=5, first=3, kinds={"event": 1.0}, opens=-0.2, clicks=0.3),
        renewal=Campaign(every=4, first=4, kinds={"resource": 1.0}),
        conference=Campaign(every=6, first=5, kinds={"session": 1.0}),
        shared=0.7,
    ),
    "examine": DynamicBayesian(0.9, 0.3),
    "bounce": 0.05,
    "dead": 0.01,
    "unsubscribe": 0.02,
}


def build(**options: Any) -> Association:
    return Association(**(SMALL | options))


def at_random(context: Context, seed: int = 5) -> Slates:
    return draw(Random().plan(context), context, seed)


def best(association: Association, context: Context) -> Slates:
    return draw(SlotPmf(association.truth(context), greedy), context, 5)


def run(
    association: Association, policy: Policy | None = None, issues: int | None = None
) -> list[Round]:
    """The issues as a policy sends them, at random unless one is given."""
    return list(play(policy or Random(), association, seed=5, issues=issues))


def collect_bytes(rounds: list[Round]) -> list[Any]:
    """Everything a run left behind, as bytes."""
    return [
        *(
            (
                round.context.members.to_pandas().to_csv(),
                round.context.articles.to_pandas().to_csv(),
                round.context.campaign,
            )
            for round in rounds
        ),
        *(
            array.tobytes()
            for round in rounds
            for array in (round.context.seen, *vars(round.feedback).values())
        ),
    ]


def measure_opening(association: Association, context: Context, drawn: Slates) -> np.ndarray:
    """P(opened) [n], from the first slot's expected clicks where it is always looked at."""
    p = np.take_along_axis(association.truth(context), drawn.choice[:, :1], axis=1)[:, 0]
    return association.expected(context, drawn)[:, 0] / p
