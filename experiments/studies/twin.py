"""The twin: the lift that fitted associations foretell, beside the one that is true."""

import numpy as np

from experiments.report.page import format_percent
from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain

ENOUGH = 0.95  # of associations whose spread of fitted lifts must hold the truth


def find(cells: Cells) -> Finding:
    """The lift of profiles in each fitted family and in truth, and how often it is held."""
    true_world, *families = cells.study.worlds
    lifts = {
        world: cells.rates("profile", world, cells.late)
        / cells.rates("segment_learned", world, cells.late)
        - 1
        for world in cells.study.worlds
    }
    truth, fitted = lifts[true_world], np.array([lifts[world] for world in families])
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    held = int(((low <= truth) & (truth <= high)).sum())
    flattery = Gain.over(fitted.mean(axis=0) - truth)
    members = int(cells.worlds[true_world]["members"])
    seeds = len(cells.seeds)
    enough = held >= ENOUGH * seeds
    verdict = "they may be asked" if enough else "this log is too small, or its families too alike"
    side = {1: "too much", -1: "too little", 0: "neither clearly too much nor clearly too little"}
    headline = (
        f"Fitted to a log of {members:,} members, associations foretell "
        f"{format_percent(fitted.mean(), sign=True)} for profiles where "
        f"{format_percent(truth.mean(), sign=True)} is true, {side[flattery.sign]} "
        f"({flattery.span()} apart); their spread holds the truth for {held} of {seeds}: {verdict}."
    )
    advice = (
        "Fit an association to your own log and ask it before you send "
        "(simulator=logged, docs/simulator.md)."
        if enough
        else "Do not decide by an association that is fitted to a log of this size. Send a trial "
        "to a share of the members: its verdict needs no model of them "
        "(docs/experiments_in_sends.md)."
    )
    return Finding(
        headline=headline,
        advice=(
            advice,
            f"Of {seeds} associations whose truth is known here, the spread of the fits held it "
            f"for {held}; one that may be believed holds it for {100 * ENOUGH:.0f} of 100.",
        ),
        say=[
            f"Over seeds the true lift goes from {format_percent(truth.min())} to "
            f"{format_percent(truth.max())}, the fitted ones from {format_percent(fitted.min())} "
            f"to {format_percent(fitted.max())}.",
            "All families fit what members want by the profile\u2019s own model, and differ in "
            "how members look through a newsletter; so their spread says too little of what is "
            "not known.",
        ],
        figure=draw_gains(
            "twin",
            "Lift of profiles over learned segments, true and fitted",
            [
                (world, "star" if world == true_world else "other", Gain.over(values))
                for world, values in lifts.items()
            ],
            "Learned segments",
        ),
        caption=f"Profiles over learned segments in issues from {cells.late} on: in the association"
        " that left the log, and in those fitted to it, by how members look through a newsletter. "
        "Bars: 95 % intervals over seeds.",
        columns=["Seed", "True lift", *families],
        rows=[
            [
                str(seed),
                *(format_percent(float(values[k]), 1, sign=True) for values in lifts.values()),
            ]
            for k, seed in enumerate(cells.seeds)
        ],
    )
