"""A classification set as a bandit: the classes are the pool, one slot, and only the right class is clicked.

The usual way to compare contextual bandits on data whose answers are known (Dudik, Langford & Li 2011, "Doubly robust
policy evaluation and learning", sec. 4.1). Every example is met once, in an order keyed by the seed; the share without a
click is the progressive error. The sets come with scikit-learn.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Floats, Ints, Round, Slates
from bandit.features.features import Features
from bandit.policy import Policy
from bandit.slates.walk import draw
from simulators.base import Truthful

SETS = ("digits", "breast_cancer", "wine", "iris")


class Labels:
    """Reads a title as the class it names, one-hot; text it does not know is all zeros."""

    def __init__(self, names: Sequence[str]) -> None:
        self.name, self.dim, self._names = "labels", len(names), np.array(names, dtype=object)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        titles = np.array([text.partition(". ")[0] for text in texts], dtype=object)
        return np.asarray(titles[:, None] == self._names, dtype=np.float32)


@cache
def _load(data: str) -> tuple[pd.DataFrame, Ints, tuple[str, ...]]:
    """Attributes as measured, in the set's own order, the class of each [n], the names of the classes."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{data}")()
    names = [str(name).replace(" ", "_").replace("_(cm)", "") for name in bunch.feature_names]
    examples = pd.DataFrame(np.asarray(bunch.data, dtype=np.float64), columns=names)
    return examples, np.asarray(bunch.target), tuple(str(name) for name in bunch.target_names)


class Classification(Truthful):
    """data: digits, breast_cancer, wine or iris. batch: examples an issue; 1 learns after each. issues: how many to play
    (default: as many as meet every example once).

    A member is an example: a constant and its attributes, min-max scaled over the set. The id is the place in the order
    in which examples are met (the set's own order is by class in some). An article is a class: a constant and its one-hot.
    Everyone opens and looks. Raises ValueError for another set, or more issues than there are examples.
    """

    slots = 1

    def __init__(
        self, seed: int = 0, data: str = "digits", batch: int = 1, issues: int | None = None
    ) -> None:
        if data not in SETS:
            raise ValueError(f"data = {data!r}; choose from {', '.join(SETS)}")
        check.at_least("batch", batch, 1)
        examples, labels, names = _load(data)
        most = -(-len(examples) // batch)
        self.seed, self.batch, self.issues = seed, batch, most if issues is None else issues
        check.at_least("issues", self.issues, 1)
        if self.issues > most:
            raise ValueError(
                f"issues = {issues}; {data} has {len(examples)} examples, which make {most} of {batch}"
            )

        low, high = examples.min(), examples.max()
        scale = {str(a): (float(low[a]), float(high[a] - low[a]) or 1.0) for a in examples.columns}
        unit = np.eye(len(names))
        self.features = Features({}, scale, np.zeros(len(names)), unit, Labels(names))
        self.articles = pd.DataFrame(
            {
                "article": [f"class-{c:02d}" for c in range(len(names))],
                "title": names,
                "summary": "",
                "kind": "article",
                "source": data,
            }
        )
        order = keys.generator("classification", seed, data).permutation(len(examples))
        self.members = examples.iloc[order].reset_index(drop=True)
        self.members.insert(0, "member", np.arange(1, len(examples) + 1))
        self._x = self.features.members(self.members)
        self._a = self.features.articles(self.articles)
        self._truth = unit[labels[order]]  # by member id, from 1

    def issue(self, number: int) -> Context:
        """The next `batch` examples (fewer in the last issue), counted from 1."""
        if not 1 <= number <= self.issues:
            raise ValueError(f"issue = {number}; must be in 1 to {self.issues}")
        rows = slice((number - 1) * self.batch, number * self.batch)
        return self.features.context(
            campaign=f"issue-{number:04d}",
            issue=number,
            members=self.members.iloc[rows],
            articles=self.articles,
            rules=Rules(slots=1),
            member_features=self._x[rows],
            article_features=self._a,
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        n = len(context.members)
        clicked = self.expected(context, slates) > 0
        return Feedback(
            delivered=np.ones(n, dtype=bool),
            opened=np.ones(n, dtype=bool),
            unsubscribed=np.zeros(n, dtype=bool),
            examined=np.where(slates.choice >= 0, 1, -1).astype(np.int8),
            clicked=clicked,
            dwell_seconds=np.zeros(clicked.shape),
        )

    def remember(self, context: Context, slates: Slates, feedback: Feedback) -> None:
        """Nothing: an example comes once, whatever was shown."""

    def twin(self) -> "Classification":
        """Itself: it keeps no memory."""
        return self

    def joined(self, ids: Any) -> Ints:
        """The first issue of each member; all were there from the start."""
        return np.ones(len(ids), dtype=np.int64)

    def truth(self, context: Context) -> Floats:
        """P(click) [n, m], one-hot. Never for a learning policy."""
        return np.asarray(self._truth[context.member_ids - 1])

    def hyperparameters(self) -> dict[str, Floats]:
        """Raises ValueError: examples were measured, not drawn from interests, so there is no limit of learning to know."""
        raise ValueError(
            "a classification set has no true hyperparameters; oracle is its only ceiling"
        )

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Clicks of these slates, [n, 1]: there is no luck in them."""
        shown = np.take_along_axis(self.truth(context), slates.choice, axis=1)
        return np.where(slates.choice >= 0, shown, 0.0)


def progressive_error(policy: Policy, simulator: Classification) -> float:
    """The share of examples shown a wrong class, each before it was learned from. `policy` is started, then taught; the
    same choices as a run of `experiments.run` with the simulator's seed."""
    policy.start(simulator.features)
    wrong = met = 0
    for number in range(1, simulator.issues + 1):
        context = simulator.issue(number)
        slates = draw(policy.plan(context), context, simulator.seed)
        feedback = simulator.respond(context, slates)
        policy.learn(Round(context, slates, feedback))
        met, wrong = met + len(context.members), wrong + int((~feedback.clicked).sum())
    return wrong / met
