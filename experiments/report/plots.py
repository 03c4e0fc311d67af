"""The figures of the calibration page: dots with intervals, one estimate against another, lines over the days of a week."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib import style
from matplotlib.figure import Figure

from experiments.report.page import ACCENT, BASELINE, SOFT, STYLE, spread, svg


@dataclass(frozen=True)
class Dot:
    """One row: its name, value, interval (NaN: none), the words beside it, and whether it is what the figure is about."""

    label: str
    value: float
    low: float = math.nan
    high: float = math.nan
    words: str = ""
    main: bool = True


def dots(
    name: str,
    alt: str,
    rows: Sequence[Dot],
    x_words: str,
    lines: Mapping[float, str],
    band: tuple[float, float] | None = None,
    limits: tuple[float, float] | None = None,
) -> Markup:
    """A dot and its interval for each row. lines: x of upright lines and what they mean; band: a stretch of x that is
    shaded; limits: of x, beyond which a dot stands at the edge."""
    values = [v for row in rows for v in (row.value, row.low, row.high) if math.isfinite(v)]
    values += [*lines, *(band or ())]
    pad = 0.08 * (max(values) - min(values)) or 1.0
    left, right = limits or (min(values) - pad, max(values) + pad)
    with style.context(STYLE, after_reset=True):
        height = 1.2 + 0.3 * len(rows)
        figure = Figure(figsize=(10, height))
        axes = figure.add_axes((0.34, 0.62 / height, 0.44, 1 - 1.05 / height))
        if band:
            axes.axvspan(*band, color="#eef6f4", linewidth=0, zorder=0)
        for x, words in lines.items():
            axes.axvline(x, color=BASELINE, linewidth=1.2, zorder=1)
            axes.text(x, -0.8, words, color=BASELINE, ha="center", fontsize=9.5)
        for j, row in enumerate(rows):
            colour = ACCENT if row.main else "#949ba4"
            axes.text(
                -0.01,
                j,
                row.label,
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="center",
                fontsize=9.5,
            )
            if math.isfinite(row.low):
                ends = [min(max(row.low, left), right), min(max(row.high, left), right)]
                axes.plot(ends, [j, j], color=colour, linewidth=4.5, alpha=0.35)
            at = min(max(row.value, left), right)
            axes.plot(
                at,
                j,
                marker="o",
                color=colour,
                markersize=7,
                markeredgecolor="white",
                markeredgewidth=1.2,
            )
            axes.text(
                1.02,
                j,
                row.words,
                transform=axes.get_yaxis_transform(),
                va="center",
                color=SOFT,
                fontsize=9.5,
            )
        axes.set(xlim=(left, right), ylim=(len(rows) - 0.4, -0.6), yticks=[])
        axes.grid(axis="x")
        axes.set_xlabel(x_words, loc="left", labelpad=6)
        return svg(figure, name, alt)


def against(
    name: str,
    alt: str,
    rows: Sequence[tuple[str, float, float, float, float]],
    x_words: str,
    y_words: str,
) -> Markup:
    """Points with an upright interval against the line where both agree, named in a column beside them. rows: label, x, y,
    low and high of y (or NaN)."""
    values = [v for _, *numbers in rows for v in numbers if math.isfinite(v)]
    pad = 0.06 * (max(values) - min(values)) or 1.0
    low, high = min(values) - pad, max(values) + pad
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 5.4))
        axes = figure.add_axes((0.06, 0.11, 0.52, 0.8))
        axes.plot((low, high), (low, high), color="#c6cbd1", linewidth=1.2, zorder=1)
        heights = [(y - low) / (high - low) for _, _, y, _, _ in rows]
        for (label, x, y, least, most), height in zip(rows, spread(heights, 0.052), strict=True):
            if math.isfinite(least):
                axes.plot([x, x], [least, most], color=ACCENT, linewidth=3, alpha=0.25)
            axes.plot(
                x,
                y,
                marker="o",
                color=ACCENT,
                markersize=6.5,
                markeredgecolor="white",
                markeredgewidth=1.0,
            )
            if label:
                ends = [(x - low) / (high - low), 1.03], [(y - low) / (high - low), height]
                axes.plot(
                    *ends,
                    transform=axes.transAxes,
                    color="#c6cbd1",
                    linewidth=0.6,
                    clip_on=False,
                    zorder=0,
                )
                words = f"{label}  {x:.0f} | {y:.0f}"
                axes.text(
                    1.04,
                    height,
                    words,
                    transform=axes.transAxes,
                    va="center",
                    color=SOFT,
                    fontsize=9.5,
                )
        axes.set(xlim=(low, high), ylim=(low, high))
        axes.grid()
        axes.set_xlabel(x_words, loc="left", labelpad=6)
        axes.text(-0.1, 1.04, y_words, transform=axes.transAxes, color=SOFT)
        return svg(figure, name, alt)


def lines(
    name: str,
    alt: str,
    x_names: Sequence[str],
    rows: Sequence[tuple[str, Sequence[float], bool]],
    y_words: str,
    band: float = 0.0,
) -> Markup:
    """Lines over named x. rows: label, y (NaN: unknown), and whether it was measured (else published: a dash with a band of
    `band` on either side, relative)."""
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 3.4))
        axes = figure.add_axes((0.05, 0.12, 0.8, 0.76))
        at = range(len(x_names))
        for _, y, measured in rows:
            colour = ACCENT if measured else BASELINE
            if not measured and band:
                axes.fill_between(
                    at,
                    [(1 - band) * v for v in y],
                    [(1 + band) * v for v in y],
                    color="#e6e8ea",
                    linewidth=0,
                )
            axes.plot(
                at,
                y,
                color=colour,
                marker="o",
                markersize=5,
                linewidth=2,
                linestyle="-" if measured else "--",
            )
        axes.set_xticks(list(at), x_names)
        axes.grid(axis="y")
        axes.margins(y=0.2)
        bottom, top = axes.get_ylim()
        heights = [
            ([v for v in y if math.isfinite(v)][-1] - bottom) / (top - bottom) for _, y, _ in rows
        ]
        for (label, _, measured), height in zip(rows, spread(heights, 0.08), strict=True):
            axes.text(
                1.0,
                height,
                label,
                transform=axes.transAxes,
                va="center",
                color=ACCENT if measured else BASELINE,
            )
        axes.text(-0.04, 1.06, y_words, transform=axes.transAxes, color=SOFT)
        return svg(figure, name, alt)
