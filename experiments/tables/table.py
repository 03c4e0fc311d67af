"""The comparison as a table in the terminal, which `run`, `compare` and `demo` end with."""

import pandas as pd
from rich.console import Console
from rich.table import Table


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
    for _, row in summary.sort_values("clicks_per_delivered_late", ascending=False).iterrows():
        lift = "-" if pd.isna(row["lift"]) else f"{100 * row['lift']:+.1f}"
        if not pd.isna(row["lift_low"]):
            lift += f" ({100 * row['lift_low']:.1f} to {100 * row['lift_high']:.1f})"
        table.add_row(
            str(row["policy"]),
            f"{1000 * row['clicks_per_delivered']:.1f}",
            f"{1000 * row['clicks_per_delivered_late']:.1f}",
            lift,
            f"{row['clicks_per_open']:.3f}",
            "-" if pd.isna(row["oracle_share"]) else f"{row['oracle_share']:.0%}",
            f"{-row['exploration_cost']:+.1%}",
        )
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
        "exploring: clicks that it brings (+) or costs (-) at once\n"
    )
