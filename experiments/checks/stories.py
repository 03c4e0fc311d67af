"""How often stories that are told twice are found, and what the rule of one story does.

python -m experiments.checks.stories [SEED ...]

First the pools of associations without a press and with one that tells stories again
(configs/press/weekly.yaml; `Pool.stories` says which), then newsletters of `informz` with the rule
of one article a story and without it. Open this file to see what `bandit.features.stories` is held
to.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Context, Ints
from experiments.checks.rates import load_preset
from experiments.runner.configs import make, read_config, read_policy
from simulators.base import Simulator
from simulators.play import play

if TYPE_CHECKING:
    from simulators.association.association import Association

ISSUES, SINCE = 26, 8  # issues, and the first of them whose newsletters count


def count_found(world: "Association") -> dict[str, int]:
    """Pairs of articles in the association's pools.

    told: that tell one story
    found: of these, those that are found
    besides: that are found, and tell two
    chance: of these, those whose two stories have subject and finding in common
    """
    count = dict.fromkeys(("told", "found", "besides", "chance"), 0)
    for number in range(1, ISSUES + 1):
        pool = world.pool(number)
        first = world.features.find_stories(pool.articles)
        got = first[:, None] == first
        same = np.array([[one is other for other in pool.stories] for one in pool.stories])
        count["told"] += _count_pairs(same)
        count["found"] += _count_pairs(same & got)
        for i, j in np.argwhere(np.triu(got & ~same, 1)).tolist():
            one, other = pool.stories[i].words, pool.stories[j].words
            count["besides"] += 1
            count["chance"] += all(one[part] == other[part] for part in ("subject", "finding"))
    return count


def _count_pairs(pairs: Bools) -> int:
    return int(np.triu(pairs, 1).sum())


def measure_found(seeds: Sequence[int]) -> pd.DataFrame:
    """Sums of `count_found` over the seeds, without a press and with one, all articles fresh."""
    base = load_preset("association") | {"members": 60, "carried": 0.0}
    sums = {}
    for name, press in {"none": None, "weekly": read_config("press", "weekly")}.items():
        worlds = (make(base | {"press": press, "seed": seed}) for seed in seeds)
        sums[name] = pd.DataFrame(map(count_found, worlds)).sum()
    return pd.DataFrame(sums).T


def measure_newsletters(simulator: Simulator) -> pd.DataFrame:
    """Of a profile's newsletters from issue `SINCE` on, with the rule and without it.

    twice: share that tell a story twice
    clicks: expected clicks a newsletter
    """
    rows = {}
    for name in ("with", "without"):
        kept: dict[int, Context] = {}

        def tell(context: Context, kept: dict[int, Context] = kept, name: str = name) -> Context:
            kept[context.issue] = context
            return context if name == "with" else replace(context, stories=None)

        twin, twice, clicks = simulator.twin(), [], []
        for sent in play(make(read_policy("profile")), twin, issues=ISSUES, tell=tell):
            context = kept[sent.context.issue]
            if context.issue >= SINCE and context.stories is not None:
                twice.append(find_twice(context.stories, sent.slates.choice))
                clicks.append(twin.expected(context, sent.slates))
        rows[name] = {
            "twice": float(np.concatenate(twice).mean()),
            "clicks": float(np.concatenate(clicks).mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def find_twice(stories: Ints, choice: Ints) -> Bools:
    """Which slates [n, k] tell a story twice, [n]."""
    shown = np.sort(np.where(choice >= 0, stories[choice], -1 - np.arange(choice.shape[1])), axis=1)
    return np.asarray((shown[:, 1:] == shown[:, :-1]).any(axis=1))


if __name__ == "__main__":
    seeds = [int(seed) for seed in sys.argv[1:]] or [710, 711, 712]
    print(measure_found(seeds))
    preset = load_preset("informz")
    for seed in seeds:
        print(seed, measure_newsletters(make(preset | {"seed": seed, "members": 2000})), sep="\n")
