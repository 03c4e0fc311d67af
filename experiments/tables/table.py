"""The comparison as a table in the terminal, which `run`, `compare` and `demo` end with."""

import pandas as pd
from rich.console import Console
from rich.table import Table

from experiments.tables.summary import is_vague

FEW = 100  # clicks, of which what exploring cost is luck


def show(summary: pd.DataFrame, baseline: str, console: Console) -> None:
    """Print one row a policy, best first.

    summary: from `experiments.tables.summary.summarise`
    baseline: the policy that lifts are over; "" for none
    """
    console.print("\nClicks per 1,000 newsletters delivered, in all and in the later issues:\n")
    table = Table(box=None, padding=(0, 1, 0, 0))
    against = baseline in set(summary["policy"])
    for name in ("policy", "all", "later", "lift", "open", "oracle", "exploring"):
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    scarce = False
    for _, row in summary.sort_values("clicks_per_delivered_late", ascending=False).iterrows():
        few = row.get("clicks_late", FEW) < FEW
        lost = "-" if few else _write(-row["exploration_cost"], "+.1%")
        table.add_row(
            str(row["policy"]),
            _write(1000 * row["clicks_per_delivered"], ".1f"),
            _write(1000 * row["clicks_per_delivered_late"], ".1f"),
            _write_lift(row),
            _write(row["clicks_per_open"], ".3f"),
            _write(row["oracle_share"], ".0%"),
            lost,
        )
        scarce = scarce or few
    console.print(table)
    if baseline and not against:
        console.print(f"\nno lift: the baseline, {baseline}, is not among the policies")
    if against:
        console.print(
            f"\nlift: over {baseline} in the later issues, %, "
            "with the 95 % interval of paired seeds"
        )
    console.print(
        "open: clicks an open; oracle: share of its clicks; "
        "exploring: clicks that it brings (+) or costs (-) at once"
    )
    if scarce:
        console.print(f"exploring -: fewer than {FEW} clicks in the later issues; use more seeds")
    console.print()


def _write(value: float, form: str) -> str:
    return "-" if pd.isna(value) else format(value, form)


def _write_lift(row: "pd.Series[float]") -> str:
    """A lift and its interval in percent, or that there are too few seeds for an interval."""
    lift, low, high = (float(row[name]) for name in ("lift", "lift_low", "lift_high"))
    if pd.isna(lift):
        return "-"
    if pd.isna(low):
        return f"{100 * lift:+.1f}"
    if is_vague(low, high):
        return f"{100 * lift:+.1f} (use more seeds)"
    return f"{100 * lift:+.1f} ({100 * low:.1f} to {100 * high:.1f})"
