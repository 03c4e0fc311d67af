"""Small newsletters whose every slate is known, for tests of whole newsletters off-policy."""

import numpy as np

from bandit.core.rules import Rules
from bandit.core.types import Floats, Ids, Ints
from bandit.ope.whole.beside import Beside
from tests.support.ope_cases import Explore, list_slates


def sum_chances(
    choice: Ints, m: int, rules: Rules, explore: Explore, scores: list[float]
) -> Floats:
    """chance[i, j, l] that slot l shows choice[i, j], by adding up every slate, [n, k, k]."""
    slates, propensity = list_slates(m, rules, explore, scores)
    chance = propensity.prod(axis=1)
    found = np.zeros((*choice.shape, choice.shape[1]))
    for (i, j), article in np.ndenumerate(choice):
        found[i, j] = chance @ (slates == article) if article >= 0 else 0.0
        if article < 0:
            found[i, j, j] = 1.0
    return found


def draw_chances(
    rng: np.random.Generator, n: int = 200, k: int = 3
) -> tuple[Floats, Floats, Floats]:
    """logged [n, k, k], target [n, k, k] and reward [n, k] without any structure."""
    return (
        rng.uniform(0.05, 1, (n, k, k)) / k,
        rng.uniform(0, 1, (n, k, k)) / k,
        rng.poisson(0.7, (n, k)).astype(float),
    )


def make_beside(
    rng: np.random.Generator,
    n: int = 6000,
    looks: tuple[float, ...] = (1.0, 0.6, 0.8),
    m: int = 8,
    greed: float = 0.6,
    share: float = 0.2,
) -> tuple[Beside, float]:
    """A uniform log of position-based clicks, some looked at, and what the target is worth.

    greed: the share of its newsletters in which the target shows the first k articles in order;
        the others are uniform
    """
    k, curve = len(looks), np.array(looks)
    appeal = np.linspace(0.3, 0.05, m)
    choice = rng.permuted(np.tile(np.arange(m), (n, 1)), axis=1)[:, :k]
    opens = rng.beta(0.8, 1.2, n // 6)[np.arange(n) % (n // 6)]
    opened = rng.random((n, 1)) < opens[:, None]
    reward = (opened & (rng.random((n, k)) < appeal[choice] * curve)).astype(float)
    log = look_at_some(rng, np.arange(n) % (n // 6), choice, reward, m, greed, share)
    value = 0.4 * (curve * (greed * appeal[:k] + (1 - greed) * appeal.mean())).sum()
    return log, float(value)


def look_at_some(
    rng: np.random.Generator,
    members: Ids,
    choice: Ints,
    reward: Floats,
    m: int,
    greed: float,
    share: float = 0.2,
) -> Beside:
    """A uniform log of m articles, of which a share is looked at, and all that was clicked.

    members, choice, reward: ids [n], articles and clicks [n, k] of all sends
    greed: as for `make_beside`
    """
    n, k = choice.shape
    sampled = rng.random(n) < share
    rows = np.flatnonzero(sampled | reward.any(axis=1))
    first = choice[rows][:, :, None] == np.arange(k)
    return Beside(
        members=members,
        rows=rows,
        sampled=sampled[rows],
        reward=reward[rows],
        supported=np.ones((len(rows), k), dtype=bool),
        logged=np.full((len(rows), k, k), 1 / m),
        target=greed * first + (1 - greed) / m,
        leans=rng.normal(size=(len(rows), k, 2, 2)),
    )
