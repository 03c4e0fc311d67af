"""Hundreds of articles: weights of their topics, and weights of rewards.

With 500 articles a log shows each too rarely for a weight of its own. What an article is about is
shown often. Open this file for MIPS, for the weights of OffCEM, and for the marginal ratio.
"""

from dataclasses import replace

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints
from bandit.ope.single.importance import check_weighed
from bandit.ope.single.log import Log


def weigh_topics(logged: Floats, target: Floats, topic: Ints, action: Ints) -> Floats:
    """How much likelier the target shows an article of this topic than the logger, [n].

    It is the weight of MIPS (Saito & Joachims 2022, "Off-policy evaluation for large action spaces
    via embeddings", eq. 6): `ips` with it is unbiased where the topic tells all that the article
    has to do with the reward. `dr` with it is OffCEM (Saito, Ren & Joachims 2023): unbiased where
    the model is right about differences within a topic.

    logged, target: [n, m], chances of each article
    topic: [m], of each article, whole numbers
    action: [n], the article that was shown

    Raises ValueError for shapes that differ.
    """
    check.shape("topic", topic, logged.shape[1:])
    return weigh_seen(logged, target, (topic[None, :] == topic[action][:, None]).astype(np.float64))


def weigh_seen(logged: Floats, target: Floats, likeness: Floats) -> Floats:
    """sum_a target[i, a] likeness[i, a] / sum_a logged[i, a] likeness[i, a], [n].

    logged, target: [n, m], chances of each article
    likeness: [n, m], the chance that article a would have looked as what was shown: 1 and 0 where
        each article has one topic, a product where it has several kinds

    Raises ValueError for shapes that differ, and where the logger could not have shown this.
    """
    check.shape("target", target, logged.shape)
    check.shape("likeness", likeness, logged.shape)
    below = (logged * likeness).sum(axis=1)
    if not (below > 0).all():
        i = int(np.argmin(below))
        raise ValueError(f"send {i}: the logger has no chance of what was shown; must be above 0")
    return np.asarray((target * likeness).sum(axis=1) / below)


def average_weights(w: Floats, reward: Floats | Bools, groups: int = 20) -> Floats:
    """The mean weight of sends with about the same reward, [n].

    The marginal ratio of Taufiq, Doucet, Cornish & Ton (2023, "Marginal density ratio for
    off-policy evaluation in contextual bandits"): only what a weight says of the reward counts.
    Where rewards take few values, as clicks do, the estimate is that of IPS to the last digit; it
    helps with dwell times and the like. Weights and rewards come from the same sends, so the bias
    is of order groups / n.

    w: [n], at least 0; reward: [n]
    groups: at most so many quantiles of the reward share a weight; fewer are smoother
    """
    check_weighed(w, reward)
    check.whole("groups", groups, 1)
    value = np.asarray(reward, np.float64)
    ends = np.unique(np.quantile(value, np.linspace(0, 1, groups + 1)[1:-1], method="lower"))
    if len(np.unique(value)) <= groups:
        ends = np.unique(value)
    group = np.searchsorted(ends, value)
    count = np.bincount(group)
    total = np.bincount(group, w, len(count))
    return np.asarray((total / np.maximum(count, 1))[group])


def merge_topics(log: Log, topic: Ints) -> Log:
    """The log as if topics had been chosen, with a topic's chance that of all its articles.

    Every estimate of it rests on the assumption of MIPS: IPS of it is MIPS, and DR is OffCEM with a
    model of topics. `choosing.blend.estimate` of it needs nothing chosen.

    topic: [m], of each article, whole numbers from 0 without a gap

    Raises ValueError for shapes that differ, and topics that leave out a number.
    """
    m = log.logged.shape[1]
    check.shape("topic", topic, (m,))
    count = np.bincount(topic)
    if (count == 0).any():
        raise ValueError(f"no article has topic {int(count.argmin())}; number them without a gap")
    share = np.eye(len(count))[topic]
    action = np.asarray(topic)[log.action]
    return replace(log, action=action, logged=log.logged @ share, target=log.target @ share)
