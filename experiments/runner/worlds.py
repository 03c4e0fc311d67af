"""Making the simulator of a unit; one that is fitted to a log is fitted once and shared.

Fitting takes minutes on a large log, and the units of one seed differ only in their policy. Each
gets a twin of the same association, with a memory of its own.
"""

import json
from functools import lru_cache
from pathlib import Path

from experiments.runner.configs import Settings, make
from experiments.runner.digest import digest_folder
from simulators.base import Simulator


def make_simulator(config: Settings, seed: int) -> Simulator:
    """The simulator of a config; nobody else uses its memory.

    config: with a `_target_`; a `log` in it is a folder that the simulator is fitted to
    seed: of members, pools and luck

    Raises ValueError for a config of which nothing can be made.
    """
    log = config.get("log")
    if not isinstance(log, str) or not Path(log).is_dir():
        made: Simulator = make(config, seed=seed)
        return made
    return _fit(json.dumps(config), seed, digest_folder(Path(log))).twin()


@lru_cache(maxsize=1)  # of this process; its units come ordered by seed
def _fit(config: str, seed: int, log: str) -> Simulator:
    """What is fitted to a log as it is now; `log` is its digest."""
    made: Simulator = make(json.loads(config), seed=seed)
    return made
