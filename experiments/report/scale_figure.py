"""The figure of `experiments.scale`: a member-issue's cost by part, and the peak of memory."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from experiments.report.page import ACCENT, BASELINE, SOFT, STYLE
from experiments.report.policy_looks import COLOURS

PARTS = {  # of the work on an issue, and their colours
    "compose": "#c6cbd1",
    "plan": ACCENT,
    "draw": COLOURS["neural"],
    "respond": "#949ba4",
    "learn": COLOURS["vw"],
}
WIDTH = 0.62  # of a bar, where bars are 1 apart


class Cost(TypedDict):
    """What one size of list costs. Times are of a processor, except the elapsed ones.

    members: how many there are
    issues: how many were sent
    sent_to: members who get an issue, on average
    setup_seconds: before the first issue
    issue_seconds: of an issue, on average
    elapsed_seconds: from beginning to end, by the clock on the wall
    peak_gb: the most memory of the process, 10^9 bytes
    microseconds: a member and issue, of each of `PARTS` and of "all"
    """

    members: int
    issues: int
    sent_to: float
    setup_seconds: float
    issue_seconds: float
    elapsed_seconds: float
    peak_gb: float
    microseconds: dict[str, float]


def draw_costs(costs: Sequence[Cost]) -> Figure:
    """Draw two bars a size: microseconds a member-issue, part by part, and the peak of memory."""
    names = [f"{cost['members']:,}" for cost in costs]
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(10, 4.2), facecolor="white")
        left = figure.add_axes((0.045, 0.13, 0.52, 0.72))
        right = figure.add_axes((0.65, 0.13, 0.345, 0.72))
        highest = max(cost["microseconds"]["all"] for cost in costs)
        bottom = np.zeros(len(costs))
        for part, colour in PARTS.items():
            height = np.array([cost["microseconds"][part] for cost in costs])
            left.bar(names, height, WIDTH, bottom=bottom, color=colour)
            if height[-1] > 0.03 * highest:  # named beside the last bar, unless too thin for that
                middle = bottom[-1] + height[-1] / 2
                left.text(len(costs) - WIDTH, middle, part, va="center", color=SOFT)
            bottom += height
        for x, total in enumerate(bottom):
            left.text(x, total, f"{total:.1f}", ha="center", va="bottom")
        peaks = [cost["peak_gb"] for cost in costs]
        right.bar(names, peaks, WIDTH, color="#c6cbd1")
        for x, peak in enumerate(peaks):
            right.text(x, peak, f"{peak:.2f}", ha="center", va="bottom")
        right.axhline(4, color=BASELINE, linewidth=1.2)
        titles = (left, "CPU microseconds a member and issue"), (right, "Peak of memory, GB")
        for axes, title in titles:
            axes.text(0, 1.08, title, transform=axes.transAxes, color=SOFT)
            axes.grid(axis="y")
            axes.tick_params(axis="x", labelsize=8.5)
        return figure
