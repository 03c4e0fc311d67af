"""Waves: what the clicks of the members mailed first bring to those who are mailed later."""

import numpy as np

from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain
from experiments.study.gains import lay_out, split_run
from experiments.study.words import advise, tell_change
from experiments.tables.articles import measure_waves

PAIRS = {
    "Profile": ("wave", "profile"),
    "Learned segments": ("segments, in waves", "segment_learned"),
    "One for all": ("one for all, in waves", "blast"),
}


def find(cells: Cells) -> Finding:
    """The gain of waves for profiles, segments and one newsletter, early and late."""
    gains = split_run(cells, PAIRS)
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
    members = int(cells.worlds[cells.usual]["members"])
    return lay_out(
        "waves",
        headline=f"Mailing in waves gets profiles {tell_change(whole)} than mailing everybody at "
        "once.",
        advice=advise(
            whole,
            len(cells.seeds),
            "Mail in waves where some hours between them do no harm.",
            f"Mail everybody at once: with {members:,} members waves cost clicks.",
            f"Mail everybody at once: with {members:,} members waves show no gain that would be "
            "worth their hours. Ask again with your own number of members "
            "(simulator.members=5000).",
        ),
        say=[
            f"Those mailed last get {tell_change(by_wave[-1])} than when everybody is mailed at "
            "once. The first wave, another tenth of the members each time, has none of its "
            "issue\u2019s clicks to learn from.",
        ],
        gains=gains,
        star="Profile",
        zero="at once",
        alt="Gain of mailing in waves over mailing at once, with 95\u00a0% intervals",
        caption="Each newsletter in waves against the same newsletter mailed to everybody at once. "
        f"Later issues begin with issue {cells.late}.",
        columns=["Newsletter", "Issues", "Gain of waves, and 95\u00a0% interval"],
        rows=[
            *([who, when, gain.tell()] for (who, when), gain in gains.items()),
            *(["Profile", f"wave {place + 1}", gain.tell()] for place, gain in enumerate(by_wave)),
        ],
    )
