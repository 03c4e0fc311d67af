"""How pages look: colours, matplotlib's style, numbers in words, and figures as inline SVG that is the same bytes for the
same numbers. Text stays text, ids are unique on the page, and nothing in the markup points outside it."""

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape
from matplotlib import style
from matplotlib.figure import Figure

INK, SOFT, HAIR, BASELINE, ACCENT = "#1f2428", "#646c76", "#dfe2e6", "#3f464f", "#0b7d73"

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


def percent(value: float, digits: int = 0, sign: bool = False) -> str:
    """12 % or, with its sign, +12 %: a no-break space and a real minus. A dash for NaN."""
    if not math.isfinite(value):
        return "\u2013"
    text = f"{100 * value:{'+' if sign else ''}.{digits}f}"
    text = text.lstrip("+-") if float(text) == 0 else text
    return text.replace("-", "\u2212") + "\u00a0%"


def thousand(value: float, digits: int = 1) -> str:
    """A rate of clicks, per 1,000."""
    return f"{1000 * value:,.{digits}f}" if math.isfinite(value) else "\u2013"


def digits(*values: float) -> int:
    """Decimals for percentages told together: one if the smallest would otherwise round to next to nothing."""
    return 1 if any(abs(v) < 0.015 for v in values if math.isfinite(v)) else 0


def spread(heights: list[float], gap: float) -> list[float]:
    """Move labels, on a scale of 0 to 1, apart until neighbours are `gap` apart, as little as possible; order kept."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    places = np.array(heights)[order]
    for _ in range(400):
        lack = np.maximum(0.0, gap - np.diff(places)) / 2
        places[:-1] -= lack
        places[1:] += lack
        places = places.clip(0, 1)
    return [float(places[order.index(i)]) for i in range(len(heights))]


def svg(figure: Figure, name: str, alt: str) -> Markup:
    """The figure as an element to paste into a page: no prologue, no namespaces, no metadata, ids prefixed by `name`."""
    with style.context({"svg.hashsalt": name}):
        buffer = io.StringIO()
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return Markup(text)  # noqa: S704  (made here from numbers; matplotlib escapes the text)


def flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Nested settings as sorted (dotted name, value) pairs."""
    if isinstance(value, dict) and value:
        return [
            pair
            for key in sorted(value, key=str)
            for pair in flat(value[key], f"{path}.{key}".lstrip("."))
        ]
    return [(path, json.dumps(value))] if path else []


def filled(template: str, **values: Any) -> str:
    """A page of this folder as text; autoescaped, and a value that is missing is an error."""
    where, strict = jinja2.FileSystemLoader(Path(__file__).parent), jinja2.StrictUndefined
    env = jinja2.Environment(
        loader=where, autoescape=True, undefined=strict, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {"thousand": thousand, "percent": percent, "flat": flat}
    colours = {"INK": INK, "SOFT": SOFT, "HAIR": HAIR, "BASELINE": BASELINE, "ACCENT": ACCENT}
    return env.get_template(template).render(colours=colours, **values)
