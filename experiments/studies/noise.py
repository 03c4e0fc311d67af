"""Noise: what is lost by learning from a real log, with and without the hygiene filter."""

from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.words import tell_change


def find(cells: Cells) -> Finding:
    """Each record against what people did, and profiles against segments under each."""
    late, truth = cells.late, cells.usual
    names = {"profile": "Profile", "segment_learned": "Learned segments"}
    lost = {
        (policy, world): cells.gain(policy, policy, world, truth, late)
        for world in cells.study.worlds
        if world != truth
        for policy in names
    }
    lead = {
        world: cells.gain("profile", "segment_learned", world, first=late)
        for world in cells.study.worlds
    }
    headline = (
        f"Learning from a real log behind the filter, profiles get "
        f"{tell_change(lost['profile', 'filtered'])} than from what people did; without the "
        f"filter {tell_change(lost['profile', 'raw'])}."
    )
    say = [
        f"Against segments that learn from the same record, profiles get "
        f"{tell_change(lead['filtered'])} behind the filter and {tell_change(lead['raw'])} "
        f"without it; from what people did it would be {tell_change(lead[truth])}.",
        f"On a list of business addresses, where machines make two thirds of the recorded clicks, "
        f"profiles get {tell_change(lost['profile', 'business, filtered'])} behind the filter, "
        f"{tell_change(lost['profile', 'business, raw'])} without it.",
    ]
    return Finding(
        headline=headline,
        say=say,
        figure=draw_gains(
            "noise",
            "Clicks lost by learning from a record, with 95 % intervals",
            [
                (f"{names[policy]}, {world}", "star" if policy == "profile" else "other", gain)
                for (policy, world), gain in lost.items()
            ],
            "from what people did",
        ),
        caption=f"Each newsletter against itself, learning from what people did; issues from {late}"
        " on. Bars: 95 % intervals over seeds.",
        columns=["Learned from", "Profile", "Segments", "Profile over segments"],
        rows=[
            [
                world,
                f"{cells.rates('profile', world, late).mean():.1f}",
                f"{cells.rates('segment_learned', world, late).mean():.1f}",
                lead[world].tell(),
            ]
            for world in cells.study.worlds
        ],
    )
