"""What hygiene found, as a small table: for whoever reads a report of one issue or of a year."""

import pandas as pd

from bandit.core import check

SHOWN = ("human", "late", "prefetch", "scanner", "duplicate")


def summarise(tagged: pd.DataFrame) -> pd.DataFrame:
    """For each tag, in the order of SHOWN: opens, clicks, other requests, mails, median delay, why.

    tagged: events with the columns of `hygiene.tag`
    In the answer `delay` is the median of seconds after delivery, and `why` is the reason given
    most often, without what it says of a single domain.

    >>> one = {"tag": "human", "kind": "click", "campaign": "may", "member": 204, "seconds": 90.0}
    >>> rows = pd.DataFrame([one | {"why": "one link; of its domain's others 3 %"}])
    >>> print(*summarise(rows).iloc[0])
    0 1 0 1 90.0 one link
    """
    check.columns("events", tagged, ["tag", "kind", "campaign", "member", "seconds", "why"])
    rows = {}
    for name in SHOWN:
        some = tagged[tagged["tag"] == name]
        if len(some):
            opens, clicks = (int((some["kind"] == kind).sum()) for kind in ("open", "click"))
            mails = len(some[["campaign", "member"]].drop_duplicates())
            why = some["why"].str.replace(r"; of its domain.*", "", regex=True)
            rows[name] = {
                "opens": opens,
                "clicks": clicks,
                "others": len(some) - opens - clicks,
                "mails": mails,
                "delay": float(some["seconds"].median()),
                "why": why.value_counts().index[0],
            }
    columns = ["opens", "clicks", "others", "mails", "delay", "why"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
