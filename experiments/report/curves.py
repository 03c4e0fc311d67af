"""Figures of one line for each policy: how rates are averaged over seeds, and how lines are drawn.

The learning curve and the cold start are drawn with these.
"""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Transform

from experiments.report.page import SOFT, STYLE, fit_widths, render_svg, spread
from experiments.report.policy_looks import DEPTH, Look

LEFT, WIDTH = 0.05, 0.745  # where the axes begin in the figure, and how wide they are
SLIM, KEY = 2.6, 0.24  # inches: how high a slim frame is, and a name above it


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
    """One line for each policy, named at its right end; ceilings above the others at the edge.

    It is drawn twice, for a broad page and for a phone, where names stand above (`fit_widths`). The
    frame fits what is drawn.

    name, alt: as for `render_svg`
    lines: columns policy, x, mean, low, high (NaN where there is no band)
    look: the policies that are drawn
    x_words, y_words: what the axes show
    span: a stretch of x that is shaded, and what it is
    """
    last = lines.sort_values("x").groupby("policy")["mean"].last()
    inside = {p: one for p, one in look.items() if one.role != "ceiling"} or dict(look)
    shown = lines[lines["policy"].isin(inside)]
    bottom, top = _fit(shown)
    shown_too = {p: one for p, one in look.items() if p not in inside and last[p] <= top}
    shown = lines[lines["policy"].isin({**inside, **shown_too})]
    labels = {
        policy: one
        if policy in {**inside, **shown_too}
        else replace(one, label=f"{one.label}: {last[policy]:,.0f} \u2191")
        for policy, one in look.items()
        if policy in last
    }

    def draw(key: str, slim: bool) -> Markup:
        with style.context(STYLE, after_reset=True):
            figure, axes = open_frame(slim, len(labels))
            _draw_lines(axes, shown, labels)
            left, right = float(lines["x"].min()), float(lines["x"].max())
            axes.set(xlim=(left, max(right, left + 1)), ylim=(bottom, top))
            axes.xaxis.set_major_locator(MaxNLocator(7 if slim else 14, integer=True))
            if span is not None:
                begin, end, words = span
                axes.axvspan(begin, end, color="#f5f6f4", linewidth=0, zorder=0)
                place, words = axes.get_xaxis_transform(), f"\u00a0{words}"
                axes.text(begin, 0.025, words, transform=place, color=SOFT, fontsize=9.5)
            ends = {p: (last[p] - bottom) / (top - bottom) for p in labels}
            name_axes(axes, x_words, y_words, slim)
            name_lines(axes, ends, labels, slim)
            return render_svg(figure, key, alt)

    return fit_widths(draw(name, False), draw(f"{name}-slim", True))


def _fit(lines: pd.DataFrame) -> tuple[float, float]:
    """The ends of a frame in which all lines and their bands have room."""
    low = float(lines[["mean", "low"]].min().min())
    high = float(lines[["mean", "high"]].max().max())
    room = 0.1 * ((high - low) or high or 1.0)
    return max(low - room, 0.0), high + room


def _draw_lines(axes: Axes, lines: pd.DataFrame, look: Mapping[str, Look]) -> None:
    """Draw the lines back to front.

    A band behind every line would be fog: where the baseline or profile is drawn, no other has one.
    """
    shown = set(lines["policy"])
    main = [p for p in look if look[p].role in ("star", "baseline")] or list(look)
    order = sorted((p for p in look if p in shown), key=lambda p: DEPTH.index(look[p].role))
    for policy in order:
        drawn, one = look[policy], lines[lines["policy"] == policy].sort_values("x")
        x, mean, low, high = (one[name].to_numpy(float) for name in ("x", "mean", "low", "high"))
        axes.plot(x, mean, color=drawn.colour, linewidth=drawn.width, linestyle=drawn.dash)
        if policy in main:
            axes.fill_between(x, low, high, color=drawn.colour, alpha=0.13, linewidth=0)


def open_frame(slim: bool, names: int) -> tuple[Figure, Axes]:
    """A figure and its axes for lines, with room for so many names: beside it, or, slim, above."""
    height = 3.6 + KEY * names if slim else 4.7
    figure = Figure(figsize=(4.9 if slim else 10, height))
    slim_place = (0.085, 0.6 / height, 0.885, SLIM / height)
    axes = figure.add_axes(slim_place if slim else (LEFT, 0.125, WIDTH, 0.775))
    axes.grid(axis="y")
    return figure, axes


def name_axes(axes: Axes, x_words: str, y_words: str, slim: bool) -> None:
    """Write what the axes of `open_frame` show."""
    axes.set_xlabel(x_words, loc="left", labelpad=6)
    begins, size = (-0.096, 9.5) if slim else (-LEFT / WIDTH, None)
    axes.text(begins, 1.045, y_words, transform=axes.transAxes, color=SOFT, fontsize=size)


def name_lines(
    axes: Axes, ends: Mapping[str, float], look: Mapping[str, Look], slim: bool = False
) -> None:
    """Write each policy's name beside the end of its line, where names do not touch.

    ends: how high each line ends, on a scale of 0 to 1; above 1 it is outside the frame
    slim: the names stand above the frame, the highest first, each after a piece of its line
    """
    if slim:
        for number, policy in enumerate(sorted(ends, key=ends.__getitem__)):
            drawn, y = look[policy], 1.045 + (0.36 + KEY * number) / SLIM
            axes.plot(
                [-0.096, -0.03],
                [y, y],
                transform=axes.transAxes,
                color=drawn.colour,
                linewidth=drawn.width,
                linestyle=drawn.dash,
                clip_on=False,
            )
            write_name(axes, -0.005, y, drawn, axes.transAxes)
        return
    places = spread(list(ends.values()), 0.052)
    for (policy, end), place in zip(ends.items(), places, strict=True):
        axes.plot(
            [1.004, 1.02],
            [min(end, 1.0), place],
            transform=axes.transAxes,
            color=look[policy].colour,
            linewidth=0.8,
            clip_on=False,
        )
        write_name(axes, 1.026, place, look[policy], axes.transAxes)


def write_name(
    axes: Axes, x: float, y: float, look: Look, transform: Transform, covers: bool = False
) -> None:
    """A policy's name in its ink; baseline and profile in bold.

    covers: whether it hides the lines behind it
    """
    weight = "bold" if look.role in ("star", "baseline") else "normal"
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if covers else None
    words = axes.text(x, y, look.label, transform=transform, va="center", color=look.ink)
    words.set(fontweight=weight, bbox=ground)
