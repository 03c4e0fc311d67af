"""How many new members a real association must observe, whose clicks come with their luck.

Differences are taken from expected clicks where they are known, spread from clicks as they came.
"""

import math

import pandas as pd

from bandit.core.files import read_table
from experiments.runner.folders import Units

SIZE, POWER = 1.959964, 0.841621  # normal quantiles: a test at 5 %, and a chance of 80 % to see it


def measure_joiners(units: Units, last: int = 8) -> pd.DataFrame:
    """What new members click around each issue since joining; a row for each (policy, seed, since).

    last: the last issue since joining that is looked at

    since: the middle of the three issues since joining that are averaged; of 0 there are two
    joiners: members who joined after issue 1 and got one of the three
    mean: over these members, of expected clicks a newsletter
    variance: over them, of clicks a newsletter, luck included: what a sender sees

    Raises ValueError naming a file that is damaged.
    """
    rows = []
    for (policy, seed), folder in units.items():
        parts = [read_table(path).to_pandas() for path in sorted((folder / "people").glob("*"))]
        told = pd.concat(parts, ignore_index=True)
        told = told[told["joined"] > 1]
        told = told.assign(since=told["issue"] - told["joined"])
        for since in range(last + 1):
            near = told[(told["since"] - since).abs() <= 1]
            each = near.groupby("member")[["expected", "clicks"]].mean()
            found = (len(each), each["expected"].mean(), each["clicks"].var(ddof=1))
            rows.append((policy, seed, since, *found))
    return pd.DataFrame(rows, columns=["policy", "seed", "since", "joiners", "mean", "variance"])


def count_joiners_needed(table: pd.DataFrame, policy: str, baseline: str) -> float:
    """How many joiners a real association must observe with each of two newsletters.

    They are as many as let a two-sided test at 5 % see, with a chance of 80 %, the difference
    between the two means: (z1 + z2)^2 (v1 + v2) / d^2.

    table: columns policy, seed, joiners, mean and variance
    policy, baseline: the two newsletters

    Infinite where there is no difference, NaN where one of them did not run.
    """
    gap, spread = _compare(table, policy, baseline)
    return (SIZE + POWER) ** 2 * spread / gap**2 if gap else math.inf


def count_for_parity(table: pd.DataFrame, policy: str, baseline: str, parity: int | None) -> float:
    """How many joiners with each newsletter tell to within one issue when they are level.

    As many as show that the policy is behind one issue before, where there is such an issue, and
    ahead one issue after.

    table: as `measure_joiners` makes it
    parity: the issue since joining from which on the policy is as good

    Infinite where the table does not show it behind before and ahead after; NaN where there is no
    parity, or it lies too late to be asked of.
    """
    if parity is None or parity + 1 > table["since"].max():
        return math.nan
    counts = []
    for since, sign in ((parity - 1, -1), (parity + 1, 1)):
        part = table[table["since"] == since]
        if since >= 0:
            gap, _ = _compare(part, policy, baseline)
            counts.append(count_joiners_needed(part, policy, baseline))
            if gap * sign < 0:
                return math.inf
    return max(counts)


def _compare(table: pd.DataFrame, policy: str, baseline: str) -> tuple[float, float]:
    """The difference of the means over all joiners, and the sum of the variances."""
    both = [table[table["policy"] == name] for name in (policy, baseline)]
    if any(part.empty for part in both):
        return math.nan, math.nan
    means, spread = [], 0.0
    for part in both:
        weight = part["joiners"] / part["joiners"].sum()
        means.append(float((weight * part["mean"]).sum()))
        spread += float((weight * part["variance"]).sum())
    return means[0] - means[1], spread
