"""The ladder of limits: where the clicks go that knowing everything would bring.

Each rung is a policy, and each is told or may do less than the one above it. Open this file for
which policies stand on the ladder, and for what a step down costs.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.tables.summary import student_interval

HAD = "profile"  # the rung that a sender can stand on: steps above it are losses
# From the top: a policy, and what is lost in the step down to it.
STEPS = {
    "oracle": "",
    "bayes_limit": "cannot be learned from so few clicks",
    "profile_true_topics": "are lost to learning what attributes mean",
    "profile": "are lost to reading",
    "segment_learned": "come from members\u2019 own clicks",
    "segment_rules": "come from learning what segments want",
    "blast": "come from having segments at all",
}


@dataclass(frozen=True)
class Rung:
    """A policy of the ladder. All numbers count for 100 clicks of the oracle.

    policy: its name in configs/policy
    had: clicks that it gets
    step: how many fewer these are than those of the rung above; 0 at the top
    low, high: 95 % interval of `step` over paired seeds; NaN with one seed, and at the top
    lost: what the step costs, in words; of all steps in between, where policies did not run
    """

    policy: str
    had: float
    step: float
    low: float
    high: float
    lost: tuple[str, ...]

    @property
    def may_be_luck(self) -> bool:
        """Whether the step could as well be none, or nothing says how far chance moved it."""
        return not (self.low > 0 or self.high < 0)


def measure_ladder(results: pd.DataFrame, late_from: int) -> list[Rung]:
    """The rungs that ran, from the top; empty where the oracle or the profile is missing.

    results: as `summary.collect_results` makes it
    late_from: the first issue that counts
    Clicks of delivered are means over seeds of their rates in issues `late_from` on, so the steps
    from the oracle to any rung and what is had there add up to 100.
    """
    late = results[results["issue"] >= late_from]
    sums = late.pivot_table(
        index=["policy", "seed"], columns="metric", values="value", aggfunc="sum"
    )
    table = (sums["clicks"] / sums["delivered"]).unstack("seed").sort_index(axis=1)
    rate = {str(name): row.to_numpy(np.float64) for name, row in table.iterrows()}
    top = float(rate["oracle"].mean()) if {"oracle", HAD} <= set(rate) else 0.0
    if not top > 0:
        return []
    share = {name: 100 * each / top for name, each in rate.items()}
    rungs, above = [Rung("oracle", 100.0, 0.0, math.nan, math.nan, ())], "oracle"
    lost: list[str] = []
    for policy, what in list(STEPS.items())[1:]:
        lost.append(what)
        if policy not in share:
            continue
        step, low, high = student_interval(share[above] - share[policy])
        rungs.append(Rung(policy, float(share[policy].mean()), step, low, high, tuple(lost)))
        above, lost = policy, []
    return rungs


def round_together(values: list[float]) -> list[int]:
    """Whole numbers as near as can be to values that sum to 100, so that they do, too.

    Those with the largest remainders are rounded up.

    >>> round_together([38.4, 4.4, 11.8, 45.4])
    [39, 4, 12, 45]
    """
    floors = np.floor(np.array(values) + 1e-9)
    short = round(sum(values) - floors.sum())
    order = np.argsort(-(np.array(values) - floors), kind="stable")
    floors[order[:short]] += 1
    return [int(value) for value in floors]
