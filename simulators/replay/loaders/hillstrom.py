"""An e-mail experiment: 64,000 customers got men's articles, women's articles or no e-mail.

Open this to read a log of real e-mail with known propensity: each of the three was sent to a third
(Hillstrom 2008, "The MineThatData e-mail analytics and data mining challenge").
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
    parse_numbers,
    parse_words,
    read,
    refuse,
)

NONE = "No E-Mail"
MAILINGS = ("Mens E-Mail", "Womens E-Mail", NONE)
WORDS = ("history_segment", "zip_code", "channel")
NUMBERS = {  # column -> least and most
    "recency": (1, 12),
    "history": (0, np.inf),
    "mens": (0, 1),
    "womens": (0, 1),
    "newbie": (0, 1),
}


@dataclass(frozen=True)
class Hillstrom:
    """The loader of that experiment.

    path: the csv or parquet file
    """

    path: str

    def read(self) -> ChoiceLog:
        """The log. An article is a mailing or none; `clicked` is a visit within two weeks.

        `rounds` holds conversion (0, 1) and spend (dollars). Raises ValueError for a damaged file
        or a split that is not even.
        """
        path = Path(self.path)
        table = read(path, [*NUMBERS, *WORDS, "segment", "visit", "conversion", "spend"])
        n = len(table)
        mailing = parse_words(path, table, "segment", MAILINGS)
        choice = pd.Index(MAILINGS).get_indexer(pd.Index(mailing))
        visit, bought = (parse_flags(path, table, name) for name in ("visit", "conversion"))
        refuse(path, table, "conversion", bought & ~visit, "nobody buys without a visit")
        spend = parse_numbers(path, table, "spend", 0, np.inf)
        refuse(path, table, "spend", (spend > 0) & ~bought, "nobody spends without buying")
        check_uniform(str(path), choice, len(MAILINGS))
        members = pd.DataFrame(
            {"member": np.arange(1, n + 1)}
            | {name: parse_words(path, table, name) for name in WORDS}
            | {name: parse_numbers(path, table, name, *bounds) for name, bounds in NUMBERS.items()}
        )
        return ChoiceLog(
            members=members,
            articles=list_articles(["mens", "womens", "none"], MAILINGS),
            rounds=pd.DataFrame({"conversion": bought, "spend": spend}),
            choice=choice,
            propensity=np.full(n, 1 / 3),
            clicked=visit,
            account=Account(str(path), n, n, {}),
        )
