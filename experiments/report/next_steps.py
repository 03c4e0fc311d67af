"""What a product team would do next, what that costs, and what could go wrong.

Nothing is said that the run cannot carry.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.report.page import format_percent

if TYPE_CHECKING:  # they are only named
    from experiments.report.cold_start.better_off import People
    from experiments.report.run import Run


@dataclass(frozen=True)
class Next:
    """Three short paragraphs.

    do: the next step
    costs: what it takes
    risks: what could go wrong
    """

    do: str
    costs: str
    risks: str


def write_next(run: "Run", people: "People | None") -> Next | None:
    """The box; None where the run has no winner over a baseline."""
    if run.winner is None or run.baseline is None:
        return None
    name, rival = run.looks[run.winner].label, run.looks[run.baseline].label
    _, low, _ = run.find_lift(run.winner)
    if math.isnan(low) or low <= 0:
        do = (
            f"This run does not show that {name} is better than {rival}. Run it with more seeds, "
            "with seeds=10 for example, before anything is decided."
        )
    else:
        do = (
            f"Try {name} on your own list: make a bundle from your member list and past articles "
            "(docs/first_issue.md), send it to a keyed share of the members, the rest to the "
            "newsletter they get today, and let the verdict on that trial decide "
            "(docs/experiments_in_sends.md says how many issues it takes)."
        )
    cost = run.look_up(run.winner, "exploration_cost")
    given = f"trying things out gives up {format_percent(cost, 1)} of the clicks at once"
    trying = given if math.isfinite(cost) and cost > 0 else "trying things out costs no clicks here"
    costs = (
        f"A simulation costs nothing. In a trial {trying}; without it no log could say what "
        "another newsletter would have earned."
    )
    risks = (
        "Everything here is simulated: a real association\u2019s members may be told apart less, "
        "or better, by their attributes, and the gain moves with that."
    )
    if people is not None:
        risks += (
            f" {format_percent(people.all.worse)} of the members find at least 5\u00a0% less to "
            f"click than under {rival}, although the list as a whole gains."
        )
    return Next(do, costs, risks)
