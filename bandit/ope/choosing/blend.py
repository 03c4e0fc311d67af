"""One estimate out of several: the mix that varies least, or a rule's choice with more bias.

Estimates without bias on one log share their luck, and a weighted mean of them, with weights that
add up to 1, has none either. The weights of least variance follow from how the terms vary together
(control variates; Lavenberg & Welch 1981). So no estimate need be chosen: a bad model gets no
weight, and two that err apart help one another. Open this file for the estimate that needs no list.
"""

import numpy as np

from bandit.core import check
from bandit.core.types import Floats, Ids
from bandit.ope.single.doubly_robust import direct, dr, pick
from bandit.ope.single.importance import Terms, ips, snips
from bandit.ope.single.log import Log
from bandit.ope.single.models import Fit, cross_fit, fit_articles, fit_both, fit_chances

HOLD = 0.02  # of the mean variance, added to each: keeps weights of near twins near one another


def find_mix(terms: Floats, members: Ids) -> Floats:
    """Weights of estimates [c] that add up to 1, with the least variance of the mix.

    terms: [n, c], of estimates without bias
    members: [n], ids; sends to one member depend on one another

    Raises ValueError for shapes that differ, or fewer than two members.

    >>> halves = np.array([[1.0, 0.0], [0.0, 3.0], [1.0, 3.0], [0.0, 0.0]])
    >>> find_mix(halves, np.arange(4)).round(2).tolist()
    [0.89, 0.11]
    """
    n, count = terms.shape
    check.shape("members", members, (n,))
    check.finite("terms", terms, range(n))
    group = np.unique(members, return_inverse=True)[1]
    if group.max(initial=0) < 1:
        raise ValueError("terms of fewer than two members say nothing of how they vary")
    rest = terms - terms.mean(axis=0)
    sums = np.stack([np.bincount(group, column) for column in rest.T], axis=1)
    spread = sums.T @ sums
    level = np.trace(spread) / count
    if not level > 0:
        return np.full(count, 1 / count)
    solved = np.linalg.solve(spread / level + HOLD * np.eye(count), np.ones(count))
    return np.asarray(solved / solved.sum())


def blend(terms: Floats, members: Ids) -> Terms:
    """The mix of `find_mix`, terms [n]."""
    return np.asarray(terms @ find_mix(terms, members))


MODELS: dict[str, Fit] = {"articles": fit_articles, "chances": fit_chances, "both": fit_both}


def list_terms(log: Log) -> dict[str, Terms]:
    """IPS, SNIPS and DR with each model, by name: all that `estimate` mixes."""
    w = log.weigh()
    found = {"ips": ips(w, log.reward), "snips": snips(w, log.reward)}
    for name, fit in MODELS.items():
        model = cross_fit(log, fit)
        wanted = direct(log.target, model)
        found[f"dr_{name}"] = dr(w, log.reward, pick(model, log.action), wanted)
    return found


def estimate(log: Log) -> Terms:
    """What the target earns, terms [n]: the mix of `list_terms`.

    Nothing is to be chosen, and nothing is assumed but that the logger could show what the target
    does. Raises ValueError where every weight is 0.
    """
    return blend(np.stack(list(list_terms(log).values()), axis=1), log.members)
