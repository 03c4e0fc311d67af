"""Examples that are met once each, as a bandit with one slot: everyone opens, looks, and may click.

Open this for what the simulators with known answers share: `simulators.classification`, where only
the right class is clicked, and `simulators.wheel`, where chances are what an action is worth.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Floats, Slates
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from simulators.base import Truthful
from simulators.luck import Luck


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


class Examples(Truthful):
    """Examples as members of an association that has one slot and always the same pool.

    A member is an example: a constant and its attributes, min-max scaled. The id is the place in
    the order in which examples are met. An article is an action: a constant and its one-hot.

    data: what the examples are called, in words of error messages and as the articles' source
    seed: keys the clicks
    examples: their attributes, in the order in which they are met, [n rows]
    ranges: lowest value and width of each attribute
    chances: P(click) of each example and action, [n, m]
    names: of the actions, [m]
    batch: examples an issue; 1 learns after each, more is faster
    issues: how many to play; None: as many as meet every example once

    Raises ValueError for more issues than there are examples.
    """

    slots = 1

    def __init__(
        self,
        data: str,
        seed: int,
        examples: pd.DataFrame,
        ranges: dict[str, tuple[float, float]],
        chances: Floats,
        names: Sequence[str],
        batch: int = 1,
        issues: int | None = None,
    ) -> None:
        check.at_least("batch", batch, 1)
        n = len(examples)
        most = -(-n // batch)
        self.seed, self.batch, self.issues = seed, batch, most if issues is None else issues
        check.at_least("issues", self.issues, 1)
        if self.issues > most:
            raise ValueError(
                f"issues = {issues}; {data} has {n} examples, which make {most} of {batch}"
            )
        self.features = Features(Attributes(numeric=ranges), encoder=Labels(names), verbatim=True)
        self.articles = pd.DataFrame(
            {
                "article": [f"class-{c:02d}" for c in range(len(names))],
                "title": names,
                "summary": "",
                "kind": "article",
                "source": data,
            }
        )
        self.members = examples.reset_index(drop=True)
        self.members.insert(0, "member", np.arange(1, n + 1))
        # of one example an issue: cutting a frame of 65 columns would take longer than all else
        self._examples, self._pool = Columns.read(self.members), Columns.read(self.articles)
        self._x = self.features.encode_members(self.members)
        self._a = self.features.encode_articles(self.articles)
        self._chances = chances  # by member id, from 1
        self._luck = Luck(data, seed, keys.member_keys(np.arange(1, n + 1)))

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
        """Everyone opens and looks, and clicks by the chance of what is shown."""
        n = len(context.members)
        rows = context.member_ids - 1
        luck = self._luck.draw(context.issue, "click", rows, self.slots)
        clicked = luck < self.expected(context, slates)
        return Feedback(
            delivered=np.ones(n, dtype=bool),
            opened=np.ones(n, dtype=bool),
            unsubscribed=np.zeros(n, dtype=bool),
            examined=np.where(slates.choice >= 0, 1, -1).astype(np.int8),
            clicked=clicked,
            dwell_seconds=np.zeros(clicked.shape),
        )

    def expected(self, context: Context, slates: Slates) -> Floats:
        """Expected clicks of these slates, [n, 1]."""
        shown = np.take_along_axis(self.truth(context), slates.choice, axis=1)
        return np.where(slates.choice >= 0, shown, 0.0)

    def truth(self, context: Context) -> Floats:
        """P(click) [n, m]. Never for a learning policy."""
        return np.asarray(self._chances[context.member_ids - 1])

    def hyperparameters(self) -> dict[str, Floats]:
        """Raises ValueError: no distribution of interests is known behind examples."""
        raise ValueError("examples have no true hyperparameters; oracle is their only ceiling")
