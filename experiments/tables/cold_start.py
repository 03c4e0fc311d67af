"""Cold start: how soon a new member's newsletter is as good as their segment's."""

from pathlib import Path

import pandas as pd

from bandit.core.files import read_json

COLUMNS = ["policy", "seed", "since", "delivered", "clicks", "expected"]


def collect_newcomers(units: dict[tuple[str, int], Path]) -> pd.DataFrame:
    """Members who joined after issue 1, a row for each (policy, seed, since).

    since: issues since they joined, 0 the first
    delivered, clicks, expected: newsletters, clicks, and clicks that the simulator expects
    """
    rows = [
        (policy, seed, *newcomer)
        for (policy, seed), folder in units.items()
        for path in sorted((folder / "issues").glob("*.json"))
        for newcomer in read_json(path)["newcomers"]
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.groupby(["policy", "seed", "since"], as_index=False, sort=False).sum()


def find_parity(table: pd.DataFrame, baseline: str, window: int = 3) -> dict[str, int | None]:
    """Issues until a policy serves new members at least as well as the baseline, and stays so.

    None is never. Expected clicks per delivered over all seeds are compared, averaged over `window`
    issues, as long as a tenth of the new members have been there: a hundred newcomers' own clicks
    are too few to tell two policies apart.
    """
    if baseline not in set(table["policy"]):
        return {}
    sent = table.groupby("since")["delivered"].sum()
    enough = table[table["since"].map(sent) >= sent.max() / 10]
    pooled = enough.groupby(["policy", "since"])[["expected", "delivered"]].sum()
    smooth = pooled.groupby("policy").rolling(window, min_periods=1, center=True).sum().droplevel(0)
    rate = (smooth["expected"] / smooth["delivered"]).unstack("since")
    found: dict[str, int | None] = {}
    for policy in rate.index.drop(baseline):
        behind = rate.columns[(rate.loc[policy] < rate.loc[baseline]).to_numpy()]
        issues = int(behind[-1]) + 1 if len(behind) else 0
        found[str(policy)] = issues if issues <= int(rate.columns.max()) else None
    return found
