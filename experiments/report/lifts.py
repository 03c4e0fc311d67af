"""Figures of lifts: a dot and its interval for each gain over a baseline."""

import math
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.report.curves import write_name
from experiments.report.page import (
    BASELINE,
    SOFT,
    STYLE,
    count_decimals,
    count_places,
    draw_dot,
    fit_widths,
    format_percent,
    render_svg,
)
from experiments.report.policy_looks import Look

Row = tuple[Look, float, float, float]  # lift, and the ends of its interval (NaN: none)
LEFT, WIDTH = 0.17, 0.82  # where the axes begin in the figure, and how wide they are


def draw_lifts(
    name: str,
    alt: str,
    rows: Sequence[Row],
    zero: str,
    left_edge: float = LEFT,
    words: str = "More or fewer clicks per newsletter delivered",
) -> Markup:
    """A dot and its interval for each policy, against a line at zero that is named `zero`.

    It is drawn twice, for a broad page and for a phone (`fit_widths`). The axis spans what is close
    enough to compare; a floor or the oracle may lie outside, and is then an arrow at the edge.

    left_edge: where the axes begin, as a share of the figure's width; names stand before it
    words: what the axis shows
    """
    broad = _draw(name, alt, rows, zero, left_edge, words, slim=False)
    return fit_widths(broad, _draw(f"{name}-slim", alt, rows, zero, 0.03, words, slim=True))


def _draw(
    name: str, alt: str, rows: Sequence[Row], zero: str, left_edge: float, words: str, slim: bool
) -> Markup:
    """As `draw_lifts`. Names stand before the axes, on a slim page above their rows."""
    width = 0.92 if slim else LEFT + WIDTH - left_edge
    near = [row for row in rows if row[0].role != "floor" and row[0].policy != "oracle"]
    values = [v for row in near for v in row[1:]] or [row[1] for row in rows]
    values = [0.0, *filter(math.isfinite, values)]
    pad = max(0.03, (0.3 if slim else 0.18) * (max(values) - min(values)))
    left, right = min(values) - pad, max(values) + pad
    with style.context(STYLE, after_reset=True):
        height = 1.0 + (0.5 if slim else 0.34) * len(rows)
        figure = Figure(figsize=(4.9 if slim else 10, height))
        axes = figure.add_axes((left_edge, 0.62 / height, width, 1 - 1.0 / height))
        axes.axvline(0, color=BASELINE, linewidth=1.4, zorder=1)
        side = "left" if 3 * left > -right else "right" if 3 * right < -left else "center"
        axes.text(0, -0.85, zero, color=BASELINE, ha=side, fontweight="bold", fontsize=9.5)
        for place, row in enumerate(rows):
            x, y = (0.0, place - 0.28) if slim else (-left_edge / width, place)
            write_name(axes, x, y, row[0], axes.get_yaxis_transform(), covers=slim)
            _draw_row(axes, place + 0.14 * slim, row, left, right, 2 if slim else 1)
        axes.set(xlim=(left, right), ylim=(len(rows) - 0.4, -0.6), yticks=[])
        axes.grid(axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(5 if slim else 9, steps=[1, 2, 5, 10]))
        decimals = count_decimals(right - left)
        axes.xaxis.set_major_formatter(lambda value, _: format_percent(value, decimals, sign=True))
        axes.set_xlabel(words, loc="left", labelpad=6)
        return render_svg(figure, name, alt)


def _draw_row(axes: Axes, place: float, row: Row, left: float, right: float, scale: float) -> None:
    """One policy's dot, interval and number on an axis that spans `left` to `right`.

    scale: how much larger letters are, relative to the axis
    """
    look, lift, low, high = row
    gap = 0.014 * scale * (right - left)
    words = format_percent(lift, count_places(lift), sign=True)
    if not left <= lift <= right:
        edge, marker, side = right - gap, ">", "right"
        inner = edge - gap
        if lift < left:
            edge, marker, side = left + gap, "<", "left"
            inner = edge + gap
        axes.plot(edge, place, marker=marker, color=look.colour, markersize=6)
        words = f"off the chart, {words}"
        axes.text(inner, place, words, ha=side, va="center", color=SOFT, fontsize=9.5)
        return
    if math.isfinite(low):
        ends = [max(low, left), min(high, right)]
        axes.plot(ends, [place, place], color=look.colour, linewidth=4.5, alpha=0.38)
    draw_dot(axes, lift, place, look.colour, 7.5)
    beyond = min(high, right) if math.isfinite(high) else lift + gap / 2
    x, side = beyond + gap, "left"
    if (
        beyond < 0 < x + 0.08 * scale * (right - left)
    ):  # the line at zero would strike the number through
        x, side = (max(low, left) if math.isfinite(low) else lift - gap / 2) - gap, "right"
    axes.text(x, place, words, ha=side, va="center", color=look.ink, fontsize=9.5)
