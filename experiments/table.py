"""The comparison as a table in the terminal."""

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def show(summary: pd.DataFrame, baseline: str, console: Console) -> None:
    """Print one row a policy, best first."""
    table = Table(caption=f"Lift over {baseline} in the later issues, 95 % interval of paired seeds.", box=SIMPLE_HEAD)
    for name in ("policy", "clicks per\n1,000 sent", "later\nissues", "per\nopen", "of\noracle", "lift", "exploring\ncosts"):
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    for _, row in summary.sort_values("clicks_per_delivered_late", ascending=False).iterrows():
        lift = "-" if pd.isna(row["lift"]) else f"{row['lift']:+.0%}"
        if not pd.isna(row["lift_low"]):
            lift = f"{row['lift']:+.1%} ({row['lift_low']:+.1%} to {row['lift_high']:+.1%})"
        table.add_row(
            str(row["policy"]),
            f"{1000 * row['clicks_per_delivered']:.1f}",
            f"{1000 * row['clicks_per_delivered_late']:.1f}",
            f"{row['clicks_per_open']:.3f}",
            "-" if pd.isna(row["oracle_share"]) else f"{row['oracle_share']:.0%}",
            lift,
            f"{row['exploration_cost']:.1%}",
        )
    console.print(table)
    opened = summary["open_rate"]
    console.print(
        f"Opened: {opened.mean():.1%} of delivered, the same for every policy." if opened.std(ddof=0) < 1e-9 else ""
    )
