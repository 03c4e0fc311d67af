"""Thompson sampling when feedback comes late: python -m experiments.delayed

Repeats table 1 of Chapelle & Li 2011, "An empirical evaluation of Thompson sampling", for the
delays that they tried: feedback arrives every so many steps, for all the steps since the last time.
What an article was shown before it retired teaches nothing.
"""

from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bandit.core import check, keys
from bandit.core.types import Floats, Ints
from bandit.slates.exploration import greedy
from experiments.asked.command import command
from experiments.runner.configs import Settings
from simulators.retiring import Retiring

# table 1, row TS: regret by delay
PUBLISHED = {1: 9105, 3: 9199, 10: 9049, 32: 9451, 100: 11550, 316: 21594, 1000: 59256}


@dataclass
class Beta:
    """Posteriors of click rates: what is known of an article from its clicks alone.

    P(click) of article j in row i is Beta(clicks[i, j], skips[i, j]): the textbook case of Thompson
    sampling (Chapelle & Li 2011, algorithm 2). Rows are independent replications.

    clicks: [n, m], with the prior's in them
    skips: [n, m], looks without a click, with the prior's in them
    prior: clicks and skips of an article that nobody looked at yet
    """

    clicks: Floats
    skips: Floats
    prior: tuple[float, float]

    @classmethod
    def start(cls, n: int, m: int, clicks: float = 1.0, skips: float = 1.0) -> "Beta":
        """The prior Beta(clicks, skips) everywhere; 1, 1 is uniform.

        Raises ValueError unless both are positive.
        """
        check.at_least("clicks", clicks, 1e-6)
        check.at_least("skips", skips, 1e-6)
        return cls(np.full((n, m), clicks), np.full((n, m), skips), (clicks, skips))

    def learn(self, clicks: Floats, looks: Floats) -> None:
        """Add clicks of so many looks, both [n, m]."""
        self.clicks += clicks
        self.skips += looks - clicks

    def forget(self, rows: Ints, index: Ints) -> None:
        """Go back to the prior for articles `index` of `rows` [e], which are new."""
        self.clicks[rows, index], self.skips[rows, index] = self.prior

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw `count` times the click rates, [count, n, m]."""
        return rng.beta(self.clicks, self.skips, size=(count, *self.clicks.shape))


def simulate_regret(
    delay: int,
    steps: int,
    replications: int = 100,
    seed: int = 0,
    prior: tuple[float, float] = (1.0, 1.0),
) -> Floats:
    """Regret of textbook Thompson sampling, one draw and no floor, by replication, [replications].

    delay: feedback comes every so many steps
    steps: after how many the regret is taken
    replications: independent worlds, simulated side by side
    seed: of pools and luck
    prior: Beta of each new article's click rate

    Raises ValueError for a delay, or a number of steps, below 1.
    """
    check.at_least("delay", delay, 1)
    check.at_least("steps", steps, 1)
    world = Retiring(seed, replications)
    n, m = shape = world.rates.shape
    posterior = Beta.start(n, m, *prior)
    rng = keys.generator("delayed", seed, "draws")
    everything, rows = np.ones(shape, dtype=bool), np.arange(replications)
    clicks, looks, total = np.zeros(shape), np.zeros(shape), np.zeros(replications)
    console = Console(stderr=True)
    for step in track(range(1, steps + 1), f"delay {delay}", console=console, transient=True):
        choice = greedy(posterior.draw(1, rng)[0], everything).argmax(axis=1)
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


@command("delayed")
def main(config: Settings) -> None:
    names = ("delay", "regret", "standard error", "published", "difference")
    table = Table(*names, box=None, padding=(0, 2, 0, 0))
    if not isinstance(config["delays"], list):
        raise ValueError(f"delays = {config['delays']!r}; must be a list such as [1,100]")
    for delay in config["delays"]:
        found = simulate_regret(delay, config["steps"], config["replications"], config["seed"])
        error = f"{found.std(ddof=1) / np.sqrt(len(found)):,.0f}" if len(found) > 1 else "-"
        known = PUBLISHED.get(delay) if config["steps"] == 10**6 else None
        published = (f"{known:,}", f"{found.mean() / known - 1:+.1%}") if known else ("-", "-")
        table.add_row(f"{delay}", f"{found.mean():,.0f}", error, *published)
    Console().print(table)


if __name__ == "__main__":
    main()
