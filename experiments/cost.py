"""What each policy costs, on one core: python -m experiments.cost policies=[profile,vw]

Times depend on the machine, so compare policies within one run.
"""

from collections import defaultdict
from functools import partial
from time import perf_counter

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bandit.core.threads import use_one_thread
from bandit.policy import Policy
from experiments.asked.command import command
from experiments.runner.clock import add_time
from experiments.runner.configs import Settings, check_whole, make
from simulators.base import Simulator, Truthful
from simulators.play import begin, send


@use_one_thread()
def measure_cost(policy: Settings, simulator: Settings, seed: int) -> dict[str, float]:
    """Speed and size of a policy.

    plan, learn: member-issues a second to plan (slates drawn) and to learn, over the second half of
        the issues: some policies train only every few issues
    state: bytes of what it keeps, at the end
    """
    association: Simulator = make(simulator, seed=seed)
    learner: Policy = make(policy)
    begin(learner, association)
    sent, spent = 0, defaultdict[str, float](float)
    stage = partial(add_time, spent, perf_counter)
    for number in range(1, association.issues + 1):
        context = association.issue(number)
        if isinstance(association, Truthful):
            association.truth(context)  # the simulator's own work is nobody's cost
        if number == association.issues // 2 + 1:
            sent = 0
            spent.clear()
        round = send(learner, association, context, seed, learn=False, stage=stage)
        with stage("teach"):  # "learn" holds the joining of waves as well
            learner.learn(round)
        sent += len(context.members)
    return {
        "plan": sent / (spent["plan"] + spent["draw"]),
        "learn": sent / spent["teach"],
        "state": float(sum(array.nbytes for array in learner.state().values())),
    }


@command("cost")
def main(config: Settings) -> None:
    table = Table("policy", "plan, members/s", "learn, members/s", "state, kB")
    check_whole("issues", config["issues"], 2)
    policies = config.get("policies")
    if not policies:
        raise ValueError("policies is empty; name at least one, e.g. policies=[profile,vw]")
    simulator = config["simulator"] | {"issues": config["issues"]}
    for name, policy in track(policies.items(), "cost", console=Console(stderr=True)):
        found = measure_cost(policy, simulator, config["seed"])
        learn = f"{found['learn']:,.0f}" if found["learn"] < 1e8 else "-"  # nothing is learned
        table.add_row(name, f"{found['plan']:,.0f}", learn, f"{found['state'] / 1000:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
