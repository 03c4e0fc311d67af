"""Seconds in which MABWiser's linear bandits plan and learn: python mabwiser_linear.py FILE

Run in the peers' environment. To plan is to get the expectation of each of m articles for each
member; to learn is `partial_fit` with one exposure a row.
"""

import json
import sys
from functools import partial
from time import process_time

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

arrays = np.load(sys.argv[1])
members, m = arrays["members"], int(arrays["m"])
contexts, arms, clicks = arrays["contexts"], arrays["arms"], arrays["clicks"]
taken = {}


def least(act):
    """The fewest seconds of three runs."""
    times = []
    for _ in range(3):
        start = process_time()
        act()
        times.append(process_time() - start)
    return min(times)


for name, kind in {"lin_ts": LearningPolicy.LinTS, "lin_ucb": LearningPolicy.LinUCB}.items():
    bandit = MAB(list(range(m)), kind(alpha=0.3))
    bandit.fit(arms, clicks, contexts)
    taken[f"{name} plan"] = least(partial(bandit.predict_expectations, members))
    taken[f"{name} learn"] = least(partial(bandit.partial_fit, arms, clicks, contexts))
print(json.dumps(taken))
