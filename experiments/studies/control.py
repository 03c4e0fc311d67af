"""Control: what pins, caps and sections cost in clicks, in simulation and by a log alone."""

import numpy as np

from experiments.report.page import format_percent
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain
from experiments.study.gains import Gains, Worlds, lay_out
from experiments.study.what_if import measure_costs
from experiments.study.words import advise, tell_change

LOG = "random"  # the policy whose newsletters, sent without rules, are the log
BY_LOG = "Profile by a log"


def find(cells: Cells) -> Finding:
    """Each desk's rules against none, and profiles against segments under each."""
    free, found = cells.usual, Worlds.compare(cells)
    costs = {world: gain for (who, world), gain in found.costs.items() if who == "Profile"}
    told = measure_costs(cells, LOG, "profile")
    by_log = {
        desk: Gain.over(values[np.isfinite(values)])
        for desk, values in told.items()
        if np.isfinite(values).any()
    }
    gains: Gains = {
        (words, desk): gain
        for desk in told
        for words, gain in (
            ("Profile", costs[desk]),
            (BY_LOG, by_log.get(desk)),
            ("Learned segments", found.costs["Learned segments", desk]),
        )
        if gain
    }
    dearest = min(told, key=lambda desk: costs[desk].mean)
    most = costs[dearest]
    headline = (
        f"Under the most expensive of the editor\u2019s rules, \u201c{dearest}\u201d, profiles get "
        f"{tell_change(most)} than without any; under the usual ones "
        f"{tell_change(costs['as usual'])}."
    )
    if not any(cost.sign for cost in costs.values()):
        headline = (
            f"No rule is shown to cost profiles clicks: under the usual ones they get "
            f"{tell_change(costs['as usual'])}, under the most expensive, \u201c{dearest}\u201d, "
            f"{tell_change(most)}."
        )
    kept = ", and ".join(
        f"{tell_change(found.lead[world])} under \u201c{world}\u201d" for world in (free, dearest)
    )
    return lay_out(
        "control",
        headline=headline,
        advice=advise(
            most,
            len(cells.seeds),
            "Set pins, caps and sections as you see fit: here they cost nothing.",
            "Keep the rules that are worth their price to you, and look at the most expensive "
            f"first: \u201c{dearest}\u201d, {tell_change(most)}.",
            "Set the pins, caps and sections that you need: none of these is shown to cost clicks, "
            f"though {format_percent(-most.low)} is not ruled out ({dearest}).",
        ),
        say=[
            f"Profiles stay ahead of segments under the same rules: they get {kept}.",
            *_tell_logs(cells, told, by_log),
            "An editor who pins an event or keeps a section knows from this what it costs; what "
            "it is worth beyond clicks only the editor can say. A sponsor\u2019s item that must "
            "stand in a slot is a pin, too; how often it is clicked was not measured here.",
        ],
        gains=gains,
        star="Profile",
        zero="no rules",
        alt="Clicks lost under each desk's rules, with 95\u00a0% intervals",
        caption="Each newsletter against itself without rules, issues from "
        f"{cells.late} on, other campaigns included; \u201cby a log\u201d is what newsletters "
        "chosen at random and sent without rules say of it, and nothing is sent anew.",
        columns=["Rules", "Profile", "Segments", "Profile over segments", "Cost", "By a log"],
        rows=[
            [*row, *(each[row[0]].tell() if row[0] in each else "" for each in (costs, by_log))]
            for row in found.rows
        ],
    )


def _tell_logs(cells: Cells, told: dict[str, np.ndarray], by_log: dict[str, Gain]) -> list[str]:
    """What logs alone say of the same rules, and how far one of them is off."""
    how = (
        "For rules of your own ask your own log: python -m experiments.evaluate log=FOLDER "
        "policy=profile rules={at_most:{kind:{event:1}}}."
    )
    off = np.array(
        [
            told[desk]
            - cells.rates("profile", desk, cells.late)
            / cells.rates("profile", cells.usual, cells.late)
            + 1
            for desk in told
        ]
    )
    known = np.isfinite(off)
    if not known.any():
        return [f"None of {off.shape[1]} logs tells what the rules cost: too few clicks. {how}"]
    costs = "; ".join(f"{desk}: {gain.tell()}" for desk, gain in by_log.items())
    silent = int((~known).any(axis=0).sum())
    told_by = f" ({silent} of {off.shape[1]} logs do not tell of all rules)" if silent else ""
    return [
        f"Logs of newsletters chosen at random, without any rule, give a rough estimate without "
        f"sending again{told_by}: {costs}. One such log is on average "
        f"{format_percent(float(np.abs(off[known]).mean()), 1)} of the clicks off what the "
        f"simulation says. {how}"
    ]
