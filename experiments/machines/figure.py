"""When requests came after delivery, by tag: the figure a deliverability person looks at first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report.page import ACCENT, SOFT, STYLE

COLOURS = {"human": ACCENT, "scanner": "#c2410c", "prefetch": "#949ba4"}
NAMES = {"human": "people", "scanner": "scanners", "prefetch": "image proxies"}
LINE = 0.12  # height of a line of the legend, as a share of the axes
BINS = np.geomspace(0.5, 2e6, 46)  # seconds
TICKS = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 21600: "6 h"}
TICKS |= {86400: "1 day", 604800: "1 week"}


def draw_delays(tagged: pd.DataFrame, said: str) -> Figure:
    """Draw how long after delivery opens and clicks came, in colours by tag.

    tagged: events with the columns of `hygiene.tag`; repeats are left out, late ones are people's
    said: the statement of doubt, which stands above
    """
    once = tagged[tagged["tag"] != "duplicate"]
    once = once.assign(tag=once["tag"].replace("late", "human"))
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(5.6, 5.2), facecolor="white")
        above, below = figure.subplots(2, 1, sharex=True)
        for axes, kind in ((above, "open"), (below, "click")):
            _draw_kind(axes, once[once["kind"] == kind], f"{kind}s")
        below.set_xscale("log")
        below.set_xlim(BINS[0], BINS[-1])
        below.set_xticks(list(TICKS), labels=list(TICKS.values()))
        below.set_xticks([], minor=True)
        below.set_xlabel("after delivery", color=SOFT)
        above.set_title(said, loc="left", fontsize=11)
        figure.tight_layout()
    return figure


def _draw_kind(axes: Axes, events: pd.DataFrame, what: str) -> None:
    """Draw one kind of request, and how many of them each tag has."""
    seconds = [
        np.clip(events.loc[events["tag"] == tag, "seconds"], BINS[0], BINS[-1]) for tag in COLOURS
    ]
    axes.hist(seconds, BINS.tolist(), stacked=True, color=list(COLOURS.values()))
    axes.set_ylabel(what, color=SOFT)
    lines = sum(len(some) > 0 for some in seconds)
    high, _ = np.histogram(np.concatenate(seconds), BINS)
    beside = high[: len(high) * 2 // 5].max() / (0.96 - LINE * lines)  # bars below the legend
    axes.set_ylim(0, max(1.15 * high.max(), beside, 1))
    _write_legend(axes, [len(some) for some in seconds])


def _write_legend(axes: Axes, counts: Sequence[int]) -> None:
    """Write the tags in their colours, with their numbers, at the upper left."""
    some = [(tag, count) for tag, count in zip(COLOURS, counts, strict=True) if count]
    for row, (tag, count) in enumerate(some):
        said, at = f"{NAMES[tag]} {count:,}", (0.02, 0.96 - LINE * row)
        axes.annotate(said, at, xycoords="axes fraction", va="top", color=COLOURS[tag])
