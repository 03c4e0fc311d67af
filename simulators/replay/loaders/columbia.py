"""Ten articles shown uniformly at random, 100 numbers about each reader.

Open this to read the course data of Columbia University, made from a public news log. The columns
are arm (1 to 10), click and features (a list of 100 whole numbers), in csv or parquet; in csv the
list is separated by blanks. The propensities are .1: a set for `simulators.replay.replay`. The
clicks of the copy we measured hold no noise: held out, logistic regression told each article's
clicks from its passes without an error (AUC 1.0 for all ten), so the best policy gets every click.
It shows that a policy learns, not how it fares with real readers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from simulators.replay.loaders.tables import (
    Account,
    ChoiceLog,
    check_uniform,
    list_articles,
    parse_flags,
    parse_integers,
    parse_numbers,
    read,
    refuse,
)

ARTICLES, FEATURES = 10, 100


@dataclass(frozen=True)
class Columbia:
    """The loader of that set.

    path: the csv or parquet file
    """

    path: str

    def read(self) -> ChoiceLog:
        """The log; members have columns x0 to x99.

        Raises ValueError for a damaged file or choices that are not uniform.
        """
        path = Path(self.path)
        table = read(path, ["arm", "click", "features"])
        choice = parse_integers(path, table, "arm", 1, ARTICLES) - 1
        clicked = parse_flags(path, table, "click")
        lists = [value.split() if isinstance(value, str) else value for value in table["features"]]
        long = [isinstance(each, list | np.ndarray) and len(each) == FEATURES for each in lists]
        wrong = ~np.array(long, dtype=bool)
        refuse(path, table, "features", wrong, f"must be {FEATURES} numbers")
        columns = [f"x{d}" for d in range(FEATURES)]
        features = pd.DataFrame(np.array(lists).reshape(-1, FEATURES), columns=columns)
        values = {name: parse_numbers(path, features, name, -np.inf, np.inf) for name in columns}
        check_uniform(str(path), choice, ARTICLES)
        n, places = len(table), range(1, ARTICLES + 1)
        return ChoiceLog(
            members=pd.DataFrame({"member": np.arange(1, n + 1)} | values),
            articles=list_articles(
                [f"article-{j:02d}" for j in places], [f"Article {j}" for j in places]
            ),
            rounds=pd.DataFrame(index=range(n)),
            choice=choice,
            propensity=np.full(n, 1 / ARTICLES),
            clicked=clicked,
            account=Account(str(path), n, n, {}),
        )
