"""Whether a reader of topics still fits what an association writes about, from the pools of a log.

A reader is learned from an archive once. When an association takes up a subject that the archive
never had, its articles are read as something else, or as nothing. Open this file to see when that
has happened. The cure is to fit features to the log's own pools (`archive.fit_features`) and to let
a new policy learn the log again: profiles are made of clicks, and the log has them all.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from bandit.features.features import Features
from bandit.log.archive import read_pool, read_rules

SURE = 4.0  # standard errors above what is usual; looked at each week, chance gives 1 in 30,000
RECENT = 8  # issues whose new articles are judged together


def measure_reading(folder: str | Path, features: Features) -> pd.DataFrame:
    """What is unread of each issue's new articles, one row an issue, in order.

    issue: its number
    articles: how many of its articles no issue before it had, and could be read
    unread: mean share of their text that the reader does not see; NaN where there are none
    usual: the same share for texts like the archive's
    excess: how far the articles of this issue and of the seven before it are above `usual`, in
        standard errors

    folder: an archive of a log (`bandit.log.archive`)
    features: what its articles are read with

    Raises ValueError where the features have no reader, or the folder is no archive.
    """
    if features.novelty is None:
        raise ValueError("these features have no reader of topics: articles are known by number")
    usual, spread = features.novelty.usual.tolist()
    met: set[object] = set()
    found: list[np.ndarray] = []
    rows: list[dict[str, float]] = []
    for issue in read_rules(folder):
        pool = read_pool(folder, issue)
        fresh = pool[~pool["article"].isin(met)]
        met.update(pool["article"])
        unread = features.measure_unread(fresh)
        found.append(unread[np.isfinite(unread)])
        recent = np.concatenate(found[-RECENT:])
        error = spread / np.sqrt(max(len(recent), 1))
        above = recent.mean() - usual if len(recent) else 0.0
        rows.append(
            {
                "issue": issue,
                "articles": len(found[-1]),
                "unread": float(found[-1].mean()) if len(found[-1]) else np.nan,
                "usual": usual,
                "excess": float(above / error) if error > 1e-9 else 0.0,
            }
        )
    return pd.DataFrame(rows)


def say_reading(reading: pd.DataFrame) -> str:
    """One sentence: whether the reader fits, and since when it no longer does."""
    misfit = reading.loc[reading["excess"] > SURE, "issue"]
    if misfit.empty:
        return "The reader fits: new articles are like those that it was learned from."
    last = reading.iloc[-1]
    now = (
        f"{last['unread']:.0%} of the last issue's new text is unread, {last['usual']:.0%} is usual"
    )
    return (
        f"The reader no longer fits since issue {misfit.iloc[0]:.0f} ({now}): "
        "learn it anew from the log."
    )
