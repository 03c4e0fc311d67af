"""`World`: data drawn from the model that `profile` learns by.

w_i ~ Normal(B x_i, S), b_j ~ Normal(0, s^2), P(click | opened) = e_slot sigmoid(w_i . a_j + b_j).
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from bandit.core import keys
from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Feedback, Floats, Slates
from bandit.models.profiles import Pool
from bandit.policies.profile import Profile
from simulators.play import play
from tests.support.builders import context_of, pool_of

NINETY = 1.6448536269514722  # half width of a 90 % interval, in standard deviations
EXAMINE = np.array([1.0, 0.82, 0.7, 0.6, 0.52, 0.46])


@dataclass
class World:
    """Members of three attributes, weekly pools of new articles, six slots.

    B, S and s^2 are drawn from the policy's default prior.

    scale: how much wider than that the text's part of B and S is drawn; its columns share it
    """

    seed: int
    members: int = 2000
    pool: int = 30
    text: int = 32
    scale: float = 1.0
    levels: tuple[int, ...] = (4, 6, 5)

    def __post_init__(self) -> None:
        rng = keys.generator("world", self.seed)
        names = [
            "constant",
            *(f"{g}={v}" for g, count in enumerate(self.levels) for v in range(count)),
        ]
        articles = [
            "constant",
            "kind=event",
            "kind=resource",
            *(f"text{d}" for d in range(self.text)),
        ]
        self.features: Any = SimpleNamespace(
            member_names=names,
            article_names=articles,
            encode_texts=lambda values: np.zeros((len(values), self.text)),  # they name nothing
        )
        shares = [rng.dirichlet(np.full(count, 3.0)) for count in self.levels]
        parts = [
            np.eye(len(share))[rng.choice(len(share), self.members, p=share)] for share in shares
        ]
        self.x = np.hstack([np.ones((self.members, 1)), *parts])
        share = self.scale / np.sqrt(max(self.text, 1))
        sd = np.tile(np.concatenate([[0.2] * 3, np.full(self.text, 0.4 * share)]), (len(names), 1))
        sd[0, 0] = 0
        self.B = rng.normal(size=sd.shape) * sd
        self.B[0, 0] = logit(0.03)
        self.S = np.concatenate([[0.8, 0.3, 0.3], np.full(self.text, 1.5 * share)]) ** 2
        self.w = self.x @ self.B + rng.normal(size=(self.members, len(self.S))) * np.sqrt(self.S)
        self.open_rate = rng.beta(0.6, 1.0, self.members)
        self.table = pd.DataFrame({"member": np.arange(101, 101 + self.members)})

    def articles(self, rng: np.random.Generator, count: int) -> Floats:
        kind = rng.choice(3, (count, 1), p=[0.6, 0.2, 0.2])
        return np.hstack([np.ones((count, 1)), kind == [1, 2], rng.normal(size=(count, self.text))])

    def issue(self, number: int) -> Context:
        rng = keys.generator("pool", self.seed, number)
        a = self.articles(rng, self.pool)
        self.appeals = rng.normal(scale=0.3, size=self.pool)
        self.wants = expit(self.w @ a.T + self.appeals)
        names = [f"{number:03}-{j:02}" for j in range(self.pool)]
        return context_of(
            self.members,
            self.pool,
            Rules(slots=len(EXAMINE)),
            campaign=f"issue-{number}",
            issue=number,
            members=self.table,
            articles=pool_of(self.pool, article=names),
            member_features=self.x,
            article_features=a,
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """The same luck for every policy: keyed by member, slot and article."""
        rng, k = keys.generator("luck", self.seed, context.issue), len(EXAMINE)
        opened = rng.random(self.members) < self.open_rate
        looked = opened[:, None] & (rng.random((self.members, k)) < EXAMINE)
        clicked = looked & np.take_along_axis(
            rng.random(self.wants.shape) < self.wants, slates.choice, axis=1
        )
        unknown = np.where(clicked, 1, -1)
        return Feedback(
            np.ones_like(opened), opened, np.zeros_like(opened), unknown, clicked, 30.0 * clicked
        )

    def expected(self, slates: Slates) -> float:
        wanted = np.take_along_axis(self.wants, slates.choice, axis=1)
        return float((self.open_rate[:, None] * EXAMINE * wanted).sum())

    def run(self, policy: Profile, issues: int = 26) -> tuple[Context, Floats]:
        """The last issue's context, and the expected clicks of each issue."""
        earned = []
        for round in play(policy, self, issues=issues, started=True):
            earned.append(self.expected(round.slates))
        return round.context, np.array(earned)

    def start_told(self, **options: Any) -> Profile:
        policy = Profile(**options)
        policy.fix(self.B, self.S, 0.3**2, EXAMINE)
        return policy

    def start_learning(self, **options: Any) -> Profile:
        policy = Profile(**options)
        policy.start(self.features)
        return policy

    def measure_coverage(self, policy: Profile, context: Context) -> dict[str, float]:
        """Share of the members' true values inside their 90 % intervals.

        By part: the constant, kinds, text, all of these, and scores w_i . a.
        """
        found, a = (
            policy.infer_interests(context),
            self.articles(keys.generator("new", self.seed), 40),
        )
        inside: Bools = np.abs(self.w - found.mean) < NINETY * np.sqrt(found.variance)
        mean, variance = found.score(Pool.of(a))
        scores = np.abs(self.w @ a.T - mean) < NINETY * np.sqrt(variance)
        parts = {
            "constant": inside[:, 0],
            "kinds": inside[:, 1:3],
            "text": inside[:, 3:],
            "all": inside,
            "scores": scores,
        }
        return {name: float(part.mean()) for name, part in parts.items()}
