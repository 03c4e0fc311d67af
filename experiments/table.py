"""The comparison as a table in the terminal."""

import pandas as pd
from rich.console import Console
from rich.table import Table


def show(summary: pd.DataFrame, baseline: str, console: Console) -> None:
    """Print one row a policy, best first."""
    table = Table(title=f"Clicks per newsletter delivered; lift over {baseline} in the later issues, 95 % interval")
    for name in ("policy", "all issues", "later issues", "per open", "opened", "of oracle", "lift", "exploring costs"):
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    for _, row in summary.sort_values("clicks_per_delivered_late", ascending=False).iterrows():
        lift = "-" if pd.isna(row["lift"]) else f"{row['lift']:+.1%}"
        if not pd.isna(row["lift_low"]):
            lift += f" ({row['lift_low']:+.1%} to {row['lift_high']:+.1%})"
        table.add_row(
            str(row["policy"]),
            f"{row['clicks_per_delivered']:.4f}",
            f"{row['clicks_per_delivered_late']:.4f}",
            f"{row['clicks_per_open']:.3f}",
            f"{row['open_rate']:.1%}",
            "-" if pd.isna(row["oracle_share"]) else f"{row['oracle_share']:.0%}",
            lift,
            f"{row['exploration_cost']:.1%}",
        )
    console.print(table)
