"""The wheel bandit beside published figures: python -m experiments.showdown

Repeats what Riquelme, Tucker & Snoek 2018 ("Deep Bayesian bandits showdown", sec. 5.4) measured:
how much regret a learner has beside one that chooses by chance, the rarer the members who tell.
Ours learn from clicks, with the chance amount / 50, where the published ones were told amounts.
"""

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bandit.core.threads import use_one_thread
from bandit.policy import Policy
from experiments.asked.command import command
from experiments.compare import list_seeds
from experiments.runner.configs import Settings, check_whole, make
from simulators.play import play
from simulators.wheel import Wheel

# cumulative regret in per cent of that of chance, by delta, after 80,000 members: the mean of 50
# runs of the published code, by Ravi & Beatson 2019 ("Amortized Bayesian meta-learning", table 1)
PUBLISHED = {"NeuralLinear": {0.5: 0.95, 0.7: 1.60, 0.9: 4.65, 0.95: 9.56, 0.99: 49.63}}


@use_one_thread()
def find_regret(policy: Policy, wheel: Wheel) -> float:
    """Expected clicks that a policy loses to the best choices, in per cent of what chance loses."""
    lost = chance = 0.0
    for round in play(policy, wheel):
        truth = wheel.truth(round.context)
        best = truth.max(axis=1)
        lost += float((best - wheel.expected(round.context, round.slates)[:, 0]).sum())
        chance += float((best - truth.mean(axis=1)).sum())
    return 100 * lost / chance


@command("showdown")
def main(config: Settings) -> None:
    deltas, seeds = config["deltas"], list_seeds(config["seeds"], config["first_seed"])
    for what in ("members", "batch"):
        check_whole(what, config[what], 1)
    if not isinstance(deltas, list) or not deltas:
        raise ValueError(f"deltas = {deltas!r}; must be a list such as [0.5,0.9]")
    sizes = {"members": config["members"], "batch": config["batch"]}
    for delta in deltas:
        Wheel(delta=delta, members=1)  # what cannot be is said before anything is played
    table = Table("policy", *(f"delta {delta:g}" for delta in deltas), box=None)
    for name, settings in config["policies"].items():
        cells = []
        for delta in deltas:
            words, console = f"{name}, delta {delta:g}", Console(stderr=True)
            runs = track(seeds, words, console=console, transient=True)
            found = np.array([find_regret(make(settings), Wheel(s, delta, **sizes)) for s in runs])
            error = f" +- {found.std(ddof=1) / np.sqrt(len(found)):.2f}" if len(found) > 1 else ""
            cells.append(f"{found.mean():.2f}{error}")
        table.add_row(name, *cells)
    for name, known in PUBLISHED.items():
        table.add_row(f"{name}, published", *(f"{known.get(delta, '-')}" for delta in deltas))
    console = Console()
    console.print("Regret in per cent of that of choices by chance:\n", highlight=False)
    console.print(table)


if __name__ == "__main__":
    main()
