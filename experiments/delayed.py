"""Thompson sampling when feedback comes late: python -m experiments.delayed

Repeats table 1 of Chapelle & Li 2011 for the delays they tried: feedback arrives every so many steps, for all the steps
since the last time. What an article was shown before it retired teaches nothing.
"""

import hydra
import numpy as np
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bandit.core import check, keys
from bandit.core.types import Floats
from bandit.slates.exploration import thompson
from experiments.beta import Beta
from experiments.runner.runs import plain
from simulators.retiring import Retiring

PUBLISHED = {
    1: 9105,
    3: 9199,
    10: 9049,
    32: 9451,
    100: 11550,
    316: 21594,
    1000: 59256,
}  # table 1, row TS


def regret(
    delay: int,
    steps: int,
    replications: int = 100,
    seed: int = 0,
    prior: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Regret after `steps` steps in each replication, [replications], of textbook Thompson sampling (one draw, no floor)
    that hears back every `delay` steps. Raises ValueError for a delay, or a number of steps, below 1."""
    check.at_least("delay", delay, 1)
    check.at_least("steps", steps, 1)
    world = Retiring(seed, replications)
    n, m = shape = world.rates.shape
    posterior = Beta.start(n, m, *prior)
    rng = keys.generator("delayed", seed, "draws")
    everything, rows = np.ones(shape, dtype=bool), np.arange(replications)
    clicks, looks, total = np.zeros(shape), np.zeros(shape), np.zeros(replications)
    for step in track(
        range(1, steps + 1), f"delay {delay}", console=Console(stderr=True), transient=True
    ):
        choice = thompson(posterior.draws(1, rng), everything, floor=0.0).argmax(axis=1)
        clicked, lost = world.show(choice)
        total += lost
        looks[rows, choice] += 1
        clicks[rows, choice] += clicked
        if step % delay == 0:
            posterior.learn(clicks, looks)
            clicks[:], looks[:] = 0.0, 0.0
        gone = world.step()
        posterior.forget(*gone)
        clicks[gone], looks[gone] = 0.0, 0.0
    return total


@hydra.main(version_base="1.3", config_path="../configs", config_name="delayed")
def main(cfg: DictConfig) -> None:
    config = plain(cfg)
    table = Table(
        "delay",
        "regret",
        "standard error",
        "published",
        "difference",
        box=None,
        padding=(0, 2, 0, 0),
    )
    try:
        if not isinstance(config["delays"], list):
            raise ValueError(f"delays = {config['delays']!r}; must be a list such as [1,100]")
        for delay in config["delays"]:
            found = regret(delay, config["steps"], config["replications"], config["seed"])
            error = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else float("nan")
            known = PUBLISHED.get(delay) if config["steps"] == 10**6 else None
            difference = f"{found.mean() / known - 1:+.1%}" if known else "-"
            table.add_row(
                f"{delay}",
                f"{found.mean():,.0f}",
                f"{error:,.0f}",
                f"{known:,}" if known else "-",
                difference,
            )
    except ValueError as error:
        raise SystemExit(f"delayed: {error}") from None
    Console().print(table)


if __name__ == "__main__":
    main()
