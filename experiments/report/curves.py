"""Figures of one line for each policy: how rates are averaged over seeds, and how lines are drawn.

The learning curve and the cold start are drawn with these.
"""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Transform

from experiments.report.page import SOFT, STYLE, render_svg, spread
from experiments.report.policy_looks import DEPTH, Look

LEFT, WIDTH = 0.035, 0.775  # where the axes begin in the figure, and how wide they are


def average_seeds(frame: pd.DataFrame, smooth: int = 1) -> pd.DataFrame:
    """Mean, lowest and highest over seeds of `rate` at each (policy, x).

    frame: columns policy, seed, x, rate
    smooth: each seed's curve is first averaged over so many neighbouring x

    Returns columns policy, x, mean, min, max, count, and low and high (NaN with one seed).
    """
    frame = frame.sort_values(["policy", "seed", "x"])
    rolled = frame.groupby(["policy", "seed"])["rate"].transform(
        lambda r: r.rolling(smooth, center=True, min_periods=1).mean()
    )
    rates = frame.assign(rate=rolled).groupby(["policy", "x"])["rate"]
    found = rates.agg(["mean", "min", "max", "count"]).reset_index()
    several = found["count"] > 1
    return found.assign(low=found["min"].where(several), high=found["max"].where(several))


def draw_curves(
    name: str,
    alt: str,
    lines: pd.DataFrame,
    look: Mapping[str, Look],
    x_words: str,
    y_words: str,
    span: tuple[float, float, str] | None = None,
) -> Markup:
    """One line for each policy, named at its right end.

    name, alt: as for `render_svg`
    lines: columns policy, x, mean, low, high (NaN where there is no band)
    look: the policies that are drawn
    x_words, y_words: what the axes show
    span: a stretch of x that is shaded, and what it is
    """
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 4.7))
        axes = figure.add_axes((LEFT, 0.125, WIDTH, 0.775))
        ends = _draw_lines(axes, lines, look)
        left, right = float(lines["x"].min()), float(lines["x"].max())
        top = axes.get_ylim()[1]
        axes.set(xlim=(left, max(right, left + 1)), ylim=(0, top))
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(14, integer=True))
        axes.set_xlabel(x_words, loc="left", labelpad=6)
        axes.text(-LEFT / WIDTH, 1.045, y_words, transform=axes.transAxes, color=SOFT)
        if span is not None:
            begin, end, words = span
            axes.axvspan(begin, end, color="#f5f6f4", linewidth=0, zorder=0)
            bottom, words = axes.get_xaxis_transform(), f"\u00a0{words}"
            axes.text(begin, 0.025, words, transform=bottom, color=SOFT, fontsize=9.5)
        name_lines(axes, {policy: end / top for policy, end in ends.items()}, look)
        return render_svg(figure, name, alt)


def _draw_lines(axes: Axes, lines: pd.DataFrame, look: Mapping[str, Look]) -> dict[str, float]:
    """Draw the lines back to front; returns where each ends.

    A band behind every line would be fog: where the baseline or profile is drawn, no other has one.
    """
    ends: dict[str, float] = {}
    shown = set(lines["policy"])
    main = [p for p in look if look[p].role in ("star", "baseline")] or list(look)
    order = sorted((p for p in look if p in shown), key=lambda p: DEPTH.index(look[p].role))
    for policy in order:
        drawn, one = look[policy], lines[lines["policy"] == policy].sort_values("x")
        x, mean, low, high = (one[name].to_numpy(float) for name in ("x", "mean", "low", "high"))
        axes.plot(x, mean, color=drawn.colour, linewidth=drawn.width, linestyle=drawn.dash)
        if policy in main:
            axes.fill_between(x, low, high, color=drawn.colour, alpha=0.13, linewidth=0)
        ends[policy] = float(mean[-1])
    return ends


def name_lines(axes: Axes, ends: Mapping[str, float], look: Mapping[str, Look]) -> None:
    """Write each policy's name beside the end of its line, where names do not touch."""
    places = spread(list(ends.values()), 0.052)
    for (policy, end), place in zip(ends.items(), places, strict=True):
        axes.plot(
            [1.004, 1.02],
            [end, place],
            transform=axes.transAxes,
            color=look[policy].colour,
            linewidth=0.8,
            clip_on=False,
        )
        write_name(axes, 1.026, place, look[policy], axes.transAxes)


def write_name(axes: Axes, x: float, y: float, look: Look, transform: Transform) -> None:
    """A policy's name in its ink; baseline and profile in bold."""
    weight = "bold" if look.role in ("star", "baseline") else "normal"
    axes.text(x, y, look.label, transform=transform, va="center", color=look.ink, fontweight=weight)
