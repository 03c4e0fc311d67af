"""Figures of a run's tables as matplotlib axes, for a notebook or a paper.

    tables = read_tables("runs/demo")
    draw_clicks(tables["results"])
    draw_lifts(tables["summary"])

Pages have figures of their own (`experiments.report`).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bandit.core.types import Floats


def draw_clicks(results: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """Clicks per 1,000 newsletters delivered by issue, a line for each policy, mean of the seeds.

    results: a run's table of that name, or a sweep's
    axes: to draw on; None: new ones
    """
    axes = axes or _begin(6.4, 3.6)
    keys = ["policy", "seed", "issue"]
    wide = results.pivot_table(index=keys, columns="metric", values="value")
    rate = (1000 * wide["clicks"] / wide["delivered"]).groupby(["policy", "issue"]).mean()
    for policy in results["policy"].drop_duplicates():
        line = rate.loc[policy]
        axes.plot(line.index, line.to_numpy(), label=str(policy))
    axes.set(xlabel="issue", ylabel="clicks per 1,000 delivered")
    axes.legend()
    return axes


def draw_lifts(summary: pd.DataFrame, axes: Axes | None = None) -> Axes:
    """Each policy's lift over the baseline in percent, with its 95 % interval, the best on top.

    summary: a run's table of that name; policies without a lift are left out
    axes: to draw on; None: new ones

    Raises ValueError where no policy has a lift: the baseline was not among them.
    """
    rows = summary[summary["lift"].notna()].sort_values("lift")
    if rows.empty:
        raise ValueError("no policy has a lift; run the baseline beside them")
    spans = [100 * rows[name].to_numpy(np.float64) for name in ("lift", "lift_low", "lift_high")]
    return draw_dots(rows["policy"].astype(str).tolist(), spans, "lift over the baseline, %", axes)


def draw_dots(
    names: Sequence[str], spans: Sequence[Floats], words: str, axes: Axes | None = None
) -> Axes:
    """A dot and its interval for each name, the last on top.

    spans: values, and the lower and upper ends of their intervals (NaN: none)
    words: what the values are
    """
    values, lows, highs = spans
    axes = axes or _begin(6.4, 0.9 + 0.3 * len(names))
    places = np.arange(len(names))
    axes.hlines(places, lows, highs, alpha=0.5, linewidth=4)
    axes.plot(values, places, "o")
    axes.axvline(0, color="0.6", linewidth=1)
    axes.set(xlabel=words, ylim=(-0.6, len(names) - 0.4))
    axes.set_yticks(places, names)
    return axes


def _begin(width: float, height: float) -> Axes:
    """Axes of a figure of their own, which no window shows; a notebook does."""
    return Figure(figsize=(width, height), layout="constrained").subplots()
