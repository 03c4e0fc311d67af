"""The report's figures of clicks: how newsletters improve by issue, and what each one gains."""

import math

from markupsafe import Markup

from experiments.report.curves import average_seeds, draw_curves
from experiments.report.lifts import draw_lifts
from experiments.report.policy_looks import choose_main
from experiments.report.run import Run


def draw_learning_curve(run: Run) -> Markup | None:
    """Clicks per 1,000 newsletters, issue by issue; None where the run counted nothing.

    Expected clicks where the run has them, else those counted.
    """
    wide = run.results.pivot_table(
        index=["policy", "seed", "issue"], columns="metric", values="value"
    ).reset_index()
    if wide.empty or not ("expected" in wide or {"clicks", "delivered"} <= set(wide)):
        return None
    rate = wide["expected"] if "expected" in wide else wide["clicks"] / wide["delivered"]
    lines = average_seeds(wide.assign(x=wide["issue"], rate=1000 * rate), smooth=3)
    begin, end = float(run.facts["late_from"]), float(lines["x"].max())
    span = (begin, end, f"issues {run.late}: what the headline counts")
    return draw_curves(
        "learning",
        "Clicks per 1,000 newsletters delivered, issue by issue, for the main policies",
        lines,
        choose_main(run.looks, run.winner),
        "Weekly issue",
        "Clicks per 1,000 newsletters delivered",
        span if begin < end else None,
    )


def draw_lift_figure(run: Run) -> Markup | None:
    """A dot and its interval for each policy that has a lift; None where there is no baseline."""
    rows = [(look, *run.find_lift(p)) for p, look in run.looks.items() if p != run.baseline]
    rows = [row for row in rows if math.isfinite(row[1])]
    if not rows or not run.baseline:
        return None
    alt = "Lift in clicks over the baseline, with 95\u00a0% intervals, for each policy"
    return draw_lifts("lift", alt, rows, run.looks[run.baseline].label)
