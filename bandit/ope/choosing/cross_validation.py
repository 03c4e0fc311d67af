"""Cross-validation of estimators on the log: OCV.

Cief, Kveton & Kompan (2025, AAAI), "Cross-validated off-policy evaluation". A candidate estimates
from one part of the log, an unbiased judge from the rest, and the candidate that is nearest to the
judge over many splits is chosen. Open this file to compare estimators whose bias is unknown.
"""

from collections.abc import Callable, Mapping

import numpy as np

from bandit.core import check, keys
from bandit.ope.single.importance import Terms
from bandit.ope.single.log import Log

Estimator = Callable[[Log], Terms]


def choose(
    log: Log, candidates: Mapping[str, Estimator], judge: Estimator, splits: int = 10, seed: int = 0
) -> str:
    """The name of the candidate chosen.

    A candidate of variance v, before a judge of variance u, gets v / (v + u) of the log: so their
    noises are alike (Cief et al. 2025, section 4). The one is chosen whose mean squared distance
    plus one standard error of it is least.

    candidates: by name, each from a log to terms [n]
    judge: likewise; unbiased, such as IPS or DR
    splits: more of them choose more surely and take longer
    seed: keys the splits

    Raises ValueError for no candidate, fewer than two splits, or a log of fewer than four sends.
    """
    check.whole("splits", splits, 2)
    n = len(log)
    if not candidates or n < 4:
        raise ValueError(f"there are {len(candidates)} candidates and {n} sends; must be 1 and 4")
    rng = keys.generator(seed, "ocv")
    spread = float(judge(log).var())
    bounds: dict[str, float] = {}
    for name, candidate in candidates.items():
        own = float(candidate(log).var())
        share = own / (own + spread) if own + spread > 0 else 0.5
        size = min(max(round(share * n), 2), n - 2)
        apart = np.empty(splits)
        for split in range(splits):
            order = rng.permutation(n)
            ours, rest = np.sort(order[:size]), np.sort(order[size:])
            apart[split] = candidate(log.take(ours)).mean() - judge(log.take(rest)).mean()
        square = apart**2
        bounds[name] = float(square.mean() + square.std(ddof=1) / np.sqrt(splits))
    return min(bounds, key=bounds.__getitem__)
