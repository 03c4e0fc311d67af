"""Figures of the pages of `experiments.calibrate` and `experiments.evaluate`.

Dots with intervals, one estimate against another, and lines over the days of a week.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.report.page import (
    ACCENT,
    BASELINE,
    SOFT,
    STYLE,
    draw_dot,
    fit_widths,
    render_svg,
    spread,
)

FAINT = "#c6cbd1"


@dataclass(frozen=True)
class Dot:
    """One row of `draw_dots`.

    label: its name
    value, low, high: the dot and its interval (NaN: none)
    words: what stands beside it
    """

    label: str
    value: float
    low: float = math.nan
    high: float = math.nan
    words: str = ""


def draw_dots(
    name: str,
    alt: str,
    rows: Sequence[Dot],
    x_words: str,
    lines: Mapping[float, str],
    band: tuple[float, float] | None = None,
    limits: tuple[float, float] | None = None,
) -> Markup:
    """A dot and its interval for each row.

    It is drawn twice, for a broad page and for a phone, where names stand above (`fit_widths`).

    name, alt: as for `render_svg`
    x_words: what x is
    lines: x of upright lines, and what they mean
    band: a stretch of x that is shaded
    limits: of x, beyond which a dot stands at the edge
    """
    values = [v for row in rows for v in (row.value, row.low, row.high) if math.isfinite(v)]
    values += [*lines, *(band or ())]
    pad = 0.08 * (max(values) - min(values)) or 1.0
    ends = limits or (min(values) - pad, max(values) + pad)

    def draw(key: str, slim: bool) -> Markup:
        with style.context(STYLE, after_reset=True):
            height = 1.2 + (0.5 if slim else 0.3) * len(rows)
            figure = Figure(figsize=(4.9 if slim else 10, height))
            left = 0.03 if slim else min(0.02 + 0.0085 * max(len(r.label) for r in rows), 0.34)
            width = 0.94 if slim else 0.78 - left
            axes = figure.add_axes((left, 0.62 / height, width, 1 - 1.05 / height))
            if band:
                axes.axvspan(*band, color="#eef6f4", linewidth=0, zorder=0)
            for x, words in lines.items():
                axes.axvline(x, color=BASELINE, linewidth=1.2, zorder=1)
                side = "center" if ends[0] < x < ends[1] else "left" if x <= ends[0] else "right"
                axes.text(x, -0.8, words, color=BASELINE, ha=side, fontsize=9.5)
            for j, row in enumerate(rows):
                _draw_dot_row(axes, j, row, ends, slim)
            axes.set(xlim=ends, ylim=(len(rows) - 0.4, -0.6), yticks=[])
            axes.xaxis.set_major_locator(MaxNLocator(5 if slim else 9, steps=[1, 2, 5, 10]))
            axes.grid(axis="x")
            axes.set_xlabel(x_words, loc="left", labelpad=6)
            return render_svg(figure, key, alt)

    return fit_widths(draw(name, False), draw(f"{name}-slim", True))


def _draw_dot_row(axes: Axes, j: int, row: Dot, ends: tuple[float, float], slim: bool) -> None:
    """The row of `draw_dots` at place j: name and words beside the axes, on a slim page above."""
    left, right = ends
    y, above = (j + 0.16, j - 0.26) if slim else (j, j)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    beside |= {"fontsize": 9.5, "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.0}}
    axes.text(
        *((0.0, above) if slim else (-0.01, j)), row.label, ha=("right", "left")[slim], **beside
    )
    words = (1.0, above) if slim else (1.02, j)
    axes.text(*words, row.words, color=SOFT, ha=("left", "right")[slim], **beside)
    if math.isfinite(row.low):
        low, high = (min(max(v, left), right) for v in (row.low, row.high))
        axes.plot([low, high], [y, y], color=ACCENT, linewidth=4.5, alpha=0.35)
    draw_dot(axes, min(max(row.value, left), right), y, ACCENT)


def draw_against(
    name: str,
    alt: str,
    rows: Sequence[tuple[str, float, float, float, float]],
    x_words: str,
    y_words: str,
) -> Markup:
    """Points with an upright interval against the line where x and y agree.

    Points are named in a column beside them.

    name, alt: as for `render_svg`
    rows: label (empty: none), x, y, low and high of y (NaN: no interval)
    x_words, y_words: what the axes show
    """
    values = [v for _, *numbers in rows for v in numbers if math.isfinite(v)]
    pad = 0.06 * (max(values) - min(values)) or 1.0
    low, high = min(values) - pad, max(values) + pad

    def scale(v: float) -> float:
        return (v - low) / (high - low)

    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 5.4))
        axes = figure.add_axes((0.06, 0.11, 0.52, 0.8))
        axes.plot((low, high), (low, high), color=FAINT, linewidth=1.2, zorder=1)
        heights = spread([scale(y) for _, _, y, _, _ in rows], 0.052)
        for (label, x, y, least, most), height in zip(rows, heights, strict=True):
            if math.isfinite(least):
                axes.plot([x, x], [least, most], color=ACCENT, linewidth=3, alpha=0.25)
            draw_dot(axes, x, y, ACCENT, 6.5, 1.0)
            if label:
                words = f"{label}  {x:.0f} | {y:.0f}"
                _name_point(axes, (scale(x), scale(y)), height, words)
        axes.set(xlim=(low, high), ylim=(low, high))
        axes.grid()
        axes.set_xlabel(x_words, loc="left", labelpad=6)
        axes.text(-0.1, 1.04, y_words, transform=axes.transAxes, color=SOFT)
        return render_svg(figure, name, alt)


def _name_point(axes: Axes, point: tuple[float, float], height: float, words: str) -> None:
    """Words beside the axes, with a thin line to their point; all on the axes' scale of 0 to 1."""
    axes.plot(
        [point[0], 1.03],
        [point[1], height],
        transform=axes.transAxes,
        color=FAINT,
        linewidth=0.6,
        clip_on=False,
        zorder=0,
    )
    across = axes.transAxes
    axes.text(1.04, height, words, transform=across, va="center", color=SOFT, fontsize=9.5)


def draw_lines(
    name: str,
    alt: str,
    x_names: Sequence[str],
    rows: Sequence[tuple[str, Sequence[float], bool]],
    y_words: str,
    band: float = 0.0,
) -> Markup:
    """Lines over named x.

    They are drawn twice, for a broad page and for a phone (`fit_widths`).

    name, alt: as for `render_svg`
    rows: label, y (NaN: unknown), and whether it was measured; what was published is dashed
    y_words: what y is
    band: what lies within this share of a published y is shaded
    """

    def draw(key: str, slim: bool) -> Markup:
        with style.context(STYLE, after_reset=True):
            figure = Figure(figsize=(4.9 if slim else 10, 3.4))
            axes = figure.add_axes((0.09, 0.12, 0.7, 0.76) if slim else (0.05, 0.12, 0.8, 0.76))
            _draw_lines(axes, x_names, rows, band)
            begins = -0.12 if slim else -0.04
            axes.text(begins, 1.06, y_words, transform=axes.transAxes, color=SOFT)
            return render_svg(figure, key, alt)

    return fit_widths(draw(name, False), draw(f"{name}-slim", True))


def _draw_lines(
    axes: Axes,
    x_names: Sequence[str],
    rows: Sequence[tuple[str, Sequence[float], bool]],
    band: float,
) -> None:
    """What `draw_lines` draws: each line, what is near it, and its name at its right end."""
    at = range(len(x_names))
    for _, y, measured in rows:
        if not measured and band:
            low, high = [(1 - band) * v for v in y], [(1 + band) * v for v in y]
            axes.fill_between(at, low, high, color="#e6e8ea", linewidth=0)
        axes.plot(
            at,
            y,
            color=ACCENT if measured else BASELINE,
            marker="o",
            markersize=5,
            linewidth=2,
            linestyle="-" if measured else "--",
        )
    axes.set_xticks(list(at), x_names)
    axes.grid(axis="y")
    axes.margins(y=0.2)
    bottom, top = axes.get_ylim()
    last = [[v for v in y if math.isfinite(v)][-1] for _, y, _ in rows]
    heights = spread([(v - bottom) / (top - bottom) for v in last], 0.08)
    for (label, _, measured), height in zip(rows, heights, strict=True):
        colour, across = ACCENT if measured else BASELINE, axes.transAxes
        axes.text(1.0, height, f" {label}", transform=across, va="center", color=colour)
