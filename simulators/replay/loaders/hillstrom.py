"""An e-mail experiment: 64,000 customers got men's articles, women's articles or no e-mail, a third each.

Hillstrom 2008, "The MineThatData e-mail analytics and data mining challenge". A log of real e-mail with known propensity.
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
    words,
)

NONE = "No E-Mail"
MAILINGS = ("Mens E-Mail", "Womens E-Mail", NONE)


@dataclass(frozen=True)
class Hillstrom:
    path: str

    def read(self) -> Logged:
        """The log: an article is a mailing or none, `clicked` is a visit within two weeks; rounds hold conversion (0, 1)
        and spend (dollars). Raises ValueError for a damaged file or a split that is not even."""
        path = Path(self.path)
        numeric = {
            "recency": (1, 12),
            "history": (0, np.inf),
            "mens": (0, 1),
            "womens": (0, 1),
            "newbie": (0, 1),
        }
        attributes = ("history_segment", "zip_code", "channel")
        table = read(path, [*numeric, *attributes, "segment", "visit", "conversion", "spend"])
        n = len(table)
        choice = pd.Index(MAILINGS).get_indexer(pd.Index(words(path, table, "segment", MAILINGS)))
        visit, bought = (
            numbers(path, table, name, 0, 1, whole=True).astype(bool)
            for name in ("visit", "conversion")
        )
        refuse(path, table, "conversion", bought & ~visit, "nobody buys without a visit")
        spend = numbers(path, table, "spend", 0, np.inf)
        refuse(path, table, "spend", (spend > 0) & ~bought, "nobody spends without buying")
        check_uniform(str(path), choice, len(MAILINGS))
        members = pd.DataFrame(
            {"member": np.arange(1, n + 1)}
            | {name: words(path, table, name) for name in attributes}
            | {name: numbers(path, table, name, *bounds) for name, bounds in numeric.items()}
        )
        rounds = pd.DataFrame({"conversion": bought, "spend": spend})
        articles = numbered(["mens", "womens", "none"], MAILINGS)
        return Logged(
            members,
            articles,
            rounds,
            choice,
            np.full(n, 1 / 3),
            visit,
            Account(str(path), n, n, {}),
        )
