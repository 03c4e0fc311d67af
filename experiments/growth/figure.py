"""The figure of `experiments.growth`: three costs of each policy, along four axes."""

import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.growth.slopes import AXES, COSTS, LEAST, WORLD
from experiments.report.page import INK, SOFT, STYLE
from experiments.report.policy_looks import Look, assign_looks

TITLES = {
    "members": "members",
    "pool": "articles in the pool",
    "slots": "slots",
    "text_dims": "columns of text",
}
UNITS = {
    "choose": ("choose an issue, CPU seconds", 1.0),
    "learn": ("learn from an issue, CPU seconds", 1.0),
    "memory": ("memory, MB", 1e-6),
}


def draw_growth(table: pd.DataFrame) -> Figure:
    """Both axes of each panel are logarithmic, so a power is a straight line.

    table: as `slopes.find_slopes` wants it; the thin dotted line in each panel is linear growth
    """
    looks = assign_looks(list(dict.fromkeys(table["policy"])), baseline="segment_learned")
    looks[WORLD] = Look(WORLD, "the issue itself, whoever chooses", "", "other", INK, INK, 2.2, ":")
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(13, 10.5), facecolor="white")
        grid = figure.subplots(len(COSTS), len(AXES), sharex="col", sharey="row")
        for row, cost in zip(grid, COSTS, strict=True):
            for axes, axis in zip(row, AXES, strict=True):
                _draw_panel(axes, table[table["axis"] == axis], cost, looks)
            title, _ = UNITS[cost]
            row[0].text(0, 1.04, title, transform=row[0].transAxes, color=SOFT)
        for axes, axis in zip(grid[-1], AXES, strict=True):
            axes.set_xlabel(TITLES[axis])
        lines, names = grid[0][0].get_legend_handles_labels()
        figure.legend(lines, names, loc="lower center", ncols=6, frameon=False, fontsize=9.5)
        figure.subplots_adjust(0.06, 0.165, 0.99, 0.965, wspace=0.1, hspace=0.14)
        return figure


def _draw_panel(axes: Axes, table: pd.DataFrame, cost: str, looks: dict[str, Look]) -> None:
    _, unit = UNITS[cost]
    axes.set(xscale="log", yscale="log")
    axes.minorticks_off()
    axes.set_xticks(sorted(set(table["value"])))
    for each in (axes.xaxis, axes.yaxis):
        each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.grid(axis="y")
    for policy, look in looks.items():
        part = table[table["policy"] == policy].sort_values("value")
        known = part[part[cost] > LEAST[cost] / 10]
        axes.plot(
            known["value"],
            known[cost] * unit,
            label=look.label,
            color=look.colour,
            linestyle=look.dash,
            linewidth=look.width,
        )
    ends = table["value"].min(), table["value"].max()
    middle = (table[cost] * unit).median()
    shift = middle / (ends[0] * ends[1]) ** 0.5
    axes.plot(ends, [end * shift for end in ends], color="#d3372f", linewidth=0.9, linestyle=":")
