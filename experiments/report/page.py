"""How the pages of experiments look: matplotlib's style, numbers in words, figures as inline SVG.

Both pages (the report of a run, and the calibration) are made with these. A figure is the same
bytes for the same numbers. Its text stays text, its ids are unique on the page, and nothing in the
markup points outside it.
"""

import io
import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from serving.letters import page
from serving.letters.page import ACCENT as ACCENT
from serving.letters.page import BASELINE as BASELINE
from serving.letters.page import HAIR as HAIR
from serving.letters.page import INK as INK
from serving.letters.page import SOFT as SOFT
from serving.letters.page import format_percent as format_percent

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": HAIR,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10.5,
    "axes.axisbelow": True,
    "grid.color": "#eceef0",
    "lines.solid_capstyle": "round",
    "ytick.major.size": 0,
    **{f"axes.spines.{side}": False for side in ("top", "left", "right")},
    **{
        f"{axis}tick.{part}": value
        for axis in "xy"
        for part, value in (("color", HAIR), ("labelcolor", SOFT), ("labelsize", 10))
    },
}


def format_thousand(value: float, decimals: int = 1) -> str:
    """A rate of clicks, per 1,000; a dash for NaN."""
    return f"{1000 * value:,.{decimals}f}" if math.isfinite(value) else "\u2013"


def count_decimals(*values: float) -> int:
    """Decimals for percentages that stand together.

    One if the smallest would otherwise round to next to nothing, else none.
    """
    return 1 if any(abs(v) < 0.015 for v in values if math.isfinite(v)) else 0


def count_places(share: float) -> int:
    """Decimals of a difference as a percentage, on all pages: one below 10 %, none above."""
    return int(abs(share) < 0.1)


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move labels apart, as little as possible, until neighbours are `gap` apart; order is kept.

    heights: where the labels would stand, on a scale of 0 to 1
    """
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    places = np.array(heights)[order]
    for _ in range(400):
        lack = np.maximum(0.0, gap - np.diff(places)) / 2
        places[:-1] -= lack
        places[1:] += lack
        places = places.clip(0, 1)
    return [float(places[order.index(i)]) for i in range(len(heights))]


def draw_dot(
    axes: Axes, x: float, y: float, colour: str, size: float = 7, edge: float = 1.2
) -> None:
    """A round dot with a white edge."""
    axes.plot(
        x,
        y,
        marker="o",
        color=colour,
        markersize=size,
        markeredgecolor="white",
        markeredgewidth=edge,
    )


def render_svg(figure: Figure, name: str, alt: str) -> Markup:
    """The figure as an element to paste into a page: no prologue, namespaces or metadata.

    name: comes before every id, so that it must be unique on the page
    alt: what the figure shows, for those who cannot see it
    """
    with style.context({"svg.hashsalt": name}):
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return Markup(text)  # noqa: S704  (made here from numbers; matplotlib escapes the text)


def fit_widths(broad: Markup, slim: Markup) -> Markup:
    """Two drawings of one figure, of which the page shows one: the slim one on a phone."""
    return Markup('<div class="broad">{}</div><div class="slim">{}</div>').format(broad, slim)


def flatten(value: object, path: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value as JSON) pairs, sorted by name."""
    if isinstance(value, dict) and value:
        return [
            pair
            for key in sorted(value, key=str)
            for pair in flatten(value[key], f"{path}.{key}".lstrip("."))
        ]
    return [(path, json.dumps(value))] if path else []


def fill_template(template: str, **values: object) -> str:
    """A page of the folder templates as text; autoescaped, and a missing value is an error."""
    filters: dict[str, Callable[..., object]] = {"thousand": format_thousand, "flat": flatten}
    return page.fill_template(template, Path(__file__).parent / "templates", filters, **values)
