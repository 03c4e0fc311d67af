"""How long point estimates of 100,000 sends of 50 articles take, here and in obp 0.5.7.

In this project's environment and in the one that make.py says how to make:

    python tests/golden/obp/speed.py ours
    obp/bin/python tests/golden/obp/speed.py obp
    python tests/golden/obp/speed.py many

It prints the least processor time of 15 tries, in milliseconds; `many` prints the memory that ten
million sends take here, with an interval by member and its bootstrap.
"""

import resource
import sys
import time
from collections.abc import Callable

import numpy as np

N, M, TRIES = 100_000, 50, 15
rng = np.random.default_rng(0)
logged, target = (rng.dirichlet(np.full(M, 2.0), N) for _ in range(2))
action = (logged.cumsum(axis=1) > rng.random((N, 1))).argmax(axis=1)
reward = (rng.random(N) < 0.05).astype(float)
model, chance = 0.1 * rng.random((N, M)), logged[np.arange(N), action]


def measure(estimate: Callable[[], object]) -> float:
    least = np.inf
    for _ in range(TRIES + 1):
        start = time.process_time()
        estimate()
        least = min(least, time.process_time() - start)
    return 1000 * least


def count_memory(n: int = 10_000_000) -> float:
    """The most memory [GB] that this process has taken."""
    from bandit.ope.intervals import bootstrap_interval, normal_interval
    from bandit.ope.single.importance import ips
    from bandit.ope.single.weighing import weigh

    terms = ips(weigh(rng.uniform(0.05, 1, n), rng.random(n)), rng.random(n) < 0.05)
    members = np.arange(n) % (n // 10)
    normal_interval(terms, members)
    bootstrap_interval(terms, members)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if sys.argv[1:] == ["many"]:
    print(f"{count_memory():.2f} GB")
    sys.exit()
if sys.argv[1:] == ["obp"]:
    from obp import ope

    told = {"action_dist": target[:, :, None], "position": np.zeros(N, dtype=int)}
    seen = {"reward": reward, "action": action, "pscore": chance}
    rewards = {"estimated_rewards_by_reg_model": model[:, :, None]}
    ips, dm, dr = ope.InverseProbabilityWeighting(), ope.DirectMethod(), ope.DoublyRobust()
    asked = {
        "ips": lambda: ips.estimate_policy_value(**told, **seen),
        "dm": lambda: dm.estimate_policy_value(**told, **rewards),
        "dr": lambda: dr.estimate_policy_value(**told, **seen, **rewards),
    }
else:
    from bandit.ope.single import doubly_robust as ours
    from bandit.ope.single import importance
    from bandit.ope.single.weighing import weigh

    def robust() -> float:
        w, wanted = weigh(chance, ours.pick(target, action)), ours.direct(target, model)
        return float(ours.dr(w, reward, ours.pick(model, action), wanted).mean())

    asked = {
        "ips": lambda: importance.ips(weigh(chance, ours.pick(target, action)), reward).mean(),
        "dm": lambda: ours.direct(target, model).mean(),
        "dr": robust,
    }
for name, estimate in asked.items():
    print(f"{name} {measure(estimate):.2f} ms")
