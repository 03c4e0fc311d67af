"""A classification set as a bandit: the classes are the pool, and only the right class is clicked.

Open this to compare contextual bandits on data whose answers are known, as is usual (Dudik,
Langford & Li 2011, "Doubly robust policy evaluation and learning", sec. 4.1). Every example is met
once, in an order keyed by the seed; the share without a click is the progressive error. The sets
come with scikit-learn.
"""

from functools import cache

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.threads import use_one_thread
from bandit.core.types import Ints
from bandit.policy import Policy
from simulators.examples import Examples
from simulators.play import play

SETS = ("digits", "breast_cancer", "wine", "iris")


@cache
def _load(data: str) -> tuple[pd.DataFrame, Ints, tuple[str, ...]]:
    """Attributes in the set's own order, the class of each example [n], names of the classes."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{data}")()
    names = [str(name).replace(" ", "_").replace("_(cm)", "") for name in bunch.feature_names]
    examples = pd.DataFrame(np.asarray(bunch.data, dtype=np.float64), columns=names)
    return examples, np.asarray(bunch.target), tuple(str(name) for name in bunch.target_names)


class Classification(Examples):
    """A classification set as a simulator with one slot. Everyone opens and looks.

    A member is an example: a constant and its attributes, min-max scaled over the set. The id is
    the place in the order in which examples are met (the set's own order is by class in some). An
    article is a class: a constant and its one-hot. There is no luck in the clicks.

    seed: orders the examples
    data: digits, breast_cancer, wine or iris
    batch: examples an issue; 1 learns after each, more is faster
    issues: how many to play; default: as many as meet every example once

    Raises ValueError for another set, or more issues than there are examples.
    """

    def __init__(
        self, seed: int = 0, data: str = "digits", batch: int = 1, issues: int | None = None
    ) -> None:
        if data not in SETS:
            raise ValueError(f"data = {data!r}; choose from {', '.join(SETS)}")
        examples, labels, names = _load(data)
        low, high = examples.min(), examples.max()
        ranges = {str(a): (float(low[a]), float(high[a] - low[a]) or 1.0) for a in examples.columns}
        order = keys.generator("classification", seed, data).permutation(len(examples))
        truth = np.eye(len(names))[labels[order]]
        super().__init__(data, seed, examples.iloc[order], ranges, truth, names, batch, issues)


@use_one_thread()
def progressive_error(policy: Policy, simulator: Classification) -> float:
    """The share of examples shown a wrong class, each before it was learned from.

    The policy is started, then taught. Its choices are those of a run of `experiments.run` with the
    simulator's seed.
    """
    wrong = [~round.feedback.clicked for round in play(policy, simulator)]
    return float(np.concatenate(wrong).mean())
