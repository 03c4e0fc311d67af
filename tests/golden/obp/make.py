"""Makes estimates.npz: what obp 0.5.7 and vw-estimators 0.2.2 say of made-up logs.

Needs an environment of its own, for obp asks for old packages:

    python3.11 -m venv obp && obp/bin/pip install 'numpy==1.26.*' 'pandas==2.0.*' \\
        'scikit-learn==1.2.*' scipy tqdm pyyaml seaborn matplotlib torch
    obp/bin/pip install --no-deps --ignore-requires-python obp==0.5.7 pyieoe \\
        vw-estimators==0.2.2
    obp/bin/python tests/golden/obp/make.py
"""

from pathlib import Path

import numpy as np
from estimators.bandits import ips, snips
from obp import ope

N, M, L, S = 80, 5, 3, 50  # sends, articles, slots or loggers, slates
rng = np.random.default_rng(57)


def draw_pmf(*shape: int) -> np.ndarray:
    return rng.dirichlet(np.full(shape[-1], 1.3), shape[:-1])


logged, target = draw_pmf(N, M), draw_pmf(N, M)
action = np.array([rng.choice(M, p=row) for row in logged])
reward = rng.gamma(1.5, 0.7, N) * (rng.random(N) < 0.6)
model = rng.uniform(0, 1.5, (N, M))
logger = rng.integers(0, L, N)
chances = draw_pmf(L, N, M)
loggers = chances[logger, np.arange(N), action]
average = np.einsum("l,lnm->nm", np.bincount(logger) / N, chances)[np.arange(N), action]
groups = np.array([0, 1, 1, 0, 2])
likeness = np.zeros((M, 3, 1))
likeness[np.arange(M), groups, 0] = 1.0
given = {
    "reward": reward,
    "action": action,
    "pscore": logged[np.arange(N), action],
    "action_dist": target[:, :, None],
    "estimated_rewards_by_reg_model": model[:, :, None],
    "position": np.zeros(N, dtype=int),
}
found = {}


def tell(name: str, estimator: object, **more: object) -> None:
    found[name] = estimator.estimate_policy_value(**(given | more))


tell("dm", ope.DirectMethod())
tell("ips", ope.InverseProbabilityWeighting())
tell("ips_clipped", ope.InverseProbabilityWeighting(lambda_=1.7))
tell("snips", ope.SelfNormalizedInverseProbabilityWeighting())
tell("ips_smooth", ope.SubGaussianInverseProbabilityWeighting(lambda_=0.3))
tell("dr", ope.DoublyRobust())
tell("dr_clipped", ope.DoublyRobust(lambda_=1.7))
tell("sndr", ope.SelfNormalizedDoublyRobust())
tell("dr_switch", ope.SwitchDoublyRobust(lambda_=1.7))
tell("dr_shrunk", ope.DoublyRobustWithShrinkage(lambda_=2.3))
tell("dr_smooth", ope.SubGaussianDoublyRobust(lambda_=0.3))
weights = rng.gamma(2, 0.5, N)
tell(
    "ips_balanced",
    ope.BalancedInverseProbabilityWeighting(lambda_=1.9),
    estimated_importance_weights=weights,
)
greedy = np.eye(M)[target.argmax(axis=1)]
tell("replay", ope.ReplayMethod(), action_dist=greedy[:, :, None])

LAMBDAS = [0.5, 1.0, 2.0, 4.0, 8.0, np.inf]
for name, tuned in (
    ("slope_clipped", ope.InverseProbabilityWeightingTuning(lambdas=LAMBDAS)),
    ("slope_switch", ope.SwitchDoublyRobustTuning(lambdas=LAMBDAS)),
    ("slope_shrunk", ope.DoublyRobustWithShrinkageTuning(lambdas=LAMBDAS)),
):
    tell(name, tuned)

many = given | {"pscore": loggers, "pscore_avg": average, "stratum_idx": logger}
for name, estimator in (
    ("loggers_ips", ope.MultiLoggersNaiveInverseProbabilityWeighting()),
    ("loggers_ips_balanced", ope.MultiLoggersBalancedInverseProbabilityWeighting()),
    ("loggers_ips_weighted", ope.MultiLoggersWeightedInverseProbabilityWeighting()),
    ("loggers_dr", ope.MultiLoggersNaiveDoublyRobust()),
    ("loggers_dr_balanced", ope.MultiLoggersBalancedDoublyRobust()),
    ("loggers_dr_weighted", ope.MultiLoggersWeightedDoublyRobust()),
):
    found[name] = estimator.estimate_policy_value(**many)

seen = {
    "reward": reward,
    "action": action,
    "action_embed": groups[action][:, None],
    "pi_b": logged[:, :, None],
    "action_dist": target[:, :, None],
    "p_e_a": likeness,
    "context": np.zeros((N, 1)),
}
found["mips"] = ope.MarginalizedInverseProbabilityWeighting(n_actions=M).estimate_policy_value(
    **seen
)
found["mips_sn"] = ope.SelfNormalizedMarginalizedInverseProbabilityWeighting(
    n_actions=M
).estimate_policy_value(**seen)

slate_logged, slate_target = rng.uniform(0.1, 1, (S, L)), rng.uniform(0, 1, (S, L))
slate_reward = rng.poisson(0.7, (S, L)).astype(float)
slate_pmf, slate_model = draw_pmf(S, L, M), rng.uniform(0, 1, (S, L, M))
slate_action = rng.integers(0, M, (S, L))
slate = {
    "slate_id": np.repeat(np.arange(S), L),
    "position": np.tile(np.arange(L), S),
    "reward": slate_reward.ravel(),
}
cascade = {
    "pscore_cascade": slate_logged.cumprod(axis=1).ravel(),
    "evaluation_policy_pscore_cascade": slate_target.cumprod(axis=1).ravel(),
}
whole = {
    "pscore": np.repeat(slate_logged.prod(axis=1), L),
    "evaluation_policy_pscore": np.repeat(slate_target.prod(axis=1), L),
}
apart = {
    "pscore_item_position": slate_logged.ravel(),
    "evaluation_policy_pscore_item_position": slate_target.ravel(),
}
for name, kind, more in (
    ("slate_ips", ope.SlateStandardIPS, whole),
    ("slate_item_position", ope.SlateIndependentIPS, apart),
    ("slate_cascade", ope.SlateRewardInteractionIPS, cascade),
    ("slate_snips", ope.SelfNormalizedSlateStandardIPS, whole),
    ("slate_item_position_sn", ope.SelfNormalizedSlateIndependentIPS, apart),
    ("slate_cascade_sn", ope.SelfNormalizedSlateRewardInteractionIPS, cascade),
):
    found[name] = kind(len_list=L).estimate_policy_value(**slate, **more)
found["slate_cascade_dr"] = ope.SlateCascadeDoublyRobust(
    len_list=L, n_unique_action=M
).estimate_policy_value(
    action=slate_action.ravel(),
    q_hat=slate_model.ravel(),
    evaluation_policy_action_dist=slate_pmf.ravel(),
    **slate,
    **cascade,
)
for name, kind in (("vw_ips", ips), ("vw_snips", snips)):
    theirs = kind.Estimator()
    for i in range(N):
        theirs.add_example(logged[i, action[i]], reward[i], target[i, action[i]])
    found[name] = theirs.get()
inputs = {
    "logged": logged,
    "target": target,
    "action": action,
    "reward": reward,
    "model": model,
    "logger": logger,
    "chances": chances,
    "groups": groups,
    "weights": weights,
    "lambdas": np.array(LAMBDAS),
    "slate_logged": slate_logged,
    "slate_target": slate_target,
    "slate_reward": slate_reward,
    "slate_pmf": slate_pmf,
    "slate_model": slate_model,
    "slate_action": slate_action,
}
np.savez_compressed(
    Path(__file__).with_name("estimates.npz"),
    **inputs,
    names=np.array(list(found)),
    values=np.array(list(found.values()), dtype=float),
)
print(*found.items(), sep="\n")
