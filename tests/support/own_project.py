"""A researcher's own folder: a policy, its helper, and its yaml; a simulator, and its yaml."""

from pathlib import Path

POLICY = '''"""The articles that come last in the pool."""

import numpy as np

from bandit import Context, Policy, SlotPmf
from bandit.slates.exploration import epsilon_greedy
from {helper} import rank


class Last(Policy):
    """Shows the last articles of the pool.

    weight: by how much a place in the pool counts
    """

    def __init__(self, weight=1.0):
        self.weight = weight

    def start(self, features):
        pass

    def plan(self, context: Context) -> SlotPmf:
        scores = self.weight * rank(len(context.article_ids))
        return SlotPmf(np.tile(scores, (len(context.member_ids), 1)), epsilon_greedy(0.1))

    def learn(self, round):
        pass

    def state(self):
        return {{}}

    def restore(self, state):
        pass
'''
HELPER = '''"""Places in a pool."""

import numpy as np


def rank(count):
    return np.arange(count, dtype=float)
'''


def write_project(folder: Path, name: str = "last") -> None:
    """Write NAME_policy.py, NAME_helper.py and configs/policy/NAME.yaml into a folder."""
    policy = POLICY.format(helper=f"{name}_helper")
    (folder / f"{name}_policy.py").write_text(policy, encoding="utf-8")
    (folder / f"{name}_helper.py").write_text(HELPER, encoding="utf-8")
    (folder / "configs" / "policy").mkdir(parents=True)
    config = f"# the last articles\n_target_: {name}_policy.Last\nweight: 1.0\n"
    (folder / "configs" / "policy" / f"{name}.yaml").write_text(config, encoding="utf-8")


SIMULATOR = '''"""Members of two quarters, each of which likes articles of its own."""

import numpy as np
import pandas as pd

from bandit import Features, Feedback, Rules
from bandit.core import keys
from bandit.features.attributes import Attributes
from simulators import Simulator
from simulators.examples import Labels

NAMES = ["north", "south", "both", "none"]


class Town(Simulator):
    """Everybody opens; what is of one's own quarter is clicked by `likes`, the rest seldom."""

    def __init__(self, seed=0, issues=4, members=60, likes=0.5):
        self.seed, self.issues, self.likes = seed, issues, likes
        quarters = keys.generator("town", seed).choice(["north", "south"], members)
        self.members = pd.DataFrame({"member": np.arange(1, members + 1), "quarter": quarters})
        attributes = Attributes.fit(self.members)
        self.features = Features(attributes, encoder=Labels(NAMES), verbatim=True)

    def issue(self, number):
        if not 1 <= number <= self.issues:
            raise ValueError(f"issue = {number}; must be in 1 to {self.issues}")
        names = [f"a-{number}-{name}" for name in NAMES]
        same = {"summary": "", "kind": "article", "source": "town"}
        pool = pd.DataFrame({"article": names, "title": NAMES} | same)
        return self.features.make_context(
            f"issue-{number}", number, self.members, pool, Rules(slots=2)
        )

    def expected(self, context, slates):
        quarter = self.members["quarter"].to_numpy()[context.member_ids - 1]
        about = np.array([str(article).rpartition("-")[2] for article in context.article_ids])
        rates = np.where(quarter[:, None] == about, self.likes, 0.05)
        shown = np.take_along_axis(rates, np.maximum(slates.choice, 0), axis=1)
        return np.where(slates.choice >= 0, shown, 0.0)

    def respond(self, context, slates):
        n, k = slates.choice.shape
        members = keys.member_keys(context.member_ids)
        luck = keys.uniforms(self.seed, f"town-{context.issue}", "click", members, k)
        everybody, looked = np.ones(n, dtype=bool), np.where(slates.choice >= 0, 1, -1)
        clicked = luck < self.expected(context, slates)
        return Feedback(
            everybody, everybody, ~everybody, looked.astype(np.int8), clicked, np.zeros((n, k))
        )
'''


def write_simulator(folder: Path, name: str = "town") -> None:
    """Write NAME_simulator.py and configs/simulator/NAME.yaml into a folder."""
    (folder / f"{name}_simulator.py").write_text(SIMULATOR, encoding="utf-8")
    (folder / "configs" / "simulator").mkdir(parents=True)
    config = f"# two quarters\n_target_: {name}_simulator.Town\nmembers: 60\nlikes: 0.5\n"
    (folder / "configs" / "simulator" / f"{name}.yaml").write_text(config, encoding="utf-8")
