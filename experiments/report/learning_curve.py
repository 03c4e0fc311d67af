"""The report's learning curve: how the newsletters improve, issue by issue."""

from markupsafe import Markup

from experiments.report.curves import average_seeds, draw_curves
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
