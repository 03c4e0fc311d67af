"""The figures of a cold start, each with its interval over paired seeds, a row a policy.

Open this file for what each figure means.
"""

import math

import numpy as np
import pandas as pd

from bandit.core.types import Floats
from experiments.runner.people import FIRST
from experiments.tables.cold_start import find_parity, sum_steps
from experiments.tables.summary import student_interval

NINETY = 0.9  # of a level: from there on it counts as reached
LINEAR = "lin_ts"  # the cold linear bandit whose level others are asked to reach sooner


def measure_cold_start(
    views: dict[str, pd.DataFrame], people: pd.DataFrame, baseline: str
) -> pd.DataFrame:
    """One row a policy, the baseline left out; every figure is against the baseline.

    views: as `collect_cold_starts` makes them
    people: as `compare_people` makes it
    baseline: the policy to compare with, one of those in the views

    parity, earliest, latest, sure, horizon: see `Parity`, in issues since joining; NaN for None
    won, won_low, won_high: expected clicks per 1,000 newsletters won in the first four issues
        since joining
    least, least_low, least_high: the lowest share of the baseline's expected clicks at any issue
        since joining
    least_at: the issue since joining at which that is
    better, worse, worse_low, worse_high: shares of members, see `compare_people`
    loss: of those worse off, expected clicks that each loses over the run
    started: issues from the first one on until a new association's newsletter earns 90 % of what
        it earns in the last quarter of the run; shares of the oracle are compared, so that pools
        do not matter. NaN where the oracle did not run
    reached: issues until it earns 90 % of what `lin_ts` earns in the last quarter of the run,
        compared in the same way. NaN where one of the two did not run

    Intervals are Student's over seeds, at 95 %.
    """
    joiners, founders = views["joiners"], views["founders"]
    names = [name for name in joiners["policy"].unique() if name != baseline]
    parity = find_parity(joiners, baseline)
    sums = {
        name: sum_steps(joiners[joiners["policy"] == name], joiners, "since")
        for name in (baseline, *names)
    }
    starts, reached = find_starts(founders), find_starts(founders, LINEAR)
    rows = []
    for name in names:
        crossing = parity[name]
        row: dict[str, object] = {"policy": name, "started": starts.get(name, math.nan)}
        row |= {"reached": reached.get(name, math.nan)}
        row |= {"parity": crossing.issues, "earliest": crossing.earliest}
        row |= {"latest": crossing.latest, "sure": crossing.sure, "horizon": crossing.horizon}
        row |= _measure_first(*sums[name], *sums[baseline])
        row |= _measure_least(*sums[name], *sums[baseline])
        row |= _measure_people(people[(people["policy"] == name) & (people["segment"] == "")])
        rows.append(row)
    return pd.DataFrame(rows).astype({"parity": float, "earliest": float, "latest": float})


def measure_kept(ours: pd.DataFrame, theirs: pd.DataFrame, policy: str) -> dict[str, float]:
    """What a policy earns in one association as a share of what it earns in another one.

    ours, theirs: the views `founders` of both, with the same seeds

    kept, kept_low, kept_high: of expected clicks per newsletter over the run, to members who were
        there from the first issue on; the interval is over paired seeds
    """
    rates = []
    for table in (ours, theirs):
        sums = table[table["policy"] == policy].groupby("seed")[["expected", "delivered"]].sum()
        rates.append(sums["expected"] / sums["delivered"])
    kept, low, high = student_interval((rates[0] / rates[1]).to_numpy(np.float64))
    return {"kept": kept, "kept_low": low, "kept_high": high}


def measure_spent(results: pd.DataFrame) -> pd.DataFrame:
    """What is given up at once by trying things out, a row a policy, over all issues.

    results: as `collect_results` makes them

    spent, spent_low, spent_high: of the clicks expected, a share over paired seeds; below 0 what
        is tried earns more at once than what is thought best
    """
    wide = results.pivot_table(index=["policy", "seed", "issue"], columns="metric", values="value")
    sums = wide[["expected", "exploration_cost"]].mul(wide["delivered"], axis=0)
    sums = sums.groupby(["policy", "seed"]).sum()
    share = sums["exploration_cost"] / sums["expected"]
    rows = [
        (name, *student_interval(each.to_numpy(np.float64)))
        for name, each in share.groupby("policy")
    ]
    return pd.DataFrame(rows, columns=["policy", "spent", "spent_low", "spent_high"])


def _measure_first(
    ours: Floats, our_sent: Floats, theirs: Floats, their_sent: Floats
) -> dict[str, float]:
    top = slice(0, FIRST)
    rates = [
        clicks[:, top].sum(axis=1) / np.maximum(sent[:, top].sum(axis=1), 1.0)
        for clicks, sent in ((ours, our_sent), (theirs, their_sent))
    ]
    won, low, high = student_interval(1000 * (rates[0] - rates[1]))
    return {"won": won, "won_low": low, "won_high": high}


def _measure_least(
    ours: Floats, our_sent: Floats, theirs: Floats, their_sent: Floats
) -> dict[str, float]:
    pooled = [each.sum(axis=0) for each in (ours, our_sent, theirs, their_sent)]
    ratio = pooled[0] * pooled[3] / np.maximum(pooled[1] * pooled[2], 1e-12)
    at = int(ratio.argmin())
    own, base = ours[:, at] / our_sent[:, at], theirs[:, at] / their_sent[:, at]
    _, low, high = student_interval(own / base)
    return {"least": float(ratio[at]), "least_low": low, "least_high": high, "least_at": at}


def _measure_people(rows: pd.DataFrame) -> dict[str, float]:
    share = (rows["worse"] / rows["members"]).to_numpy(np.float64)
    worse, low, high = student_interval(share) if len(share) else (math.nan,) * 3
    lost = rows["lost"].sum() / rows["worse"].sum() if rows["worse"].sum() else 0.0
    better = float((rows["better"] / rows["members"]).mean())
    found = {"better": better, "worse": worse, "worse_low": low, "worse_high": high}
    return found | {"loss": float(lost)}


def find_starts(founders: pd.DataFrame, of: str = "") -> dict[str, float]:
    """By policy, the issues until 90 % of its own level, or of that of another policy.

    Empty without the oracle, and without that policy.
    """
    if not {"oracle", of or "oracle"} <= set(founders["policy"]):
        return {}
    sums = founders.groupby(["policy", "issue"])[["expected", "delivered"]].sum()
    rate = (sums["expected"] / sums["delivered"]).unstack("issue")
    share = rate.div(rate.loc["oracle"]).T.rolling(3, min_periods=1, center=True).mean().T
    late = share.iloc[:, -max(share.shape[1] // 4, 1) :].mean(axis=1)
    levels = {str(name): NINETY * float(level) for name, level in late.items()}
    found: dict[str, float] = {}
    for name, row in share.iterrows():
        behind = np.flatnonzero(row.to_numpy() < levels[of or str(name)])
        found[str(name)] = float(behind[-1] + 1 if len(behind) else 0)
    return found
