"""One estimate out of several: the mix that varies least, or a rule's choice with more bias.

Estimates without bias on one log share their luck, and a weighted mean of them, with weights that
add up to 1, has none either. The weights of least variance follow from how the terms vary together
(control variates; Lavenberg & Welch 1981). So no estimate need be chosen: a bad model gets no
weight, and two that err apart help one another. Open this file for the estimate that needs no list.
"""

from dataclasses import replace

import numpy as np

from bandit.core import check
from bandit.core.types import Floats, Ids
from bandit.ope.single.doubly_robust import direct, dr, pick
from bandit.ope.single.importance import Terms, ips, snips
from bandit.ope.single.log import Log
from bandit.ope.single.models import Fit, cross_fit, fit_articles, fit_both, fit_chances
from bandit.ope.whole.difference import difference

HOLD = 0.02  # of the least variance, added to each: keeps weights of near twins near one another


def find_mix(terms: Floats, members: Ids) -> Floats:
    """Weights of estimates [c] that add up to 1, with the least variance of the mix.

    terms: [n, c], of estimates without bias
    members: [n], ids; sends to one member depend on one another

    Raises ValueError for shapes that differ, or fewer than two members.

    >>> halves = np.array([[1.0, 0.0], [0.0, 3.0], [1.0, 3.0], [0.0, 0.0]])
    >>> find_mix(halves, np.arange(4)).round(2).tolist()
    [0.9, 0.1]
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
    level = float(np.diag(spread).min())
    if not level > 0:  # what does not vary at all is certain
        still = np.diag(spread) == level
        return np.asarray(still / still.sum())
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


def list_changes(log: Log, other: Floats) -> dict[str, Terms]:
    """What the target earns more than another policy, by name: all `estimate_change` mixes.

    log, other: as for `estimate_change`
    """
    second = replace(log, target=other)
    change, reward = log.weigh() - second.weigh(), np.asarray(log.reward, np.float64)
    columns = [each[:, None] for each in (log.weigh(), second.weigh(), reward)]
    found: dict[str, Terms] = {"ips": change * reward, "baseline": difference(*columns)}
    for which, one in (("", log), ("_other", second)):
        for name, fit in MODELS.items():
            model = cross_fit(one, fit)
            wanted = direct(log.target, model) - direct(other, model)
            rest = reward - pick(model, log.action)
            found[f"dr_{name}{which}"] = np.asarray(wanted + change * rest)
    return found


def estimate_change(log: Log, other: Floats) -> Terms:
    """What the target earns more than another policy, terms [n]: the mix of `list_changes`.

    Among them are the difference of two IPS and the one with the optimal baseline, Delta-OPE
    (Jeunen & Ustimenko 2024); a model of rewards takes off what a constant baseline cannot.

    other: [n, m], the other policy's chances; the logger's, to compare with what was sent

    Raises ValueError for what is no policy, and where the logger had no chance.
    """
    return blend(np.stack(list(list_changes(log, other).values()), axis=1), log.members)
