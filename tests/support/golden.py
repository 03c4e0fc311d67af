"""The small bundle of which the tests keep one in every format that was released.

Made anew, once for each format, by the version that wrote it:

    python -m tests.support.golden tests/golden/format-4
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.files import write_json
from bandit.core.rules import Rules
from bandit.core.types import Feedback, Round
from bandit.features.features import Features
from bandit.policies.profile import Profile
from bandit.slates.propensity import draw
from serving import bundle
from tests.support.text_cases import ARCHIVE, Letters, pool

TITLES = ("Vaccines in winter", "Budget for boards", "A quiet year", "Zinc, iron, water")
MEMBERS = pd.DataFrame(
    {
        "member": ["a", "b", "c", "d", "e"],
        "region": ["north", "south", "south", "west", None],
        "interests": ["fish; birds", "birds", None, "fish", "fish; birds"],
        "age": [31.0, 45.0, 28.0, 77.0, 50.0],
    }
)
RULES = Rules(slots=2)
CAMPAIGN, SEED = "golden", 3


def train() -> tuple[Profile, Features]:
    """A policy that learned one issue, and its features."""
    features = Features.fit(MEMBERS, ARCHIVE, dims=3, encoder=Letters())
    policy = Profile(budget=0.5, max_slots=3)
    policy.start(features)
    context = features.make_context("first", 1, MEMBERS, pool(list(TITLES)), RULES)
    slates = draw(policy.plan(context), context, SEED)
    yes, k = np.ones(len(MEMBERS), dtype=bool), RULES.slots
    clicked = np.arange(len(MEMBERS) * k).reshape(-1, k) % 3 == 0
    looked, seconds = np.full(clicked.shape, -1), np.zeros(clicked.shape)
    answer = Feedback(yes, yes, ~yes, looked, clicked & (slates.choice >= 0), seconds)
    policy.learn(Round(context, slates, answer))
    return policy, features


def main(folder: Path) -> None:
    policy, features = train()
    parameters = {"budget": 0.5, "max_slots": 3}
    target = "bandit.policies.profile.Profile"
    bundle.write(folder / "bundle", policy, target, parameters, features, {"by": __name__})
    context = features.make_context(CAMPAIGN, 2, MEMBERS, pool(list(TITLES)), RULES)
    slates = draw(policy.plan(context), context, SEED)
    told = {"choice": slates.choice.tolist(), "propensity": slates.propensity.tolist()}
    write_json(folder / "slates.json", told)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
