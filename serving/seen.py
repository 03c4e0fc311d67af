"""Who has seen what, for a send.

Open this file to see what a pair of member and article in the file of what was seen stands for.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bandit.core.types import Ints
from bandit.features.features import Features


def find_seen(
    seen: pd.DataFrame | None,
    members: pd.DataFrame,
    articles: pd.DataFrame,
    features: Features,
    earlier: Sequence[pd.DataFrame] = (),
) -> tuple[Ints, Ints]:
    """Rows (ascending) and columns of the (member, article) cells that were seen.

    seen: pairs of `member` and `article`; those of members who are not in the list, and of articles
        that are neither in the pool nor tell a story of its, say nothing here
    members: n rows
    articles: m rows, the pool
    features: says which articles tell one story
    earlier: pools that were sent before, the latest one last
    """
    if seen is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    ids, columns = articles["article"].tolist(), list(range(len(articles)))
    for column, told in enumerate(features.find_earlier(articles, earlier)):
        ids += told
        columns += [column] * len(told)
    code, shown = pd.factorize(seen["article"])
    known = pd.DataFrame({"code": pd.Index(shown).get_indexer(pd.Index(ids)), "column": columns})
    rows = pd.Index(members["member"]).get_indexer(pd.Index(seen["member"]))
    cells = pd.DataFrame({"row": rows, "code": code})
    cells = cells[cells["row"] >= 0].merge(known, on="code").sort_values("row", kind="stable")
    return cells["row"].to_numpy(), cells["column"].to_numpy()
