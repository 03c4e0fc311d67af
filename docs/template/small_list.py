"""The analysis of configs/study/small_list.yaml: is the network ahead of profiles, and where."""

from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.gains import lay_out
from experiments.study.words import advise, tell_change


def find(cells: Cells) -> Finding:
    """The network's gain over profiles in each world, over paired seeds."""
    worlds = list(cells.study.worlds)
    gains = {("Network", world): cells.gain("mine", "profile", world) for world in worlds}
    first = gains["Network", worlds[0]]
    return lay_out(
        "small_list",
        headline=f"With {worlds[0]} the network gets {tell_change(first)} than profiles.",
        advice=advise(
            first,
            len(cells.seeds),
            "Try the network on a longer list next.",
            "Keep profiles.",
            "Keep profiles until more seeds tell.",
        ),
        say=[f"With {world}: {gain.tell()}." for (_, world), gain in gains.items()],
        gains=gains,
        star=worlds[0],
        zero="profiles",
        alt="Gain of the network over profiles, with 95 % intervals",
        caption="Expected clicks of all issues.",
        columns=["Members", "Network", "Profiles", "Network over profiles"],
        rows=[
            [w, *(f"{cells.rates(p, w).mean():.1f}" for p in ("mine", "profile")), gain.tell()]
            for (_, w), gain in gains.items()
        ],
    )
