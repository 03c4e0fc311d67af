"""From measured costs to slopes, and to the tables of docs/growth.md.

Open this file for what a slope is, and which are called worse than linear.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

WORLD = "(the issue)"  # stands for a policy where what is measured is making the context
AXES = ("members", "pool", "slots", "text_dims")
COSTS = ("choose", "learn", "memory")
LEAST = {"choose": 1e-3, "learn": 1e-3, "memory": 1e6}  # seconds, bytes: what is less is noise
STEEP = 1.15  # a slope that is more is worse than linear; timing moves one by a few hundredths


def find_slopes(table: pd.DataFrame) -> pd.DataFrame:
    """By policy and axis, the power of the axis that each cost grows with at its upper end.

    That is log(cost ratio) / log(value ratio) of the two largest values measured: 1 is linear, 2
    quadratic, 0 flat. NaN where a cost is hardly any, or one value alone was measured.

    table: policy, axis, value, and `COSTS`, one row a measurement
    """
    rows = []
    for (policy, axis), part in table.groupby(["policy", "axis"], sort=False):
        last = part.sort_values("value").tail(2)
        span = np.diff(np.log(last["value"].to_numpy(np.float64)))
        row: dict[str, object] = {"policy": policy, "axis": axis}
        for cost in COSTS:
            ends = last[cost].to_numpy(np.float64)
            known = len(ends) == 2 and ends[0] > 0 and ends[1] > LEAST[cost]
            row[cost] = float((np.diff(np.log(ends)) / span)[0]) if known else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def write_tables(table: pd.DataFrame) -> str:
    """Two tables in Markdown: slopes, and what the longest list measured costs a member."""
    slopes = find_slopes(table).set_index(["policy", "axis"])
    heads = [f"{axis}: {cost}" for axis in AXES for cost in COSTS]
    lines = [f"| policy | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for policy in dict.fromkeys(table["policy"]):
        cells = [
            _tell_slope(slopes[cost].get((policy, axis), np.nan)) for axis in AXES for cost in COSTS
        ]
        lines.append(f"| `{policy}` | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_list_costs(table)]) + "\n"


def _tell_slope(slope: float) -> str:
    if np.isnan(slope):
        return "-"
    return f"**{slope:.2f}**" if slope > STEEP else f"{slope:.2f}"


def _list_costs(table: pd.DataFrame) -> Iterator[str]:
    """A member's share of an issue, by policy, at the most members that were measured."""
    members = table[table["axis"] == "members"].sort_values("value")
    yield "| policy | members | choose, us a member | learn, us a member | memory, bytes a member |"
    yield "|---|---|---|---|---|"
    for policy in dict.fromkeys(table["policy"]):
        last = members[members["policy"] == policy].tail(1)
        for row in last.to_dict("records"):
            n = row["value"]
            learn = "-" if np.isnan(row["learn"]) else f"{1e6 * row['learn'] / n:.2f}"
            each = f"{1e6 * row['choose'] / n:.2f} | {learn} | {row['memory'] / n:,.0f}"
            yield f"| `{policy}` | {n:,.0f} | {each} |"
