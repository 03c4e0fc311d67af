"""Cold start: how soon a new member's newsletter is as good as their segment's."""

from pathlib import Path

import numpy as np
import pandas as pd

from bandit.files import read_json
from experiments.summary import paired


def curve(units: dict[tuple[str, int], Path]) -> pd.DataFrame:
    """Members who joined under way: policy, seed, since (issues since joining, 0 the first), delivered, clicks, expected."""
    rows = [
        (policy, seed, *newcomer)
        for (policy, seed), folder in units.items()
        for path in sorted((folder / "issues").glob("*.json"))
        for newcomer in read_json(path)["newcomers"]
    ]
    table = pd.DataFrame(rows, columns=["policy", "seed", "since", "delivered", "clicks", "expected"])
    return table.groupby(["policy", "seed", "since"], as_index=False, sort=False).sum()


def parity(table: pd.DataFrame, baseline: str, window: int = 3) -> dict[str, int | None]:
    """Issues a new member needs until the policy is level with the baseline and stays so (None: never).

    Level: the 95 % interval of the difference, paired by seed, reaches zero (with one seed: the difference does). Expected
    clicks per delivered, averaged over `window` issues: a hundred newcomers' own clicks are too few to tell policies apart.
    """
    if baseline not in set(table["policy"]):
        return {}
    sent = table.groupby("since")["delivered"].sum()
    told = table[table["since"].map(sent) >= sent.max() / 10]  # few joined early enough to be seen for longer
    sums = told.groupby(["policy", "seed", "since"])[["expected", "delivered"]].sum()
    smooth = sums.groupby(["policy", "seed"]).rolling(window, min_periods=1, center=True).sum().droplevel([0, 1])
    rate = (smooth["expected"] / smooth["delivered"]).unstack("since")
    found: dict[str, int | None] = {}
    for policy in rate.index.unique("policy").drop(baseline):
        ahead = (rate.loc[policy] - rate.loc[baseline]).dropna(axis=1)
        behind = [int(since) for since in ahead.columns if _reach(ahead[since].to_numpy()) < 0]
        issues = behind[-1] + 1 if behind else 0
        found[str(policy)] = issues if issues <= int(ahead.columns.max()) else None
    return found


def _reach(differences: np.ndarray) -> float:
    """The upper end of the interval of one difference a seed."""
    mean, _, high = paired(differences)
    return mean if np.isnan(high) else high
