"""From units to tables: the long results, and one row a policy with paired intervals."""

from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.files import read_json
from bandit.core.types import Floats
from experiments.runner.configs import Settings

WIDE = 2.0  # an interval of a lift from -100 % to +100 % says nothing of it
MEASURES = ("delivered", "opened", "clicks", "clicked_opens", "expected", "exploration_cost")


def collect_results(units: dict[tuple[str, int], Path]) -> pd.DataFrame:
    """Long table: policy, seed, issue, metric, value. Raises ValueError naming a damaged file."""
    rows = [
        (policy, seed, int(path.stem), metric, float(counts[metric]))
        for (policy, seed), folder in units.items()
        for path in sorted((folder / "issues").glob("*.json"))
        for counts in [_read_counts(path)]
        for metric in MEASURES
    ]
    return pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"])


def _read_counts(path: Path) -> Settings:
    try:
        counts: Settings = read_json(path)
    except ValueError as error:
        raise ValueError(f"{error}; remove its unit's folder to run it again") from None
    missing = [name for name in MEASURES if name not in counts]
    if missing:
        raise ValueError(f"{path} lacks {missing[0]!r}; remove its unit's folder to run it again")
    return counts


def student_interval(values: Floats, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of one value a seed, and its Student t interval; with one seed its bounds are NaN."""
    from scipy.special import stdtrit  # scipy.stats would take half a second to import

    mean, n = float(values.mean()), len(values)
    if n < 2:
        return mean, float("nan"), float("nan")
    half = float(stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def is_vague(low: float, high: float) -> bool:
    """Whether the interval of a lift is so wide that more seeds are needed to say anything."""
    return high - low > WIDE


def _divide(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def summarise(results: pd.DataFrame, baseline: str, late_from: int) -> pd.DataFrame:
    """One row a policy, from `collect_results`.

    Rates are over all issues; what is named late, the lifts over the baseline, the share of the
    oracle and the cost of exploring are over issues `late_from` on. Lifts are relative, and paired
    by seed.
    """
    wide = results.pivot_table(
        index=["policy", "seed", "issue"], columns="metric", values="value"
    ).reset_index()
    late = wide[wide["issue"] >= late_from]
    sums, late_sums = (
        part.groupby(["policy", "seed"])[list(MEASURES)].sum() for part in (wide, late)
    )
    rate = (late_sums["clicks"] / late_sums["delivered"]).unstack("seed")
    cost = late.assign(
        lost=late["exploration_cost"] * late["delivered"], kept=late["expected"] * late["delivered"]
    )
    cost = cost.groupby("policy")[["lost", "kept"]].sum()
    rows = []
    for policy in results["policy"].drop_duplicates():
        total, late_rate = sums.loc[policy].sum(), rate.loc[policy]
        whole = cost.loc[policy].sum()
        row = {
            "policy": policy,
            "clicks_per_delivered": _divide(total["clicks"], total["delivered"]),
            "clicks_per_delivered_late": late_rate.mean(),
            "clicks_late": late_sums.loc[policy, "clicks"].sum(),
            "clicks_per_open": _divide(total["clicks"], total["opened"]),
            "clicked_per_open": _divide(total["clicked_opens"], total["opened"]),
            "open_rate": _divide(total["opened"], total["delivered"]),
            "oracle_share": np.nan,
            "exploration_cost": cost.loc[policy, "lost"] / whole if whole else np.nan,
            "lift": np.nan,
            "lift_low": np.nan,
            "lift_high": np.nan,
        }
        if "oracle" in rate.index:
            row["oracle_share"] = (late_rate / rate.loc["oracle"]).mean()
        if baseline in rate.index and policy != baseline:
            lift = (late_rate / rate.loc[baseline] - 1).to_numpy()
            row["lift"], row["lift_low"], row["lift_high"] = student_interval(lift)
        rows.append(row)
    return pd.DataFrame(rows)
