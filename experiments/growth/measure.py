"""What four issues cost each policy in one association: processor time, and the peak of memory.

Open this file for what is timed, and where the memory is read.
"""

import ctypes
import gc
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from time import process_time

from bandit.core.threads import use_one_thread
from bandit.core.types import Context
from bandit.policy import Policy
from experiments.growth.slopes import WORLD
from experiments.runner.clock import add_time
from experiments.runner.configs import Settings, make
from simulators.base import Simulator, Truthful
from simulators.play import begin, send

ISSUES = 4  # `offpolicy` learns from a log of three, and acts by it in the fourth
Cost = dict[str, float]
PROCESS = Path("/proc/self")


@use_one_thread()
def measure_world(
    policies: Mapping[str, Settings], simulator: Settings, seed: int, tick: Callable[[], None]
) -> Iterator[tuple[str, Cost]]:
    """Yields what the last issue itself costs, as `WORLD`, and then what each policy does.

    choose: CPU seconds to plan and draw the last of the four issues
    learn: CPU seconds to learn from one of the three before, on average
    memory: bytes that the process takes beyond what it held before, at the most

    tick: called after each of them
    """
    before = _begin_peak()
    association: Simulator = make(simulator, seed=seed, issues=ISSUES)
    contexts = [association.issue(number) for number in range(1, ISSUES)]
    begun = process_time()
    contexts.append(association.issue(ISSUES))
    yield WORLD, {"choose": process_time() - begun, "memory": _read("VmHWM") - before}
    tick()
    for context in contexts:
        if isinstance(association, Truthful):
            association.truth(context)  # the simulator's own work is nobody's cost
    for name, policy in policies.items():
        yield name, _measure_policy(policy, association, contexts, seed)
        tick()


def _measure_policy(
    config: Settings, association: Simulator, contexts: list[Context], seed: int
) -> Cost:
    before = _begin_peak()
    policy: Policy = make(config)
    begin(policy, association)
    learning, spent = 0.0, defaultdict[str, float](float)
    for context in contexts:
        spent.clear()
        stage = partial(add_time, spent, process_time)
        round = send(policy, association, context, seed, learn=False, stage=stage)
        if context is not contexts[-1]:
            begun = process_time()
            policy.learn(round)
            learning += process_time() - begun
    return {
        "choose": spent["plan"] + spent["draw"],
        "learn": learning / (ISSUES - 1),
        "memory": _read("VmHWM") - before,
    }


def _begin_peak() -> float:
    """Count the peak of memory from now on; returns the bytes that are held now."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is no longer held
    (PROCESS / "clear_refs").write_text("5")  # Linux: the peak is what is held now
    return _read("VmRSS")


def _read(what: str) -> float:
    """Bytes of memory, as Linux counts them for this process."""
    found = re.search(rf"{what}:\s+(\d+) kB", (PROCESS / "status").read_text())
    if found is None:
        raise OSError(f"{PROCESS / 'status'} does not say {what}")
    return 1024 * float(found[1])
