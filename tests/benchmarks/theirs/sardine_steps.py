"""Seconds in which sardine-rec takes 1,000 steps (Deffayet et al. 2024): python sardine_steps.py

Run in the peers' environment. A step is one member's slate of six of 50 articles, answered; slates
are drawn at random, or by Plackett-Luce (Gumbel's top six of softmax scores).
"""

import json
from time import process_time

import gymnasium
import numpy as np
import sardine  # noqa: F401  # registers its environments

EPISODE = 1000
sizes = {"num_items": 50, "slate_size": 6, "env_embedds": None}
# without gymnasium's checks of each step
world = gymnasium.make("sardine/SlateTopK-Bored-v0", **sizes).unwrapped
world.reset(seed=0)
rng = np.random.default_rng(0)


def choose_at_random():
    """A slate that knows nothing."""
    return rng.integers(0, 50, 6)


def choose_by_softmax():
    """A slate of Plackett-Luce."""
    scores = world.item_embedd @ world.cur_user_embedd
    return np.argsort(-(scores / 0.5 + rng.gumbel(size=50)))[:6]


taken = {}
for name, choose in {"at random": choose_at_random, "by softmax": choose_by_softmax}.items():
    times = []
    for _ in range(8):
        start = process_time()
        for _ in range(EPISODE):
            if world.step(choose())[2]:
                world.reset()
        times.append(process_time() - start)
    taken[name] = min(times) / EPISODE
print(json.dumps(taken))
