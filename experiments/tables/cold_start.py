"""Cold start: how soon a newsletter is as good as the one that it is compared with.

All is read from expected clicks: a hundred newcomers' own clicks are too few to tell two policies
apart. Seeds are paired: each is one association, whose members all policies meet.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from bandit.core.files import read_table
from bandit.core.types import Floats
from experiments.runner.folders import Units

SUMS = ["delivered", "opened", "clicks", "expected", "rests_on"]
VIEWS = {"joiners": "since", "openers": "opens", "founders": "issue"}  # and what each goes by
DRAWS = 2000  # of seeds, for the interval of a crossing time
LEAST_SEEDS = 5  # fewer cannot carry an interval of a crossing time


@dataclass(frozen=True)
class Parity:
    """Issues until a policy serves members at least as well as the baseline, and stays so.

    issues: over all seeds; None: not within the horizon
    earliest, latest: 95 % interval, from seeds drawn with replacement (Efron's percentiles); an
        end that is None lies beyond the horizon. Both are None with fewer than five seeds
    sure: whether there is an interval
    horizon: the last issue that enough members reached; what happens later is not known
    """

    issues: int | None
    earliest: int | None
    latest: int | None
    sure: bool
    horizon: int


def collect_cold_starts(units: Units) -> dict[str, pd.DataFrame]:
    """Sums over members, see `runner.people.finish_people`; a row for each policy, seed and step.

    joiners: of who joined after issue 1, by issues `since` they joined, 0 the first
    openers: of the same members, by how many `opens` they had before
    founders: of who is there from issue 1, by `issue`

    Raises ValueError naming a file that is damaged, and FileNotFoundError one that is not there.
    """
    found = [
        read_table(folder / "cold_start.parquet").to_pandas().assign(policy=policy, seed=seed)
        for (policy, seed), folder in units.items()
    ]
    table = pd.concat(found, ignore_index=True)
    views = {}
    for view, step in VIEWS.items():
        rows = table[table["view"] == view].rename(columns={"x": step})
        views[view] = rows[["policy", "seed", step, *SUMS]].reset_index(drop=True)
    return views


def find_parity(
    table: pd.DataFrame, baseline: str, step: str = "since", window: int = 3
) -> dict[str, Parity]:
    """Steps until each policy serves the members of a view as well as the baseline, by policy.

    table: a view of `collect_cold_starts`
    step: the column that it goes by
    baseline: a policy; where it is not in the table there is no parity
    window: issues over which rates are averaged before they are compared; more see less luck

    Expected clicks per delivered are compared, as long as a tenth of the most members have been
    there.
    """
    if baseline not in set(table["policy"]):
        return {}
    sums = {
        str(name): sum_steps(part, table, step)
        for name, part in table.groupby("policy", sort=False)
    }
    return {
        name: _find_crossing(*own, *sums[baseline], window)
        for name, own in sums.items()
        if name != baseline
    }


def describe_parity(found: dict[str, Parity]) -> dict[str, dict[str, object]]:
    """The same as JSON can say it."""
    return {policy: asdict(parity) for policy, parity in found.items()}


def sum_steps(part: pd.DataFrame, table: pd.DataFrame, step: str) -> tuple[Floats, Floats]:
    """Expected clicks and newsletters [seeds, steps] of one policy, as far as enough members got.

    part: the policy's rows of `table`
    """
    sent = table.groupby(step)["delivered"].sum()
    reached = sent.index[sent >= sent.max() / 10]
    seeds = sorted(table["seed"].unique())
    both = [
        part.pivot_table(index="seed", columns=step, values=name, aggfunc="sum")
        .reindex(index=seeds, columns=reached)
        .fillna(0.0)
        .to_numpy(np.float64)
        for name in ("expected", "delivered")
    ]
    return both[0], both[1]


def _find_crossing(
    ours: Floats, our_sent: Floats, theirs: Floats, their_sent: Floats, window: int
) -> Parity:
    """The crossing of pooled rates, and of those of seeds drawn with replacement."""
    seeds, horizon = len(ours), ours.shape[1] - 1
    draws = np.random.default_rng(20261).multinomial(seeds, [1 / seeds] * seeds, size=DRAWS)
    weights = np.vstack([np.ones(seeds), draws])  # the first row: all seeds, each once
    sums = [weights @ smooth(each, window) for each in (ours, our_sent, theirs, their_sent)]
    behind = sums[0] * sums[3] < sums[2] * sums[1]  # [draws + 1, x]
    last = np.where(behind.any(axis=1), horizon - behind[:, ::-1].argmax(axis=1), -1)
    issues = last + 1  # horizon + 1: not within it
    if seeds < LEAST_SEEDS:
        return Parity(_within(issues[0], horizon), None, None, False, horizon)
    low, high = np.quantile(issues[1:], [0.025, 0.975], method="inverted_cdf")
    first, earliest, latest = (_within(value, horizon) for value in (issues[0], low, high))
    return Parity(first, earliest, latest, True, horizon)


def _within(issues: int, horizon: int) -> int | None:
    return int(issues) if issues <= horizon else None


def smooth(values: Floats, window: int) -> Floats:
    """Sums of values [seeds, x] over `window` neighbours, fewer at the ends."""
    frame = pd.DataFrame(values.T)
    return frame.rolling(window, min_periods=1, center=True).sum().to_numpy(np.float64).T
