"""Figures of the studies: series that fill their frame, and gains with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib import style
from matplotlib.ticker import MaxNLocator, NullLocator

from bandit.core.types import Floats
from experiments.report.curves import name_axes, name_lines, open_frame
from experiments.report.lifts import draw_lifts
from experiments.report.page import ACCENT, BASELINE, SOFT, STYLE, fit_widths, render_svg
from experiments.report.policy_looks import COLOURS, SPARE, Look

PLAIN = (COLOURS["neural"], COLOURS["vw"], COLOURS["lin_ts"], *SPARE)


@dataclass(frozen=True)
class Series:
    """One line of a figure.

    x: [j]
    values: [seeds, j], NaN where there is none
    role: "star" for what the page is about, "baseline" for what it is compared with, else "other"
    """

    x: Floats
    values: Floats
    role: str = "other"


def make_look(label: str, role: str = "other", place: int = 0) -> Look:
    """How a line or a dot is drawn; those that are neither star nor baseline share the colours."""
    if role == "star":
        return Look(label, label, "", role, ACCENT, ACCENT, 2.8)
    if role == "baseline":
        return Look(label, label, "", role, BASELINE, BASELINE, 2.4)
    if role == "floor":
        return Look(label, label, "", "other", "#9aa2ac", SOFT, 1.5, (0, (5, 3)))
    colour = PLAIN[place % len(PLAIN)]
    return Look(label, label, "", role, colour, colour)


def draw_series(
    name: str,
    alt: str,
    series: Mapping[str, Series],
    x_words: str,
    y_words: str,
    doubling: bool = False,
) -> Markup:
    """A line for each series, named at its right end; the frame fits what is drawn.

    It is drawn twice, for a broad page and for a phone, where names stand above (`fit_widths`).

    name, alt: as for `render_svg`
    series: by the name that is written
    x_words, y_words: what the axes show
    doubling: equal steps along x are equal factors, with a tick at each x of the first series
    """
    plain = [label for label, one in series.items() if one.role == "other"]
    looks = {
        label: make_look(label, one.role, plain.index(label) if label in plain else 0)
        for label, one in series.items()
    }
    means = {label: np.nanmean(one.values, axis=0) for label, one in series.items()}
    every = np.concatenate(list(means.values()))
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    room = 0.1 * ((high - low) or high or 1.0)
    bottom, top = max(low - room, 0.0) if low >= 0 else low - room, high + room
    x = np.unique(np.concatenate([one.x for one in series.values()]))
    ends = {
        label: (float(mean[np.isfinite(mean)][-1]) - bottom) / (top - bottom)
        for label, mean in means.items()
    }

    def draw(key: str, slim: bool) -> Markup:
        with style.context(STYLE, after_reset=True):
            figure, axes = open_frame(slim, len(series))
            for label, one in series.items():
                look = looks[label]
                axes.plot(
                    one.x,
                    means[label],
                    color=look.colour,
                    linewidth=look.width,
                    linestyle=look.dash,
                )
            if doubling:
                axes.set_xscale("log", base=2)
                axes.set_xticks(x, [f"{value:g}" for value in x])
                axes.xaxis.set_minor_locator(NullLocator())
            else:
                axes.xaxis.set_major_locator(MaxNLocator(7 if slim else 14, integer=True))
            axes.set(xlim=(x[0], x[-1] if len(x) > 1 else x[0] + 1), ylim=(bottom, top))
            name_axes(axes, x_words, y_words, slim)
            name_lines(axes, ends, looks, slim)
            return render_svg(figure, key, alt)

    return fit_widths(draw(name, False), draw(f"{name}-slim", True))


def draw_gains(
    name: str,
    alt: str,
    rows: Sequence[tuple[str, str, tuple[float, float, float]]],
    zero: str,
    words: str = "More or fewer clicks per newsletter delivered",
) -> Markup:
    """A dot and its interval for each row, against a line at zero that is named `zero`.

    rows: label, role as in `Series`, and mean, low and high as shares; labels that are the same up
        to a comma have one colour
    """
    heads = list(dict.fromkeys(label.partition(", ")[0] for label, _, _ in rows))
    looks = [
        make_look(label, role, heads.index(label.partition(", ")[0])) for label, role, _ in rows
    ]
    drawn = [(look, *gain) for look, (_, _, gain) in zip(looks, rows, strict=True)]
    longest = max(len(label) for label, _, _ in rows)
    left = min(0.02 + 0.0085 * longest, 0.45)
    return draw_lifts(name, alt, drawn, zero, left, words)
