"""The small Open Bandit Dataset: a fashion shop's recommendations, with the propensities they were drawn with.

Saito, Aihara, Matsutani & Narita 2021, "Open Bandit Dataset and Pipeline: towards realistic and reproducible off-policy
evaluation" (arXiv:2008.07146). `python -m experiments.data` fetches the files: 10,000 rounds each, 38 to 69 clicks, enough
to show that a loader and an estimator work, too few to rank anything.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.ope.diagnostics import effective_sample_size
from simulators.replay.loaders.tables import (
    Account,
    Logged,
    check_uniform,
    numbered,
    numbers,
    read,
    refuse,
    words,
)

LOGGERS, CAMPAIGNS, POSITIONS = ("random", "bts"), ("all", "men", "women"), 3
# below this the log can judge no policy but its own, whatever its number of rows: weights of a few rounds decide
LEAST_ESS = 100.0
_USER = [f"user_feature_{i}" for i in range(4)]


@dataclass(frozen=True)
class OpenBandit:
    """folder: holds random/all/all.csv and its like. logger: who chose, `random` (uniform) or `bts` (Bernoulli Thompson
    sampling). position: keep only what was shown there (1 left, 2 centre, 3 right; None keeps all, each its own round)."""

    folder: str
    logger: str = "random"
    campaign: str = "all"
    position: int | None = None

    def read(self) -> Logged:
        """The log. `rounds` holds time, position and affinity_0, ... (how often the member had clicked each article).

        Raises ValueError for a file that is missing or damaged, a uniform log that is not, and for propensities so uneven
        that its effective sample size (Kish 1965) for the uniform policy is below LEAST_ESS.
        """
        for what, value, valid in (
            ("logger", self.logger, LOGGERS),
            ("campaign", self.campaign, CAMPAIGNS),
            ("position", self.position, (None, *range(1, POSITIONS + 1))),
        ):
            if value not in valid:
                raise ValueError(f"{what} = {value!r}; must be one of {', '.join(map(str, valid))}")
        name = f"{self.logger}/{self.campaign}"
        folder = Path(self.folder) / name
        path = folder / f"{self.campaign}.csv"
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file; `make data` fetches it")
        articles = _articles(folder / "item_context.csv")
        m = len(articles)
        affinities = [f"user-item_affinity_{j}" for j in range(m)]
        table = read(
            path,
            ["timestamp", "item_id", "position", "click", "propensity_score", *_USER, *affinities],
        )
        if f"user-item_affinity_{m}" in table:
            raise ValueError(
                f"{path} knows more than the {m} articles of {folder / 'item_context.csv'}"
            )
        n = len(table)
        choice = numbers(path, table, "item_id", 0, m - 1, whole=True)
        position = numbers(path, table, "position", 1, POSITIONS, whole=True)
        clicked = numbers(path, table, "click", 0, 1, whole=True).astype(bool)
        propensity = numbers(path, table, "propensity_score", 0, 1)
        refuse(path, table, "propensity_score", propensity == 0, "must be in (0, 1]")
        time = pd.to_datetime(table["timestamp"], utc=True, errors="coerce", format="ISO8601")
        refuse(path, table, "timestamp", time.isna().to_numpy(), "must be a time")
        if self.logger == "random":
            wrong = np.abs(propensity * m - 1) > 1e-9
            refuse(
                path, table, "propensity_score", wrong, f"a uniform log of {m} articles has 1/{m}"
            )
            check_uniform(name, choice, m)
        ess = effective_sample_size(1 / (m * propensity))
        if ess < LEAST_ESS:
            raise ValueError(
                f"{name}: {n:,} rounds count as {ess:.1f} of a uniform policy (propensities down to "
                f"{propensity.min():.2g}), fewer than {LEAST_ESS:g}: this log can judge no other policy"
            )
        members = pd.DataFrame(
            {"member": np.arange(1, n + 1)} | {user: words(path, table, user) for user in _USER}
        )
        affinity = {
            f"affinity_{j}": numbers(path, table, column, 0, np.inf)
            for j, column in enumerate(affinities)
        }
        rounds = pd.DataFrame({"time": time, "position": position} | affinity)
        keep = np.ones(n, dtype=bool) if self.position is None else position == self.position
        account = Account(
            name,
            n,
            int(keep.sum()),
            {} if self.position is None else {"shown elsewhere": int((~keep).sum())},
        )
        members, rounds = (part[keep].reset_index(drop=True) for part in (members, rounds))
        return Logged(
            members, articles, rounds, choice[keep], propensity[keep], clicked[keep], account
        )


def _articles(path: Path) -> pd.DataFrame:
    """The pool, with the four features that are all the publisher tells of an article."""
    features = [f"item_feature_{i}" for i in range(4)]
    table = read(path, ["item_id", *features])
    item = numbers(path, table, "item_id", 0, len(table) - 1, whole=True)
    refuse(
        path,
        table,
        "item_id",
        item != np.arange(len(table)),
        "articles must be numbered from 0, in order",
    )
    pool = numbered([f"item-{j}" for j in item], [f"Item {j}" for j in item])
    pool[features[0]] = numbers(path, table, features[0], -np.inf, np.inf)
    return pool.assign(**{name: words(path, table, name) for name in features[1:]})
