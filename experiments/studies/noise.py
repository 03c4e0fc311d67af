"""Noise: what is lost by learning from a real log, with and without the hygiene filter."""

from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.gains import Worlds, lay_out
from experiments.study.words import advise, tell_change


def find(cells: Cells) -> Finding:
    """Each record against what people did, and profiles against segments under each."""
    found = Worlds.compare(cells)
    lead, truth = found.lead, cells.usual
    lost = {world: gain for (who, world), gain in found.costs.items() if who == "Profile"}
    filtered = cells.gain(
        "profile", "profile", "business, filtered", "business, raw", first=cells.late
    )
    headline = (
        "Where most members read at work, profiles that learn from the raw record get "
        f"{tell_change(lost['business, raw'])} than from what people did, and "
        f"{tell_change(lost['business, filtered'])} behind the hygiene filter."
    )
    return lay_out(
        "noise",
        headline=headline,
        advice=advise(
            filtered,
            len(cells.seeds),
            "Keep the hygiene filter on, above all where members read at work: on a list of "
            f"business addresses it brings profiles {tell_change(filtered)}.",
            "Look at what the filter takes away before you use it: on a list of business addresses "
            f"it costs profiles clicks, {tell_change(filtered)}.",
            "Keep the hygiene filter on, for machines do click; that it brings clicks on a "
            f"list of business addresses is not shown ({filtered.tell()} against raw records).",
        ),
        say=[
            f"Against segments that learn from the same record, profiles get "
            f"{tell_change(lead['filtered'])} behind the filter and {tell_change(lead['raw'])} "
            f"without it; from what people did it would be {tell_change(lead[truth])}.",
            "On the usual list, where machines make a fifth of the recorded clicks, profiles get "
            f"{tell_change(lost['raw'])} from the raw record than from what people did, and "
            f"{tell_change(lost['filtered'])} behind the filter.",
        ],
        gains=found.costs,
        star="Profile",
        zero="from what people did",
        alt="Clicks lost by learning from a record, with 95\u00a0% intervals",
        caption="Each newsletter against itself, learning from what people did; issues from "
        f"{cells.late} on.",
        columns=["Learned from", "Profile", "Segments", "Profile over segments"],
        rows=found.rows,
    )
