"""Seconds in which mab2rec recommends six articles to each member: python mab2rec_slates.py FILE

Run in the peers' environment. Fitting each policy first is not timed.
"""

import json
import sys
from time import process_time

import numpy as np
from mab2rec import BanditRecommender, LearningPolicy

arrays = np.load(sys.argv[1])
members, m = arrays["members"], int(arrays["m"])
rng = np.random.default_rng(0)
rows = rng.integers(0, len(members), 4000)
arms = rng.integers(0, m, 4000)
clicks = (rng.random(4000) < 0.1).astype(int)
policies = {
    "random": LearningPolicy.Random(),
    "lin_ts": LearningPolicy.LinTS(alpha=0.3),
    "lin_ucb": LearningPolicy.LinUCB(alpha=0.3),
    "profile": LearningPolicy.LinGreedy(epsilon=0.05),
}
taken = {}
for name, policy in policies.items():
    plain = name == "random"
    recommender = BanditRecommender(policy, top_k=6)
    recommender.fit(
        arms.tolist() + list(range(m)),
        clicks.tolist() + [0] * m,
        None if plain else np.vstack([members[rows], members[:m]]),
    )
    times = []
    for _ in range(3):
        start = process_time()
        recommender.recommend(members if not plain else np.zeros((len(members), 1)))
        times.append(process_time() - start)
    taken[name] = min(times)
print(json.dumps(taken))
