"""PAS-IF: part of the log is made to look as if the target had sent it, and judges the rest.

Udagawa, Kiyohara, Narita, Saito & Tateno (2023, AAAI), "Policy-adaptive estimator selection for
off-policy evaluation". Each send goes to the judging part with a probability that grows with its
weight; what is left was sent by a known other logger. They learn that probability with a network;
here it is c w / (1 + c w), with c such that every send goes there as often: the weights of the
parts are then exactly proportional to w within each context, and the nearer to w the fewer sends
judge. Open this file to compare estimators by what the target itself would have earned, nearly.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bandit.core import check, keys
from bandit.core.types import Floats
from bandit.ope.choosing.cross_validation import Estimator
from bandit.ope.single.log import Log


def split(log: Log, share: float, luck: Floats) -> tuple[Floats, Log]:
    """Rewards as if of the target [e], and the rest as a log of another logger and target.

    share: the chance of each send to judge, over what might have been shown; in (0, 1)
    luck: [n], uniform in [0, 1)
    """
    check.between("share", share, 0.01, 0.99)
    w = np.divide(log.target, log.logged, out=np.zeros_like(log.target), where=log.logged > 0)
    chance = _find_chance(w, log.logged, share)
    taken = chance[np.arange(len(log)), log.action] > luck
    mean = (log.logged * chance).sum(axis=1, keepdims=True)
    rows = np.flatnonzero(~taken)
    rest = log.take(rows)
    logged = (log.logged * (1 - chance) / (1 - mean))[rows]
    target = (log.logged * chance / mean)[rows]
    return np.asarray(log.reward, np.float64)[taken], replace(rest, logged=logged, target=target)


def _find_chance(w: Floats, logged: Floats, share: float) -> Floats:
    """c w / (1 + c w) [n, m], with a c for each send of which the mean chance is `share`."""
    low, high = np.full((len(w), 1), 1e-12), np.full((len(w), 1), 1e12)
    for _ in range(80):
        c = np.sqrt(low * high)
        chance = c * w / (1 + c * w)
        little = (logged * chance).sum(axis=1, keepdims=True) < share
        low, high = np.where(little, c, low), np.where(little, high, c)
    return np.asarray(chance)


def choose(
    log: Log,
    candidates: Mapping[str, Estimator],
    splits: int = 10,
    share: float = 0.2,
    seed: int = 0,
) -> str:
    """The name of the candidate whose mean squared distance to the judging rewards is least.

    candidates: by name, each from a log to terms [n]
    splits: of as many bootstraps of the log; more of them choose more surely and take longer
    share: as for `split`
    seed: keys bootstraps and splits

    Raises ValueError for no candidate, and where no split leaves sends on both sides.
    """
    check.whole("splits", splits, 1)
    if not candidates:
        raise ValueError("there are no candidates")
    rng = keys.generator(seed, "pasif")
    square, used, n = dict.fromkeys(candidates, 0.0), 0, len(log)
    for _ in range(splits):
        drawn = log.take(rng.integers(0, n, n))
        reward, rest = split(drawn, share, rng.random(n))
        if not len(reward) or len(rest) < 2:
            continue
        used += 1
        for name, candidate in candidates.items():
            square[name] += float((candidate(rest).mean() - reward.mean()) ** 2)
    if not used:
        raise ValueError("no split left sends on both sides; the weights are too unequal")
    return min(square, key=square.__getitem__)
