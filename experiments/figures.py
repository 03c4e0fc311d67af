"""The figures of the report: every function returns inline SVG, the same bytes for the same numbers.

Text stays text (the page's own typeface, selectable, sharp in print), ids are unique on the page, and nothing in the markup
points outside it. `looks` decides once how each policy is named and drawn, so that a colour means one policy everywhere.
"""

import io
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape
from matplotlib import style
from matplotlib.figure import Figure
from scipy.stats import t as student

CEILINGS = ("bayes_limit", "oracle")  # exist only in simulation
FLOORS = ("random", "recency", "popular", "blast")

INK, SOFT, HAIR, BASELINE, ACCENT = "#1f2428", "#646c76", "#dfe2e6", "#3f464f", "#0b7d73"
NAMES = {
    "random": ("Random", "any eligible article, by chance"),
    "recency": ("Newest first", "the latest articles for all"),
    "popular": ("Most popular", "what most people click, for all"),
    "blast": ("One for all", "the best single newsletter"),
    "segment_rules": ("Segments, by rule", "the editor's map from segment to topics"),
    "segment_learned": ("Segments, learned", "click rates learned per segment"),
    "lin_ucb": ("LinUCB", "linear model, optimistic"),
    "lin_ts": ("LinTS", "linear model, Thompson sampling"),
    "vw": ("Vowpal Wabbit", "contextual bandit, as widely used"),
    "profile": ("Profile", "an interest profile per member"),
    "neural": ("Neural", "reads each member's history"),
    "offpolicy": ("Off-policy", "learned from the log alone"),
    "bayes_limit": ("Limit of learning", "Profile told the simulator's settings"),
    "oracle": ("Limit of knowing", "knows what each member likes"),
}
COLOURS = {"lin_ts": "#8b6cb0", "lin_ucb": "#b0688f", "vw": "#b9822f", "neural": "#4f7fb5", "offpolicy": "#73893f"}
SPARE = ("#a15c4b", "#5c8a94", "#9a7a52", "#6d76b4", "#87986a", "#a8708a")

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": HAIR,
    "axes.linewidth": 0.8,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": HAIR,
    "ytick.color": HAIR,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "ytick.major.size": 0,
    "grid.color": "#eceef0",
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Look:
    """How one policy is named and drawn. `colour` for marks, `ink` (dark enough to read) for its name."""

    policy: str
    label: str
    about: str
    role: str  # baseline, star, ceiling, floor, segment, other
    colour: str
    ink: str
    width: float = 1.8
    dash: str | tuple[float, tuple[float, ...]] = "-"


def looks(policies: Collection[str], baseline: str) -> dict[str, Look]:
    """One look a policy. Names not known here keep their own name and take the spare colours in alphabetical order."""
    spare = sorted(p for p in policies if p not in NAMES)
    return {p: _look(p, baseline, SPARE[spare.index(p) % len(SPARE)] if p in spare else "") for p in sorted(policies)}


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


def percent(value: float, digits: int = 0, sign: bool = True) -> str:
    """+12 % with a no-break space and a real minus."""
    text = f"{100 * value:+.{digits}f}" if sign else f"{100 * value:.{digits}f}"
    text = text.lstrip("+-") if float(text) == 0 else text
    return text.replace("-", "\u2212") + "\u00a0%"


def over_seeds(frame: pd.DataFrame, smooth: int = 1) -> pd.DataFrame:
    """Mean over seeds of `rate` at each (policy, x) with a 95 % Student interval; NaN with one seed.

    smooth: each seed's curve is first averaged over so many neighbouring x.
    """
    frame = frame.sort_values(["policy", "seed", "x"])
    rolled = frame.groupby(["policy", "seed"])["rate"].transform(lambda r: r.rolling(smooth, center=True, min_periods=1).mean())
    found = frame.assign(rate=rolled).groupby(["policy", "x"])["rate"].agg(["mean", "sem", "count"]).reset_index()
    half = student.ppf(0.975, (found["count"] - 1).where(found["count"] > 1)) * found["sem"]
    return found.assign(low=found["mean"] - half, high=found["mean"] + half)


def curves(name: str, alt: str, lines: pd.DataFrame, look: Mapping[str, Look], x_words: str, y_words: str,
           span: tuple[float, float, str] | None = None) -> Markup:
    """One line a policy, named at its right end.

    lines: columns policy, x, mean, low, high (NaN where there is no band). span: a stretch of x to shade and what it is.
    """
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 4.7))
        axes = figure.add_axes((0.045, 0.125, 0.755, 0.775))
        left, right = float(lines["x"].min()), float(lines["x"].max())
        shown = [p for p in look if p in set(lines["policy"])]
        ends: dict[str, float] = {}
        for policy in sorted(shown, key=lambda p: ("ceiling", "floor", "segment", "other", "baseline", "star").index(look[p].role)):
            drawn, one = look[policy], lines[lines["policy"] == policy].sort_values("x")
            x, mean = one["x"].to_numpy(float), one["mean"].to_numpy(float)
            axes.plot(x, mean, color=drawn.colour, linewidth=drawn.width, linestyle=drawn.dash)
            if drawn.role not in ("ceiling", "floor"):  # a band behind every line would be fog
                axes.fill_between(x, one["low"].to_numpy(float), one["high"].to_numpy(float), color=drawn.colour, alpha=0.13, linewidth=0)
            ends[policy] = float(mean[-1])
        low, high = axes.get_ylim()
        axes.set_ylim(0 if low < 0.45 * high else low, high)
        axes.set_xlim(left, right if right > left else left + 1)
        axes.grid(axis="y")
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=14)
        axes.set_xlabel(x_words, loc="left", labelpad=6)
        axes.text(0, 1.045, y_words, transform=axes.transAxes, color=SOFT)
        if span is not None:
            axes.axvspan(span[0], span[1], color="#f4f5f2", linewidth=0, zorder=0)
            axes.text(span[0] + 0.15, axes.get_ylim()[0] + 0.025 * math.dist(*[(v,) for v in axes.get_ylim()]), span[2], color=SOFT,
                      fontsize=9.5)
        low, high = axes.get_ylim()
        places = _spread(list(ends.values()), 0.052 * (high - low), low, high)
        for policy, place in zip(ends, places, strict=True):
            drawn = look[policy]
            axes.plot([1.004, 1.02], [(ends[policy] - low) / (high - low), (place - low) / (high - low)], transform=axes.transAxes,
                      color=drawn.colour, linewidth=0.8, clip_on=False)
            axes.text(1.026, (place - low) / (high - low), drawn.label, transform=axes.transAxes, color=drawn.ink, va="center",
                      fontweight="bold" if drawn.role in ("star", "baseline") else "normal")
        return _svg(figure, name, alt)


def lifts(name: str, alt: str, rows: Sequence[tuple[Look, float, float, float]], zero: str) -> Markup:
    """A dot and its interval for each policy against a line at zero. rows: look, lift, low, high; NaN bounds: no interval.

    The axis spans what could be deployed; what lies far outside (a floor, knowing everything) is an arrow at the edge.
    """
    near = [v for look, *values in rows if look.role not in ("ceiling", "floor") for v in values if math.isfinite(v)]
    near = near or [v for _, *values in rows for v in values if math.isfinite(v)]
    pad = max(0.05, 0.5 * max(abs(v) for v in near))
    left, right = min(0.0, *near) - pad, max(0.0, *near) + pad
    with style.context(STYLE, after_reset=True):
        height = 1.0 + 0.34 * len(rows)
        figure = Figure(figsize=(10, height))
        axes = figure.add_axes((0.19, 0.62 / height, 0.79, 1 - 1.0 / height))
        axes.axvline(0, color=BASELINE, linewidth=1.4, zorder=1)
        axes.text(0, -0.85, zero, color=BASELINE, ha="center", fontweight="bold", fontsize=9.5)
        for row, (look, lift, low, high) in enumerate(rows):
            weight = "bold" if look.role == "star" else "normal"
            axes.text(-0.015, row, look.label, transform=axes.get_yaxis_transform(), ha="right", va="center", color=look.ink, fontweight=weight)
            if not left <= lift <= right:
                edge, way = (right, 1) if lift > right else (left, -1)
                axes.plot([edge - way * 0.012 * (right - left)], [row], marker=">" if way > 0 else "<", color=look.colour, markersize=6)
                axes.text(edge - way * 0.03 * (right - left), row, f"off the chart, {percent(lift)}", ha="right" if way > 0 else "left",
                          va="center", color=SOFT, fontsize=9.5)
                continue
            if math.isfinite(low) and math.isfinite(high):
                axes.plot([max(low, left), min(high, right)], [row, row], color=look.colour, linewidth=4.5, alpha=0.38)
            axes.plot([lift], [row], marker="o", color=look.colour, markersize=7.5, markeredgecolor="white", markeredgewidth=1.2)
            beyond = high if math.isfinite(high) else lift
            words = percent(lift, 1 if abs(lift) < 0.1 else 0)
            axes.text(min(beyond, right) + 0.014 * (right - left), row, words, va="center", color=look.ink, fontsize=9.5, fontweight=weight)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(left, right)
        axes.set_yticks([])
        axes.grid(axis="x")
        axes.xaxis.get_major_locator().set_params(nbins=9)
        axes.xaxis.set_major_formatter(lambda value, _: percent(value))
        axes.set_xlabel("More or fewer clicks per newsletter delivered", loc="left", labelpad=6)
        return _svg(figure, name, alt)


def glyph(value: float, low: float, high: float, reach: float, colour: str) -> Markup:
    """A small interval for a table cell, drawn against a line at zero; the cell spans -reach to +reach. Arrows: it goes on."""
    wide, tall = 200.0, 16.0

    def at(v: float) -> float:
        return round(wide / 2 * (1 + max(-1.0, min(1.0, v / reach)) * 0.94), 1)

    marks = [f'<line x1="100" x2="100" y1="0" y2="{tall:.0f}" stroke="{BASELINE}" stroke-width="1.2"/>']
    if math.isfinite(low) and math.isfinite(high):
        marks.append(f'<line x1="{at(low)}" x2="{at(high)}" y1="8" y2="8" stroke="{colour}" stroke-width="4" stroke-opacity=".4"/>')
        marks += [f'<path d="M{at(v) + way * 6:.1f} 8l{-way * 6} -4v8z" fill="{colour}"/>'
                  for v, way in ((low, -1), (high, 1)) if abs(v) > reach and v * way > 0]
    if abs(value) <= reach:
        marks.append(f'<circle cx="{at(value)}" cy="8" r="3.6" fill="{colour}" stroke="#fff" stroke-width="1"/>')
    return Markup(f'<svg class="glyph" viewBox="0 0 {wide:.0f} {tall:.0f}" aria-hidden="true">{"".join(marks)}</svg>')  # noqa: S704


def _spread(values: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart until each has `gap` to its neighbours, as little as possible; order kept."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    places = [values[i] for i in order]
    for _ in range(400):
        for i in range(len(places) - 1):
            lack = gap - (places[i + 1] - places[i])
            if lack > 1e-9 * gap:
                places[i], places[i + 1] = places[i] - lack / 2, places[i + 1] + lack / 2
        if places and places[0] < low:
            places[0] = low
        if places and places[-1] > high:
            places[-1] = high
    back = dict(zip(order, places, strict=True))
    return [back[i] for i in range(len(values))]


def _svg(figure: Figure, name: str, alt: str) -> Markup:
    """The figure as an element to paste into a page: no prologue, no namespaces, no metadata, ids prefixed by `name`."""
    with style.context({"svg.hashsalt": name}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return Markup(text)  # noqa: S704  (made here from numbers; matplotlib escapes the text)
