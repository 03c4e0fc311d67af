"""Off-policy: what the log of one policy says another would have earned, beside what it does earn."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bandit.core.files import read_json
from bandit.ope.evaluate import evaluate
from experiments.runner.runs import frame

COLUMNS = [
    "logger",
    "target",
    "seed",
    "estimator",
    "slots",
    "value",
    "low",
    "high",
    "ess",
    "reason",
    "earned",
    "own",
]


def off_policy(units: dict[tuple[str, int], Path], logger: str) -> pd.DataFrame:
    """One row for each (target, seed, estimator). earned: expected clicks on those slots per delivered of the target's
    slates for the logger's sends; own: the same in the target's own run, where members have seen other articles."""
    rows: list[list[Any]] = []
    for (policy, seed), folder in units.items():
        paths = sorted((folder / "replay").glob("*.parquet"))
        if not paths:
            continue
        told = [read_json(path.with_suffix(".json")) for path in paths]
        k = told[0]["slots"]
        table = pd.concat([frame(path) for path in paths])
        column = {name: table[name].to_numpy().reshape(-1, k) for name in table.columns}
        earned = np.array([issue["earned"] for issue in told]).sum(axis=0) / sum(
            issue["delivered"] for issue in told
        )
        own = np.mean(
            [read_json(folder / "issues" / f"{p.stem}.json")["expected_by_slot"] for p in paths],
            axis=0,
        )
        estimates = evaluate(
            column["logged"],
            column["target"],
            column["clicked"].astype(np.float64),
            column["supported"],
            column["member"][:, 0],
        )
        for each in estimates:
            given, s = each.interval, each.slots
            value = (given.estimate, given.low, given.high) if given else (np.nan,) * 3
            rows.append(
                [
                    logger,
                    policy,
                    seed,
                    each.estimator,
                    s,
                    *value,
                    each.ess,
                    each.reason,
                    earned[:s].sum(),
                    own[:s].sum(),
                ]
            )
    return pd.DataFrame(rows, columns=COLUMNS)
