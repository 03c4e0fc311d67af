"""Control: what pins, caps and sections cost in clicks, under profiles and under segments."""

from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.words import tell_change

NAMES = {"profile": "Profile", "segment_learned": "Learned segments"}


def find(cells: Cells) -> Finding:
    """Each desk's rules against none, and profiles against segments under each."""
    late, free = cells.late, cells.usual
    desks = [world for world in cells.study.worlds if world != free]
    costs = {
        (policy, desk): cells.gain(policy, policy, desk, free, late)
        for desk in desks
        for policy in NAMES
    }
    lead = {
        world: cells.gain("profile", "segment_learned", world, first=late)
        for world in cells.study.worlds
    }
    dearest = min(desks, key=lambda desk: costs["profile", desk].mean)
    headline = (
        f"The usual rules bring profiles {tell_change(costs['profile', 'as usual'])}; the dearest "
        f"desk, {dearest}, {tell_change(costs['profile', dearest])}."
    )
    kept = " and ".join(f"{tell_change(lead[world])} ({world})" for world in (free, dearest))
    return Finding(
        headline=headline,
        say=[
            f"Over segments under the same rules profiles get {kept}.",
            "An editor who pins an event or keeps a section knows from this what it costs; what "
            "it is worth beyond clicks only the editor can say.",
        ],
        figure=draw_gains(
            "control",
            "Clicks lost under each desk's rules, with 95 % intervals",
            [
                (f"{NAMES[policy]}, {desk}", "star" if policy == "profile" else "other", gain)
                for (policy, desk), gain in costs.items()
            ],
            "no rules",
        ),
        caption=f"Each newsletter against itself without rules, issues from {late} on, other "
        "campaigns included. Bars: 95 % intervals over seeds.",
        columns=["Rules", "Profile", "Segments", "Profile over segments"],
        rows=[
            [
                world,
                *(f"{cells.rates(policy, world, late).mean():.1f}" for policy in NAMES),
                lead[world].tell(),
            ]
            for world in cells.study.worlds
        ],
    )
