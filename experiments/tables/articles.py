"""A new article: what the clicks of the members mailed first bring to those who are mailed later.

Pools are new every week, so an article's own appeal is unknown to a newsletter that is mailed to
everybody at once. The policy `wave` mails some members first.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.files import read_json, read_table
from bandit.slates.waves import assign_waves
from experiments.runner.folders import Units
from experiments.tables.summary import student_interval


def measure_waves(units: Units, waves: str, at_once: str, shares: Sequence[float]) -> pd.DataFrame:
    """Expected clicks of each wave, as a share of the same members' when all are mailed at once.

    units: as in a comparison
    waves: a policy that sends in waves
    at_once: the policy that it is made of, without waves
    shares: of the members in each wave but the last, which takes the rest

    wave: from 1
    before: share of the members who were mailed before this wave
    ratio, low, high: over all issues, and its 95 % interval over paired seeds (NaN with one seed)

    Raises ValueError naming a file that is damaged, and FileNotFoundError one that is not there.
    """
    seeds = sorted(seed for policy, seed in units if policy == waves)
    both = [
        np.array([_sum_waves(units[policy, seed], shares) for seed in seeds])
        for policy in (waves, at_once)
    ]
    ratio = both[0] / both[1]  # [seeds, waves]
    spans = [student_interval(column)[1:] for column in ratio.T]
    return pd.DataFrame(
        {
            "wave": np.arange(1, len(shares) + 2),
            "before": np.concatenate([[0.0], np.cumsum(shares)]),
            "ratio": both[0].sum(axis=0) / both[1].sum(axis=0),
            "low": [low for low, _ in spans],
            "high": [high for _, high in spans],
        }
    )


def _sum_waves(unit: Path, shares: Sequence[float]) -> list[float]:
    """One unit's expected clicks a newsletter, of the members in each wave."""
    rules, clicks = read_json(unit / "rules.json"), np.zeros(len(shares) + 1)
    sent = np.zeros(len(shares) + 1)
    for path in sorted((unit / "people").glob("*.parquet")):
        people = read_table(path)
        members = people["member"].to_numpy()
        wave = assign_waves(rules[path.stem]["campaign"], members, shares)
        clicks += np.bincount(wave, people["expected"].to_numpy(), len(clicks))
        sent += np.bincount(wave, minlength=len(sent))
    return list(clicks / np.maximum(sent, 1))
