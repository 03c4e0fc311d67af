"""What each policy costs, on one core: python -m experiments.cost policies=[profile,vw]

Times depend on the machine, so compare policies within one run.
"""

from time import perf_counter
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bandit.core.types import Round
from bandit.slates.walk import draw
from experiments.runner.runs import choices, one_thread, plain, policy_config
from experiments.runner.unit import make
from simulators.play import begin


@one_thread()
def cost(policy: dict[str, Any], simulator: dict[str, Any], seed: int) -> dict[str, float]:
    """Member-issues a second to plan (slates drawn) and to learn, over the second half of the issues (some policies train
    only every few issues); bytes of state, at the end."""
    association, learner = make(simulator, seed=seed), make(policy)
    begin(learner, association)
    planned, learned = [], []
    for number in range(1, association.issues + 1):
        context = association.issue(number)
        association.truth(context)  # the simulator's own work is nobody's cost
        begun = perf_counter()
        slates = draw(learner.plan(context), context, seed)
        done = perf_counter()
        planned.append([len(context.members), done - begun])
        round = Round(context, slates, association.respond(context, slates))
        begun = perf_counter()
        learner.learn(round)
        learned.append([len(context.members), perf_counter() - begun])
    late = len(planned) // 2
    plan, learn = (np.sum(part[late:], axis=0) for part in (planned, learned))
    state = sum(array.nbytes for array in learner.state().values())
    return {
        "plan": float(plan[0] / plan[1]),
        "learn": float(learn[0] / learn[1]),
        "state": float(state),
    }


@hydra.main(version_base="1.3", config_path="../configs", config_name="cost")
def main(cfg: DictConfig) -> None:
    config = plain(cfg)
    if not isinstance(config["issues"], int) or config["issues"] < 2:
        raise SystemExit(
            f"cost: issues = {config['issues']!r}; must be a whole number of at least 2"
        )
    table = Table("policy", "plan, members/s", "learn, members/s", "state, kB")
    try:
        policies = {name: policy_config(name) for name in config["policies"] or choices("policy")}
        console = Console(stderr=True)
        for name, policy in track(policies.items(), "cost", console=console):
            found = cost(policy, config["simulator"] | {"issues": config["issues"]}, config["seed"])
            learn = f"{found['learn']:,.0f}" if found["learn"] < 1e8 else "-"  # nothing is learned
            table.add_row(name, f"{found['plan']:,.0f}", learn, f"{found['state'] / 1000:,.1f}")
    except ValueError as error:
        raise SystemExit(f"cost: {error}") from None
    Console().print(table)


if __name__ == "__main__":
    main()
