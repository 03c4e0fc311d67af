"""Seconds in which Open Bandit Pipeline 0.5.7 judges the same logs: python obp_estimates.py FILE

Run in the environment that `make bench-peers` makes for it alone: it asks for old packages. Which
numbers agree with ours is tested elsewhere, from arrays that tests/golden/obp/make.py made.
"""

import json
import sys
from time import process_time

import numpy as np
from obp import ope
from obp.dataset import SyntheticSlateBanditDataset

arrays = np.load(sys.argv[1])
taken = {}


def least(name, act, repeats=3):
    """Note the fewest seconds of some runs."""
    times = []
    for _ in range(repeats):
        start = process_time()
        act()
        times.append(process_time() - start)
    taken[name] = min(times)


# one choice a send
logged, target, model = arrays["logged"], arrays["target"], arrays["model"]
action, reward = arrays["action"], arrays["reward"]
n = len(action)
shown = {"action_dist": target[:, :, None], "position": np.zeros(n, dtype=int)}
seen = {"reward": reward, "action": action, "pscore": logged[np.arange(n), action]}
rewards = {"estimated_rewards_by_reg_model": model[:, :, None]}
ips, dm, dr = ope.InverseProbabilityWeighting(), ope.DirectMethod(), ope.DoublyRobust()
least("one ips", lambda: ips.estimate_policy_value(**shown, **seen))
least("one direct", lambda: dm.estimate_policy_value(**shown, **rewards))
least("one dr", lambda: dr.estimate_policy_value(**shown, **seen, **rewards))
resamples = {"n_bootstrap_samples": 1000, "random_state": 0}
least("bootstrap", lambda: ips.estimate_interval(**shown, **seen, **resamples), 1)

# slates
logged, target, reward = (arrays[f"slate_{name}"] for name in ("logged", "target", "reward"))
n, k = logged.shape
slates = {
    "slate_id": np.repeat(np.arange(n), k),
    "position": np.tile(np.arange(k), n),
    "reward": reward.ravel(),
}
for name, kind, ours, theirs in (
    ("slate ips", ope.SlateStandardIPS, "pscore", "evaluation_policy_pscore"),
    (
        "slate item_position",
        ope.SlateIndependentIPS,
        "pscore_item_position",
        "evaluation_policy_pscore_item_position",
    ),
    (
        "slate cascade",
        ope.SlateRewardInteractionIPS,
        "pscore_cascade",
        "evaluation_policy_pscore_cascade",
    ),
):
    pair = [logged, target]
    if name == "slate cascade":
        pair = [each.cumprod(axis=1) for each in pair]
    if name == "slate ips":
        pair = [np.repeat(each.prod(axis=1), k).reshape(n, k) for each in pair]
    given = slates | {ours: pair[0].ravel(), theirs: pair[1].ravel()}
    estimator = kind(len_list=k)
    least(name, lambda e=estimator, g=given: e.estimate_policy_value(**g), 1)

# how likely each slot shows its article, whatever stands above
logits, choice = arrays["logits"], arrays["choice"]
world = SyntheticSlateBanditDataset(
    n_unique_action=logits.shape[1], len_list=choice.shape[1], dim_context=1
)
least(
    "chances",
    lambda: world.obtain_pscore_given_evaluation_policy_logit(
        choice.ravel(), logits, return_pscore_item_position=True, clip_logit_value=700.0
    ),
    1,
)
print(json.dumps(taken))
