"""The small Open Bandit Dataset: a fashion shop's recommendations and their propensities.

Open this to read that log (Saito, Aihara, Matsutani & Narita 2021, "Open Bandit Dataset and
Pipeline: towards realistic and reproducible off-policy evaluation", arXiv:2008.07146).
`python -m experiments.data` fetches the files: 10,000 rounds each, 38 to 69 clicks, enough to show
that a loader and an estimator work, too few to rank anything.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.types import Floats
from bandit.ope.sample_size import effective_sample_size
from simulators.replay.loaders.tables import (
    Account,
    ChoiceLog,
    check_uniform,
    list_articles,
    parse_flags,
    parse_integers,
    parse_numbers,
    parse_words,
    read,
    refuse,
)

LOGGERS, CAMPAIGNS, POSITIONS = ("random", "bts"), ("all", "men", "women"), 3
# below this the log can judge no policy but its own: the weights of a few rounds decide
LEAST_ESS = 100.0
_USER = [f"user_feature_{i}" for i in range(4)]


@dataclass(frozen=True)
class OpenBandit:
    """The loader of that set.

    folder: holds random/all/all.csv and its like
    logger: who chose, `random` (uniform) or `bts` (Bernoulli Thompson sampling)
    campaign: all (80 articles), men (34) or women (46)
    position: keep only what was shown there (1 left, 2 centre, 3 right); None keeps all three, each
        its own round
    """

    folder: str
    logger: str = "random"
    campaign: str = "all"
    position: int | None = None

    def read(self) -> ChoiceLog:
        """The log; `rounds` holds time, position, and affinity_0 and so on.

        An affinity is how often the member had clicked the article before.

        Raises ValueError for a file that is missing or damaged, a uniform log that is not uniform,
        and for propensities so uneven that the log's effective sample size (Kish 1965) for the
        uniform policy is below LEAST_ESS.
        """
        self._check_options()
        name = f"{self.logger}/{self.campaign}"
        path = Path(self.folder) / name / f"{self.campaign}.csv"
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file; `make data` fetches it")
        articles = _read_articles(path.with_name("item_context.csv"))
        m = len(articles)
        table = _read_rounds(path, m)
        n = len(table)
        choice = parse_integers(path, table, "item_id", 0, m - 1)
        position = parse_integers(path, table, "position", 1, POSITIONS)
        clicked = parse_flags(path, table, "click")
        propensity = parse_numbers(path, table, "propensity_score", 0, 1)
        refuse(path, table, "propensity_score", propensity == 0, "must be in (0, 1]")
        time = pd.to_datetime(table["timestamp"], utc=True, errors="coerce", format="ISO8601")
        refuse(path, table, "timestamp", time.isna().to_numpy(), "must be a time")
        if self.logger == "random":
            wrong = np.abs(propensity * m - 1) > 1e-9
            rule = f"a uniform log of {m} articles has 1/{m}"
            refuse(path, table, "propensity_score", wrong, rule)
            check_uniform(name, choice, m)
        _check_ess(name, propensity, m)
        users = {user: parse_words(path, table, user) for user in _USER}
        members = pd.DataFrame({"member": np.arange(1, n + 1)} | users)
        affinity = {
            f"affinity_{j}": parse_numbers(path, table, f"user-item_affinity_{j}", 0, np.inf)
            for j in range(m)
        }
        rounds = pd.DataFrame({"time": time, "position": position} | affinity)
        keep = np.ones(n, dtype=bool)
        dropped = {}
        if self.position is not None:
            keep = position == self.position
            dropped["shown elsewhere"] = int((~keep).sum())
        return ChoiceLog(
            members=members[keep].reset_index(drop=True),
            articles=articles,
            rounds=rounds[keep].reset_index(drop=True),
            choice=choice[keep],
            propensity=propensity[keep],
            clicked=clicked[keep],
            account=Account(name, n, int(keep.sum()), dropped),
        )

    def _check_options(self) -> None:
        for what, value, valid in (
            ("logger", self.logger, LOGGERS),
            ("campaign", self.campaign, CAMPAIGNS),
            ("position", self.position, (None, *range(1, POSITIONS + 1))),
        ):
            if value not in valid:
                raise ValueError(f"{what} = {value!r}; must be one of {', '.join(map(str, valid))}")


def _read_rounds(path: Path, m: int) -> pd.DataFrame:
    """The log's rounds as text, with an affinity for each of m articles and no more."""
    affinities = [f"user-item_affinity_{j}" for j in range(m)]
    needed = ["timestamp", "item_id", "position", "click", "propensity_score", *_USER, *affinities]
    table = read(path, needed)
    if f"user-item_affinity_{m}" in table:
        raise ValueError(
            f"{path} knows more than the {m} articles of {path.with_name('item_context.csv')}"
        )
    return table


def _read_articles(path: Path) -> pd.DataFrame:
    """The pool, with the four features that are all the publisher tells of an article."""
    features = [f"item_feature_{i}" for i in range(4)]
    table = read(path, ["item_id", *features])
    item = parse_integers(path, table, "item_id", 0, len(table) - 1)
    wrong = item != np.arange(len(table))
    refuse(path, table, "item_id", wrong, "articles must be numbered from 0, in order")
    pool = list_articles([f"item-{j}" for j in item], [f"Item {j}" for j in item])
    pool[features[0]] = parse_numbers(path, table, features[0], -np.inf, np.inf)
    return pool.assign(**{name: parse_words(path, table, name) for name in features[1:]})


def _check_ess(name: str, propensity: Floats, m: int) -> None:
    """Raise ValueError where propensities [n] are too uneven to judge the uniform policy."""
    ess = effective_sample_size(1 / (m * propensity))
    if ess < LEAST_ESS:
        raise ValueError(
            f"{name}: {len(propensity):,} rounds count as {ess:.1f} of a uniform policy "
            f"(propensities down to {propensity.min():.2g}), fewer than {LEAST_ESS:g}: "
            "this log can judge no other policy"
        )
