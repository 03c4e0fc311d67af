"""A confidence sequence as a picture: the difference after each issue, and how sure it is.

The picture is SVG that stands in the page, made of rectangles of text and lines alone. Open this
file to change what the picture shows.
"""

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from bandit.ope.sequences import Look
from serving.letters.page import COLOURS
from serving.verdict.words import format_clicks

WIDTH, HEIGHT = 400.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 10.0, 30.0
Scale = Callable[[float], float]
REACH = 2.5  # times the last interval's farther end; what was wider before is cut


def draw_sequence(looks: Sequence[Look], campaigns: Sequence[str]) -> Markup:
    """The picture, as SVG. Issues are named by their campaigns.

    looks: of which one at least has an interval
    """
    known = [(t, look.interval) for t, look in enumerate(looks) if look.interval]
    last = known[-1][1]
    farther = max(abs(last.low), abs(last.high))
    wide = [end for _, one in known for end in (one.low, one.high)]
    low = max(min(*wide, 0.0), -REACH * farther)
    high = min(max(*wide, 0.0), REACH * farther)
    across = _scale(0, max(len(looks) - 1, 1), LEFT, WIDTH - RIGHT)
    down = _scale(low, high, HEIGHT - BOTTOM, TOP)

    def place(t: int, value: float) -> str:
        return f"{across(t):.1f},{down(min(max(value, low), high)):.1f}"

    upper = [place(t, one.high) for t, one in known]
    lower = [place(t, one.low) for t, one in reversed(known)]
    middle = " ".join(place(t, one.estimate) for t, one in known)
    colour = COLOURS["ACCENT"]
    parts = [
        f'<polygon points="{" ".join(upper + lower)}" fill="{colour}" fill-opacity=".16"/>',
        *_draw_ticks(low, high, down),
        f'<polyline points="{middle}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]
    t, one = known[-1]
    parts += [
        f'<line x1="{across(t):.1f}" x2="{across(t):.1f}" y1="{down(max(one.low, low)):.1f}" '
        f'y2="{down(min(one.high, high)):.1f}" stroke="{colour}" stroke-width="2"/>',
        f'<circle cx="{across(t):.1f}" cy="{down(one.estimate):.1f}" r="3.5" fill="{colour}"/>',
        *_name_issues(campaigns, across),
    ]
    title = escape(f"Difference after each issue, {campaigns[0]} to {campaigns[-1]}")
    return Markup(  # noqa: S704  # numbers, and names that are escaped
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{title}" '
        f'font-size="10.5">{"".join(parts)}</svg>'
    )


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _draw_ticks(low: float, high: float, down: Scale) -> list[str]:
    """Lines at round numbers of clicks per 1,000; the one at 0 is what matters."""
    step = _round_step((high - low) / 4)
    parts = []
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        y, colour = down(number * step), COLOURS["INK" if not number else "HAIR"]
        parts.append(
            f'<line x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{colour}" stroke-width="{1 if number else 1.2}"/>'
        )
        sign = "+" if number > 0 else ""
        text = sign + format_clicks(number * step).removesuffix(".0")
        parts.append(
            f'<text x="{LEFT - 6:g}" y="{y + 3.5:.1f}" text-anchor="end" '
            f'fill="{COLOURS["SOFT"]}">{text}</text>'
        )
    return parts


def _round_step(step: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= step * 0.999)


def _name_issues(campaigns: Sequence[str], across: Scale) -> list[str]:
    """The first and the last issue, below the picture."""
    names = [(0, "start"), (len(campaigns) - 1, "end")]
    return [
        f'<text x="{across(t) if t else LEFT:.1f}" y="{HEIGHT - 10:g}" text-anchor="{anchor}" '
        f'fill="{COLOURS["SOFT"]}">{escape(_cut(campaigns[t]))}</text>'
        for t, anchor in names[: len(campaigns)]
    ]


def _cut(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:22]}\u2026"
