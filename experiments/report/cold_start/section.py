"""The report's section on cold start: how soon a new member's newsletter is good.

The table behind it is made by `experiments.tables.cold_start`.
"""

import math
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from experiments.report.cold_start.words import write_ends, write_parity
from experiments.report.curves import average_seeds, draw_curves
from experiments.report.policy_looks import Look, choose_main
from experiments.report.run import Run


@dataclass(frozen=True)
class ColdStart:
    """What the section shows.

    svg: clicks by issues since joining, a line for each of the main policies
    rows: for each of them, its look, when it is as good as the baseline, in words, and its lift
        over the baseline in the first and in the last three issues (NaN: not known)
    last: the last issue since joining that is shown
    """

    svg: Markup
    rows: list[tuple[Look, str, float, float]]
    last: int


def describe_cold_start(run: Run) -> ColdStart | None:
    """The section; None where nobody joined while the newsletter was running.

    It goes as far as enough new members got: a tenth of the most that any issue had.
    """
    new = run.coldstart[run.coldstart["delivered"] > 0]
    if new.empty:
        return None
    total = new.groupby(["policy", "since"])[["delivered", "expected"]].sum()
    reach = total["delivered"].groupby("since").min()
    last = int(reach[reach >= 0.1 * reach.max()].index.max())
    new = new[new["since"] <= last]
    rate = 1000 * new["expected"] / new["delivered"]
    lines = average_seeds(new.assign(x=new["since"], rate=rate), smooth=3)
    words = "Clicks per 1,000 newsletters delivered to new members"
    svg = draw_curves(
        "newcomers",
        f"{words}, by issues since joining",
        lines,
        choose_main(run.looks, run.winner),
        "Issues since joining (0: the first newsletter)",
        words,
    )
    return ColdStart(svg, _compare_with_baseline(run, new, last), last)


def _compare_with_baseline(
    run: Run, new: pd.DataFrame, last: int
) -> list[tuple[Look, str, float, float]]:
    parts = [new[new["since"] < 3], new[new["since"] > last - 3]]
    sums = [part.groupby("policy")[["expected", "delivered"]].sum() for part in parts]
    early, late = (part["expected"] / part["delivered"] for part in sums)

    def lift(rate: "pd.Series[float]", policy: str) -> float:
        base = float(rate.get(run.baseline, 0.0))
        return float(rate[policy]) / base - 1 if base and policy in rate else math.nan

    return [
        (look, _write_wait(run, policy), lift(early, policy), lift(late, policy))
        for policy, look in choose_main(run.looks, run.winner).items()
        if run.baseline and policy in run.parity and policy != run.baseline
    ]


def _write_wait(run: Run, policy: str) -> str:
    ends = write_ends(run.parity[policy])
    words = write_parity(run.parity[policy])
    return f"{words}; 95\u00a0% interval {ends}" if ends else words
