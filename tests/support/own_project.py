"""A researcher's own folder: a policy, its helper, and its yaml."""

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
