"""Logs of one choice a round whose click chances are known, and a policy that never learns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.policy import Policy
from simulators.replay.loaders.tables import Account, ChoiceLog, list_articles

M = 4
# P(click | group, article): the groups want different articles
WANTS = np.array([[0.1, 0.5, 0.3, 0.2], [0.6, 0.15, 0.2, 0.05], [0.3, 0.3, 0.7, 0.1]])
EVEN = np.full((3, M), 1 / M)
UNEVEN = np.array([[0.1, 0.2, 0.3, 0.4], [0.55, 0.2, 0.15, 0.1], [0.25, 0.25, 0.25, 0.25]])
TARGET = np.array(
    [[0.1, 0.7, 0.1, 0.1], [0.4, 0.2, 0.2, 0.2], [0.0, 0.5, 0.5, 0.0]]
)  # what `Fixed` chooses
VALUE = float((TARGET * WANTS).sum(axis=1).mean())


def logged(n: int, seed: int, chances: Floats = EVEN, wants: Floats = WANTS) -> ChoiceLog:
    """n rounds of three groups: articles by `chances` [3, m] of the group, clicks by `wants`."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    choice = (rng.random(n)[:, None] > np.cumsum(chances, axis=1)[group][:, :-1]).sum(axis=1)
    clicked = rng.random(n) < wants[group, choice]
    members = pd.DataFrame(
        {"member": np.arange(1, n + 1), "group": np.array(["a", "b", "c"])[group]}
    )
    m = chances.shape[1]
    articles = list_articles([f"n{j}" for j in range(m)], [f"News {j}" for j in range(m)])
    account = Account("made", n, n, {})
    return ChoiceLog(
        members,
        articles,
        pd.DataFrame(index=members.index),
        choice,
        chances[group, choice],
        clicked,
        account,
    )


class Fixed(Policy):
    """Chooses by TARGET and never learns; remembers what it was shown to learn from."""

    def __init__(self) -> None:
        self.taught: list[Round] = []

    def start(self, features: Any) -> None:
        self._names = features.member_names

    def group(self, context: Context) -> NDArray[np.intp]:
        return np.stack(
            [context.member_features[:, self._names.index(f"group={g}")] for g in "abc"], axis=1
        ).argmax(axis=1)

    def plan(self, context: Context) -> SlotPmf:
        return SlotPmf(TARGET[self.group(context)], lambda scores, open: scores)

    def learn(self, round: Round) -> None:
        self.taught.append(round)

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None: ...
