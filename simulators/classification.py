"""A classification set as a bandit: the classes are the pool, and only the right class is clicked.

Open this to compare contextual bandits on data whose answers are known, as is usual (Dudik,
Langford & Li 2011, "Doubly robust policy evaluation and learning", sec. 4.1). Every example is met
once, in an order keyed by the seed; the share without a click is the progressive error. The sets
come with scikit-learn.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.threads import use_one_thread
from bandit.core.types import Context, Feedback, Floats, Ints, Slates
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from bandit.policy import Policy
from simulators.base import Truthful
from simulators.play import play

SETS = ("digits", "breast_cancer", "wine", "iris")


class Labels:
    """An encoder that reads a title as the class it names.

    names: the classes, in the order of the columns
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.name, self.dim, self._names = "labels", len(names), np.array(names, dtype=object)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One-hot classes, [len(texts), dim]; zeros for text that names no class."""
        titles = np.array([text.partition(". ")[0] for text in texts], dtype=object)
        return np.asarray(titles[:, None] == self._names, dtype=np.float32)


@cache
def _load(data: str) -> tuple[pd.DataFrame, Ints, tuple[str, ...]]:
    """Attributes in the set's own order, the class of each example [n], names of the classes."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{data}")()
    names = [str(name).replace(" ", "_").replace("_(cm)", "") for name in bunch.feature_names]
    examples = pd.DataFrame(np.asarray(bunch.data, dtype=np.float64), columns=names)
    return examples, np.asarray(bunch.target), tuple(str(name) for name in bunch.target_names)


class Classification(Truthful):
    """A classification set as a simulator with one slot. Everyone opens and looks.

    A member is an example: a constant and its attributes, min-max scaled over the set. The id is
    the place in the order in which examples are met (the set's own order is by class in some). An
    article is a class: a constant and its one-hot.

    seed: orders the examples
    data: digits, breast_cancer, wine or iris
    batch: examples an issue; 1 learns after each, more is faster
    issues: how many to play; default: as many as meet every example once

    Raises ValueError for another set, or more issues than there are examples.
    """

    slots = 1

    def __init__(
        self, seed: int = 0, data: str = "digits", batch: int = 1, issues: int | None = None
    ) -> None:
        if data not in SETS:
            raise ValueError(f"data = {data!r}; choose from {', '.join(SETS)}")
        check.at_least("batch", batch, 1)
        examples, labels, names = _load(data)
        n = len(examples)
        most = -(-n // batch)
        self.seed, self.batch, self.issues = seed, batch, most if issues is None else issues
        check.at_least("issues", self.issues, 1)
        if self.issues > most:
            raise ValueError(
                f"issues = {issues}; {data} has {n} examples, which make {most} of {batch}"
            )

        low, high = examples.min(), examples.max()
        scale = {str(a): (float(low[a]), float(high[a] - low[a]) or 1.0) for a in examples.columns}
        unit = np.eye(len(names))
        self.features = Features(Attributes(numeric=scale), encoder=Labels(names), verbatim=True)
        self.articles = pd.DataFrame(
            {
                "article": [f"class-{c:02d}" for c in range(len(names))],
                "title": names,
                "summary": "",
                "kind": "article",
                "source": data,
            }
        )
        order = keys.generator("classification", seed, data).permutation(n)
        self.members = examples.iloc[order].reset_index(drop=True)
        self.members.insert(0, "member", np.arange(1, n + 1))
        # of one example an issue: cutting a frame of 65 columns would take longer than all else
        self._examples, self._pool = Columns.read(self.members), Columns.read(self.articles)
        self._x = self.features.encode_members(self.members)
        self._a = self.features.encode_articles(self.articles)
        self._truth = unit[labels[order]]  # by member id, from 1

    def issue(self, number: int) -> Context:
        """The next `batch` examples (fewer in the last issue), counted from 1.

        Raises ValueError where there are none.
        """
        if not 1 <= number <= self.issues:
            raise ValueError(f"issue = {number}; must be in 1 to {self.issues}")
        rows = slice((number - 1) * self.batch, number * self.batch)
        return self.features.make_context(
            campaign=f"issue-{number:04d}",
            issue=number,
            members=self._examples.take(rows),
            articles=self._pool,
            rules=Rules(slots=1),
            member_features=self._x[rows],
            article_features=self._a,
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """Everyone opens, looks, and clicks where the class is the right one."""
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

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Clicks of these slates, [n, 1]: there is no luck in them."""
        shown = np.take_along_axis(self.truth(context), slates.choice, axis=1)
        return np.where(slates.choice >= 0, shown, 0.0)

    def truth(self, context: Context) -> Floats:
        """P(click), one-hot, [n, m]. Never for a learning policy."""
        return np.asarray(self._truth[context.member_ids - 1])

    def hyperparameters(self) -> dict[str, Floats]:
        """Raises ValueError: examples were measured, so no distribution of interests is known."""
        raise ValueError(
            "a classification set has no true hyperparameters; oracle is its only ceiling"
        )


@use_one_thread()
def progressive_error(policy: Policy, simulator: Classification) -> float:
    """The share of examples shown a wrong class, each before it was learned from.

    The policy is started, then taught. Its choices are those of a run of `experiments.run` with the
    simulator's seed.
    """
    wrong = [~round.feedback.clicked for round in play(policy, simulator)]
    return float(np.concatenate(wrong).mean())
