"""The figures of the report, as inline SVG. `looks` decides once how each policy is named and drawn, so that a colour means
one policy everywhere."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Transform

from experiments.report.page import ACCENT, BASELINE, SOFT, STYLE, digits, percent, spread, svg

CEILINGS = ("bayes_limit", "oracle")  # exist only in simulation
FLOORS = ("random", "recency", "popular", "blast")
DEPTH = (
    "ceiling",
    "floor",
    "segment",
    "other",
    "baseline",
    "star",
)  # roles, drawn from back to front

NAMES = {
    "random": ("Random", "any eligible article, by chance"),
    "recency": ("Newest first", "the latest articles for all"),
    "popular": ("Most popular", "what most people click, for all"),
    "blast": ("One for all", "the best single newsletter"),
    "segment_rules": ("Editor\u2019s segments", "the editor\u2019s map, segment to topics"),
    "segment_learned": ("Learned segments", "click rates learned per segment"),
    "lin_ucb": ("LinUCB", "linear model, optimistic"),
    "lin_ts": ("LinTS", "linear model, Thompson sampling"),
    "vw": ("Vowpal Wabbit", "contextual bandit, as widely used"),
    "vw_ccb": ("Vowpal Wabbit, slates", "its whole-slate form, ccb"),
    "profile": ("Profile", "an interest profile per member"),
    "wave": ("Profile in waves", "a first wave learns for the rest"),
    "neural": ("Neural", "reads each member\u2019s history"),
    "offpolicy": ("Off-policy", "learned from the log alone"),
    "bayes_limit": ("Limit of learning", "Profile told the simulator\u2019s settings"),
    "oracle": ("Limit of knowing", "knows what each member likes"),
}
ESTIMATORS = {
    "ips": "Reweighted (IPS)",
    "snips": "Reweighted, normalised (SNIPS)",
    "cascade": "Slot by slot (cascade)",
    "cascade_sn": "Slot by slot, normalised",
}
COLOURS = {
    "lin_ts": "#8b6cb0",
    "lin_ucb": "#b0688f",
    "vw": "#b9822f",
    "vw_ccb": "#a15c4b",
    "wave": "#3f9a8c",
    "neural": "#4f7fb5",
    "offpolicy": "#73893f",
}
SPARE = ("#a15c4b", "#5c8a94", "#9a7a52", "#6d76b4", "#87986a", "#a8708a")


@dataclass(frozen=True)
class Look:
    """How one policy is named and drawn. `colour` for marks, `ink` (dark enough to read) for its name."""

    policy: str
    label: str
    about: str
    role: str  # one of DEPTH
    colour: str
    ink: str
    width: float = 1.8
    dash: str | tuple[float, tuple[float, ...]] = "-"


def looks(policies: Collection[str], baseline: str) -> dict[str, Look]:
    """One look a policy, in the order given. Unknown names stay as they are and share out the spare colours by alphabet."""
    spare = sorted(p for p in policies if p not in NAMES)
    return {
        p: _look(p, baseline, SPARE[spare.index(p) % len(SPARE)] if p in spare else "")
        for p in policies
    }


def _look(policy: str, baseline: str, spare: str) -> Look:
    label, about = NAMES.get(policy, (policy, ""))
    if policy == baseline:
        return Look(policy, label, about, "baseline", BASELINE, BASELINE, 2.4)
    if policy in CEILINGS:
        return Look(policy, label, about, "ceiling", "#9aa2ac", SOFT, 1.5, (0, (5, 3)))
    if policy in FLOORS:
        return Look(policy, label, about, "floor", "#c6cbd1", SOFT, 1.5)
    if policy.startswith("segment_"):
        return Look(policy, label, about, "segment", "#949ba4", SOFT)
    if policy == "profile":
        return Look(policy, label, about, "star", ACCENT, ACCENT, 2.8)
    colour = COLOURS.get(policy, spare)
    return Look(policy, label, about, "other", colour, colour)


def handful(looks: Mapping[str, Look], winner: str | None) -> dict[str, Look]:
    """The policies worth a line of their own: baseline, winner, profile, the ceilings, the best other learner and floor.

    looks: best policy first.
    """
    best = [
        next((p for p, look in looks.items() if look.role == role and p != winner), None)
        for role in ("other", "floor")
    ]
    return {
        p: look
        for p, look in looks.items()
        if look.role in ("baseline", "star", "ceiling") or p in (winner, *best)
    }


def over_seeds(frame: pd.DataFrame, smooth: int = 1) -> pd.DataFrame:
    """Mean, lowest and highest over seeds of `rate` at each (policy, x); no lowest and highest (NaN) with one seed.

    smooth: each seed's curve is first averaged over so many neighbouring x.
    """
    frame = frame.sort_values(["policy", "seed", "x"])
    rolled = frame.groupby(["policy", "seed"])["rate"].transform(
        lambda r: r.rolling(smooth, center=True, min_periods=1).mean()
    )
    found = (
        frame.assign(rate=rolled)
        .groupby(["policy", "x"])["rate"]
        .agg(["mean", "min", "max", "count"])
        .reset_index()
    )
    several = found["count"] > 1
    return found.assign(low=found["min"].where(several), high=found["max"].where(several))


def curves(
    name: str,
    alt: str,
    lines: pd.DataFrame,
    look: Mapping[str, Look],
    x_words: str,
    y_words: str,
    span: tuple[float, float, str] | None = None,
) -> Markup:
    """One line a policy, named at its right end.

    lines: columns policy, x, mean, low, high (NaN where there is no band). span: a stretch of x to shade and what it is.
    """
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 4.7))
        axes = figure.add_axes((0.035, 0.125, 0.775, 0.775))
        ends: dict[str, float] = {}
        shown = set(lines["policy"])
        main = [p for p in look if look[p].role in ("star", "baseline")] or list(
            look
        )  # a band behind every line would be fog
        for policy in sorted(
            (p for p in look if p in shown), key=lambda p: DEPTH.index(look[p].role)
        ):
            one, colour = lines[lines["policy"] == policy].sort_values("x"), look[policy].colour
            x, mean, low, high = (
                one[column].to_numpy(float) for column in ("x", "mean", "low", "high")
            )
            axes.plot(
                x, mean, color=colour, linewidth=look[policy].width, linestyle=look[policy].dash
            )
            if policy in main:
                axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
            ends[policy] = float(mean[-1])
        left, right = float(lines["x"].min()), float(lines["x"].max())
        top = axes.get_ylim()[1]
        axes.set(xlim=(left, max(right, left + 1)), ylim=(0, top))
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(14, integer=True))
        axes.set_xlabel(x_words, loc="left", labelpad=6)
        axes.text(-0.035 / 0.775, 1.045, y_words, transform=axes.transAxes, color=SOFT)
        if span is not None:
            axes.axvspan(span[0], span[1], color="#f5f6f4", linewidth=0, zorder=0)
            axes.text(
                span[0],
                0.025,
                f"\u00a0{span[2]}",
                transform=axes.get_xaxis_transform(),
                color=SOFT,
                fontsize=9.5,
            )
        heights = [end / top for end in ends.values()]
        for policy, end, place in zip(ends, heights, spread(heights, 0.052), strict=True):
            colour = look[policy].colour
            axes.plot(
                [1.004, 1.02],
                [end, place],
                transform=axes.transAxes,
                color=colour,
                linewidth=0.8,
                clip_on=False,
            )
            _label(axes, 1.026, place, look[policy], axes.transAxes)
        return svg(figure, name, alt)


def lifts(
    name: str, alt: str, rows: Sequence[tuple[Look, float, float, float]], zero: str
) -> Markup:
    """A dot and its interval for each policy against a line at zero. rows: look, lift, low, high; NaN bounds: no interval.

    The axis spans what is close enough to compare; a floor or the oracle may lie outside and is an arrow at the edge.
    """
    near = [
        v
        for look, *values in rows
        if look.role != "floor" and look.policy != "oracle"
        for v in values
    ]
    near = [v for v in near or [row[1] for row in rows] if math.isfinite(v)]
    pad = max(0.03, 0.18 * (max(0.0, *near) - min(0.0, *near)))
    left, right = min(0.0, *near) - pad, max(0.0, *near) + pad
    with style.context(STYLE, after_reset=True):
        height = 1.0 + 0.34 * len(rows)
        figure = Figure(figsize=(10, height))
        axes = figure.add_axes((0.17, 0.62 / height, 0.82, 1 - 1.0 / height))
        axes.axvline(0, color=BASELINE, linewidth=1.4, zorder=1)
        axes.text(0, -0.85, zero, color=BASELINE, ha="center", fontweight="bold", fontsize=9.5)
        gap = 0.014 * (right - left)
        for row, (look, lift, low, high) in enumerate(rows):
            _label(axes, -0.17 / 0.82, row, look, axes.get_yaxis_transform())
            words = percent(lift, digits(lift) or int(abs(lift) < 0.1), sign=True)
            if not left <= lift <= right:
                edge, marker, side = (
                    (right - gap, ">", "right") if lift > right else (left + gap, "<", "left")
                )
                axes.plot(edge, row, marker=marker, color=look.colour, markersize=6)
                inner = edge - gap if lift > right else edge + gap
                axes.text(
                    inner,
                    row,
                    f"off the chart, {words}",
                    ha=side,
                    va="center",
                    color=SOFT,
                    fontsize=9.5,
                )
                continue
            if math.isfinite(low):
                axes.plot(
                    [max(low, left), min(high, right)],
                    [row, row],
                    color=look.colour,
                    linewidth=4.5,
                    alpha=0.38,
                )
            axes.plot(
                lift,
                row,
                marker="o",
                color=look.colour,
                markersize=7.5,
                markeredgecolor="white",
                markeredgewidth=1.2,
            )
            beyond = min(high, right) if math.isfinite(high) else lift + gap / 2
            place, side = beyond + gap, "left"
            if (
                beyond < 0 < place + 0.08 * (right - left)
            ):  # the line at zero would strike it through
                place, side = (
                    (max(low, left) if math.isfinite(low) else lift - gap / 2) - gap,
                    "right",
                )
            axes.text(place, row, words, ha=side, va="center", color=look.ink, fontsize=9.5)
        axes.set(xlim=(left, right), ylim=(len(rows) - 0.4, -0.6), yticks=[])
        axes.grid(axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(
            lambda value, _: percent(value, digits(right - left), sign=True)
        )
        axes.set_xlabel("More or fewer clicks per newsletter delivered", loc="left", labelpad=6)
        return svg(figure, name, alt)


def glyph(value: float, low: float, high: float, reach: float, colour: str) -> Markup:
    """A small interval for a table cell against a line at zero; the cell spans -reach to +reach. Arrows: it goes on."""

    def at(v: float) -> float:
        return round(100 + 94 * max(-1.0, min(1.0, v / reach)), 1)

    marks = [f'<path d="M100 0v16" stroke="{BASELINE}" stroke-width="1.2"/>']
    if math.isfinite(low) and math.isfinite(high):
        marks.append(
            f'<path d="M{at(low)} 8H{at(high)}" stroke="{colour}" stroke-width="4" stroke-opacity=".4"/>'
        )
    if low < -reach:
        marks.append(f'<path d="M0 8l6 -4v8z" fill="{colour}"/>')
    if high > reach:
        marks.append(f'<path d="M200 8l-6 -4v8z" fill="{colour}"/>')
    if abs(value) <= reach:
        marks.append(f'<circle cx="{at(value)}" cy="8" r="3.6" fill="{colour}" stroke="#fff"/>')
    drawn = Markup("".join(marks))  # noqa: S704  (numbers)
    return Markup('<svg class="glyph" viewBox="0 0 200 16" aria-hidden="true">%s</svg>') % drawn


def _label(axes: Axes, x: float, y: float, look: Look, transform: Transform) -> None:
    weight = "bold" if look.role in ("star", "baseline") else "normal"
    axes.text(x, y, look.label, transform=transform, va="center", color=look.ink, fontweight=weight)
