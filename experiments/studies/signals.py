"""Signals: what a profile gains by opens, reading times and scrolling, beside clicks."""

import numpy as np

from experiments.report.page import format_percent
from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.gains import lay_out, split_run
from experiments.study.words import advise, tell_change

SHOWN = {
    "clicks": "Clicks alone",
    "dwell": "Clicks over 10 s",
    "longer dwell": "Clicks over 30 s",
    "scrolled": "And what was scrolled past",
}


def find(cells: Cells) -> Finding:
    """Each set of signals against opens and clicks, early and late."""
    whole = {policy: cells.gain(policy, "opens") for policy in SHOWN}
    more = [policy for policy in ("dwell", "longer dwell", "scrolled") if whole[policy].sign > 0]
    begins = "More than opens and clicks pays" if more else "Opens and clicks are enough"
    headline = (
        f"{begins} for a profile: one that also learns what was scrolled past gets "
        f"{tell_change(whole['scrolled'])}, one that counts only clicks of ten seconds or more "
        f"{tell_change(whole['dwell'])}."
    )
    ends = [abs(end) for gain in whole.values() for end in gain[1:]]
    if not any(gain.sign for gain in whole.values()) and np.isfinite(ends).all():
        headline = (
            "Neither opens nor scrolling nor reading times show an effect on what a profile earns: "
            f"none of {len(whole)} 95\u00a0% intervals leaves out 0, and the furthest goes to "
            f"{format_percent(max(ends))}."
        )
    best = max(("dwell", "longer dwell", "scrolled"), key=lambda policy: whole[policy].low)
    usual = "Learn from opens and clicks, which every mail tool records"
    return lay_out(
        "signals",
        headline=headline,
        advice=advise(
            whole[best],
            len(cells.seeds),
            f"Beside opens and clicks, collect this: {SHOWN[best].lower()}; it brings "
            f"{tell_change(whole[best])}.",
            f"{usual}, and collect nothing else for the profile\u2019s sake: it costs clicks here.",
            f"{usual}, and build nothing to record more for the profile\u2019s sake.",
        ),
        say=[
            "All are compared with a profile that learns from opens and clicks, which every mail "
            f"tool records. One that does not know who opened gets {tell_change(whole['clicks'])}.",
            f"One that counts only clicks of more than thirty seconds gets "
            f"{tell_change(whole['longer dwell'])}. In this simulator a click that is given up "
            "says as much of a member as another, so leaving it out throws something away.",
        ],
        gains=split_run(cells, {words: (policy, "opens") for policy, words in SHOWN.items()}),
        star=SHOWN["scrolled"],
        zero="opens and clicks",
        alt="Clicks by what a profile learns from, against opens and clicks",
        caption="Against the same profile that learns from opens and clicks. Later issues begin "
        f"with issue {cells.late}.",
        columns=["Learned from", "Clicks per 1,000", "Over opens and clicks"],
        rows=[
            ["opens and clicks", f"{cells.rates('opens').mean():.1f}", ""],
            *(
                [words, f"{cells.rates(policy).mean():.1f}", whole[policy].tell()]
                for policy, words in SHOWN.items()
            ),
        ],
    )
