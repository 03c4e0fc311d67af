"""Waves: what the clicks of the members mailed first bring to those who are mailed later."""

import numpy as np

from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain
from experiments.study.words import tell_change
from experiments.tables.articles import measure_waves

PAIRS = {
    "Profile": ("wave", "profile"),
    "Learned segments": ("segments, in waves", "segment_learned"),
    "One for all": ("one for all, in waves", "blast"),
}


def find(cells: Cells) -> Finding:
    """The gain of waves for profiles, segments and one newsletter, early and late."""
    spans = {"first issues": (1, cells.late - 1), "later issues": (cells.late, 10_000)}
    gains = {
        (who, when): cells.gain(waves, once, first=first, last=last)
        for who, (waves, once) in PAIRS.items()
        for when, (first, last) in spans.items()
        if first <= last
    }
    units = {
        (name, seed): cells.folders[cells.usual, name, seed]
        for name in ("wave", "profile")
        for seed in cells.seeds
    }
    whole = cells.gain("wave", "profile")
    shares = cells.study.describe_policy("wave")["shares"]
    table = measure_waves(units, "wave", "profile", shares)
    ratios = table[["ratio", "low", "high"]].to_numpy(np.float64)
    by_wave = [Gain(*map(float, row)) for row in ratios - 1]
    headline = f"Mailing in waves brings profiles {tell_change(whole)}."
    say = [
        f"Those mailed last get {tell_change(by_wave[-1])} than when everybody is mailed at once. "
        "The first wave, another tenth of the members each time, has none of its issue\u2019s "
        "clicks to learn from.",
    ]
    return Finding(
        headline=headline,
        say=say,
        figure=draw_gains(
            "waves",
            "Gain of mailing in waves over mailing at once, with 95 % intervals",
            [
                (f"{who}, {when}", "star" if who == "Profile" else "other", gain)
                for (who, when), gain in gains.items()
            ],
            "at once",
        ),
        caption="Each newsletter in waves against the same newsletter mailed to everybody at once. "
        f"Later issues begin with issue {cells.late}. Bars: 95 % intervals over seeds.",
        columns=["Newsletter", "Issues", "Gain of waves, and 95 % interval"],
        rows=[
            *([who, when, gain.tell(1)] for (who, when), gain in gains.items()),
            *(["Profile", f"wave {place + 1}", gain.tell(1)] for place, gain in enumerate(by_wave)),
        ],
    )
