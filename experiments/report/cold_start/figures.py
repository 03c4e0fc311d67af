"""Figures of the cold start's page: shares of the baseline, and what profiles rest on."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bandit.core.types import Floats
from experiments.report.curves import name_axes, name_lines, open_frame
from experiments.report.page import (
    ACCENT,
    BASELINE,
    SOFT,
    STYLE,
    fit_widths,
    format_percent,
    render_svg,
)
from experiments.report.policy_looks import Look
from experiments.tables.cold_start import LEAST_SEEDS, smooth, sum_steps
from experiments.tables.summary import student_interval

WINDOW = 3  # issues that are averaged
CEILING = 1.6  # curves above this share of the baseline are named at the edge, not drawn


def draw_shares(
    table: pd.DataFrame, step: str, baseline: str, look: Mapping[str, Look], words: str
) -> Markup:
    """Expected clicks as a share of the baseline's, by a step since the beginning.

    table: a view of `collect_cold_starts`
    step: the column that it goes by
    look: the policies that are drawn; those far above the baseline are named at the frame's edge
    words: what a step is
    """
    theirs = sum_steps(table[table["policy"] == baseline], table, step)
    steps = np.sort(table[step].unique())[: theirs[0].shape[1]]
    lines = {
        policy: _divide(sum_steps(table[table["policy"] == policy], table, step), theirs)
        for policy in look
        if policy in set(table["policy"])
    }
    inside = {p: line for p, line in lines.items() if np.nanmedian(line[0]) <= CEILING}
    low = min([0.9, *(float(np.nanmin(line[0])) for line in inside.values())])
    high = max([1.1, *(float(np.nanmax(line[0])) for line in inside.values())])
    room = 0.06 * (high - low)
    bottom, top = low - room, high + room
    told = f"Expected clicks, as a share of those of {look[baseline].label}"
    ends = {p: (float(line[0][-1]) - bottom) / (top - bottom) for p, line in lines.items()}
    named = {
        p: look[p]
        if p in inside
        else replace(look[p], label=f"{look[p].label}: {format_percent(float(line[0][-1]))} \u2191")
        for p, line in lines.items()
    }

    def draw(key: str, slim: bool) -> Markup:
        with style.context(STYLE, after_reset=True):
            figure, axes = open_frame(slim, len(lines))
            axes.axhline(1.0, color=BASELINE, linewidth=2.0)
            for policy, (mean, least, most) in inside.items():
                drawn = look[policy]
                axes.plot(
                    steps, mean, color=drawn.colour, linewidth=drawn.width, linestyle=drawn.dash
                )
                if drawn.role == "star" and len(theirs[0]) >= LEAST_SEEDS:  # of fewer it is fog
                    axes.fill_between(
                        steps, least, most, color=drawn.colour, alpha=0.15, linewidth=0
                    )
            axes.set(xlim=(steps[0], max(steps[-1], steps[0] + 1)), ylim=(bottom, top))
            axes.xaxis.set_major_locator(MaxNLocator(7 if slim else 14, integer=True))
            axes.yaxis.set_major_formatter(lambda value, _: format_percent(value))
            name_axes(axes, words, told, slim)
            name_lines(axes, ends, named, slim)
            return render_svg(figure, key, f"{told}, by {words.lower()}")

    return fit_widths(draw(f"share-{step}", False), draw(f"share-{step}-slim", True))


def _divide(
    ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Mean share [steps], and its interval over seeds, of rates averaged over a few steps."""
    clicks, sent, base, base_sent = (smooth(each, WINDOW) for each in (*ours, *theirs))
    share = clicks * base_sent / np.maximum(sent * base, 1e-12)
    pooled = clicks.sum(0) * base_sent.sum(0) / np.maximum(sent.sum(0) * base.sum(0), 1e-12)
    spans = [student_interval(column) for column in share.T]
    half = np.array([high - mean for mean, _, high in spans])
    return pooled, pooled - half, pooled + half


def draw_weights(views: Mapping[str, pd.DataFrame], policy: str) -> Markup | None:
    """How far new members' newsletters rest on behaviour; None where the policy cannot say.

    It is drawn twice: side by side, and one above the other for a phone (`fit_widths`).
    """
    parts = {"Issues since joining": (views["joiners"], "since")}
    parts["Newsletters opened before"] = (views["openers"], "opens")
    shares = {}
    for words, (table, step) in parts.items():
        rows = table[table["policy"] == policy].groupby(step)[["rests_on", "delivered"]]
        sums = rows.sum(min_count=1)
        sums = sums[sums["delivered"] >= sums["delivered"].max() / 100]
        shares[words] = sums["rests_on"] / sums["delivered"]
    if any(share.isna().all() for share in shares.values()):
        return None
    told = "Share of a profile that rests on what the member did, the rest on attributes"

    def draw(key: str, slim: bool) -> Markup:
        with style.context(STYLE, after_reset=True):
            figure = Figure(figsize=(4.9, 5.6) if slim else (10, 3.4))
            for place, (words, share) in enumerate(shares.items()):
                across = (0.055 + 0.5 * place, 0.17, 0.43, 0.68)
                down = (0.085, 0.58 - 0.5 * place, 0.885, 0.34)
                axes, x = figure.add_axes(down if slim else across), share.index.to_numpy()
                axes.fill_between(x, 0, share, color=ACCENT, alpha=0.75, linewidth=0)
                axes.set(xlim=(x[0], max(x[-1], x[0] + 1)), ylim=(0, max(1.15 * share.max(), 0.05)))
                axes.grid(axis="y")
                axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
                axes.yaxis.set_major_formatter(lambda value, _: format_percent(value))
                axes.set_xlabel(words, loc="left", labelpad=6)
                if not place:
                    size = 9.5 if slim else None
                    axes.text(-0.1, 1.08, told, transform=axes.transAxes, color=SOFT, fontsize=size)
            return render_svg(figure, key, "How far profiles rest on behaviour")

    return fit_widths(draw("weights", False), draw("weights-slim", True))
