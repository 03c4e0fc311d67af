"""From units to tables: the long results, and one row a policy with paired intervals."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from bandit.core.files import read_json

MEASURES = ("delivered", "opened", "clicks", "clicked_opens", "expected", "exploration_cost")


def results(units: dict[tuple[str, int], Path]) -> pd.DataFrame:
    """Long table: policy, seed, issue, metric, value."""
    rows = [
        (policy, seed, int(path.stem), metric, float(measured[metric]))
        for (policy, seed), folder in units.items()
        for path in sorted((folder / "issues").glob("*.json"))
        for measured in [_measured(path)]
        for metric in MEASURES
    ]
    return pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"])


def _measured(path: Path) -> dict[str, Any]:
    try:
        measured: dict[str, Any] = read_json(path)
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); remove its unit's folder to run it again"
        ) from None
    missing = [name for name in MEASURES if name not in measured]
    if missing:
        raise ValueError(f"{path} lacks {missing[0]!r}; remove its unit's folder to run it again")
    return measured


def paired(values: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of one value a seed, and its Student t interval; NaN bounds with fewer than two seeds."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(
        student.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    )
    return mean, mean - half, mean + half


def summary(long: pd.DataFrame, baseline: str, late_from: int) -> pd.DataFrame:
    """One row a policy. Lifts are relative, over issues `late_from` on, paired by seed."""
    wide = long.pivot_table(
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
    for policy in long["policy"].drop_duplicates():
        total = sums.loc[policy].sum()
        row: dict[str, Any] = {
            "policy": policy,
            "clicks_per_delivered": total["clicks"] / total["delivered"],
            "clicks_per_delivered_late": rate.loc[policy].mean(),
            "clicks_per_open": total["clicks"] / total["opened"],
            "clicked_per_open": total["clicked_opens"] / total["opened"],
            "open_rate": total["opened"] / total["delivered"],
            "oracle_share": (rate.loc[policy] / rate.loc["oracle"]).mean()
            if "oracle" in rate.index
            else np.nan,
            "exploration_cost": cost.loc[policy, "lost"] / whole
            if (whole := cost.loc[policy].sum())
            else np.nan,
        }
        row |= dict.fromkeys(("lift", "lift_low", "lift_high"), np.nan)
        if baseline in rate.index and policy != baseline:
            lift = (rate.loc[policy] / rate.loc[baseline] - 1).to_numpy()
            row["lift"], row["lift_low"], row["lift_high"] = paired(lift)
        rows.append(row)
    return pd.DataFrame(rows)
