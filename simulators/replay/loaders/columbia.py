"""Ten articles shown uniformly at random, 100 numbers about each reader: course data made from a public news log.

Columns arm (1 to 10), click, features (a list of 100 whole numbers), csv or parquet; in csv the list is separated by
blanks. Its propensities are .1: a set for `simulators.replay.replay`. The clicks of the copy we measured hold no noise: held
out, logistic regression told each article's clicks from its passes without an error (AUC 1.0 for all ten), so the best
policy gets every click. It shows that a policy learns, not how it fares with real readers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from simulators.replay.loaders.tables import (
    Account,
    Logged,
    check_uniform,
    numbered,
    numbers,
    read,
    refuse,
)

ARTICLES, FEATURES = 10, 100


@dataclass(frozen=True)
class Columbia:
    path: str

    def read(self) -> Logged:
        """The log: members have columns x0 to x99. Raises ValueError for a damaged file or choices that are not uniform."""
        path = Path(self.path)
        table = read(path, ["arm", "click", "features"])
        choice = numbers(path, table, "arm", 1, ARTICLES, whole=True) - 1
        clicked = numbers(path, table, "click", 0, 1, whole=True).astype(bool)
        lists = [value.split() if isinstance(value, str) else value for value in table["features"]]
        short = np.array(
            [not hasattr(value, "__len__") or len(value) != FEATURES for value in lists], dtype=bool
        )
        refuse(path, table, "features", short, f"must be {FEATURES} numbers")
        columns = [f"x{d}" for d in range(FEATURES)]
        features = pd.DataFrame(np.array(lists).reshape(-1, FEATURES), columns=columns)
        values = {name: numbers(path, features, name, -np.inf, np.inf) for name in columns}
        check_uniform(str(path), choice, ARTICLES)
        n = len(table)
        members = pd.DataFrame({"member": np.arange(1, n + 1)} | values)
        articles = numbered(
            [f"article-{j:02d}" for j in range(1, 11)], [f"Article {j}" for j in range(1, 11)]
        )
        rounds, propensity = pd.DataFrame(index=members.index), np.full(n, 1 / ARTICLES)
        return Logged(
            members, articles, rounds, choice, propensity, clicked, Account(str(path), n, n, {})
        )
