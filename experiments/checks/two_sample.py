"""Can a classifier tell a log's members from those of an association? (AUC .5: no. 1: always.)

The classifier two-sample test of Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests":
train on some members, judge on others; if both tables have the same law, nothing beats a coin. Here
it is judged by AUC, and by the best of three classifiers. What they read of each member is in
`experiments.checks.member_tables`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Floats, Ids, Ints, Round
from bandit.policy import Policy
from experiments.checks.member_tables import tabulate_clicks, tabulate_members
from simulators.base import Simulator
from simulators.play import play

AGREES = 0.60  # the largest AUC at which a fitted association counts as like its log


@dataclass(frozen=True)
class TwoSample:
    """How well two tables can be told apart.

    auc: of the classifier that tells best
    low, high: the 95 % bootstrap interval of `auc` over the held-out members
    classifier: which one it is
    aucs: of each classifier
    importances: what the AUC loses where a group of columns is shuffled, the largest loss first;
        columns `columns` (the group) and `lost`
    """

    auc: float
    low: float
    high: float
    classifier: str
    aucs: dict[str, float]
    importances: pd.DataFrame


def draw_share(ids: Ids, purpose: str, share: float = 0.5) -> set[object]:
    """About `share` of the members, drawn by key.

    They are the same ones wherever and in whatever order it is asked; another `purpose` draws
    others.
    """
    luck = keys.uniforms(0, purpose, "two sample", keys.member_keys(ids), 1)[:, 0]
    return set(ids[luck < share].tolist())


def c2st(
    log: pd.DataFrame, simulated: pd.DataFrame, held_out: Collection[object], seed: int = 0
) -> TwoSample:
    """The classifier two-sample test. No member is both trained on and judged on.

    log, simulated: two tables of `tabulate_members`, or two of `tabulate_clicks`
    held_out: the members who are judged; the others are trained on
    seed: of the classifiers, the bootstrap and the shuffles

    Raises ValueError where either side of the split has members of one table only.
    """
    both = pd.concat([log, simulated])
    one_sided = [name for name in both if name not in log or name not in simulated]
    both = both.fillna(dict.fromkeys(one_sided, 0.0))  # kinds and attribute values of one only
    label = np.repeat([1, 0], [len(log), len(simulated)])
    test = np.asarray(both.index.isin(list(held_out)))
    for where, rows in (("to train on", ~test), ("held out", test)):
        if len(np.unique(label[rows])) < 2:
            raise ValueError(f"members {where}: {int(rows.sum())} rows, not of both tables")
    x, truth = both.to_numpy(), label[test]
    fitted = {name: model.fit(x[~test], label[~test]) for name, model in _classifiers(seed).items()}
    scores = {name: model.predict_proba(x[test])[:, 1] for name, model in fitted.items()}
    aucs = {name: auc(truth, score) for name, score in scores.items()}
    best = max(aucs, key=lambda name: aucs[name])
    low, high = _bootstrap(truth, scores[best], both.index[test], seed)
    names = list(both.columns)
    importances = _measure_importances(fitted[best], x[test], truth, names, aucs[best], seed)
    return TwoSample(aucs[best], low, high, best, aucs, importances)


def compare_with_log(
    log: Sequence[Round],
    fit: Callable[[list[object] | None], Simulator],
    policy: Callable[[], Policy],
    seed: int,
    learn: bool = False,
) -> list[tuple[str, str, TwoSample]]:
    """The test of a simulator fitted to a log.

    Half of the members are held out from the classifiers. The simulator was fitted to all members,
    or without these ("the others": they are simulated from their attributes alone).

    log: rounds that were sent
    fit: makes the simulator from the members with these ids; None: from all
    policy: makes a new policy of the kind that sent the log
    seed: of the slates, the split and the test
    learn: the policy learns on the way, as it did when the log was sent

    Returns (fitted to, table, result) four times.
    """
    tables = {"members": tabulate_members, "clicks": tabulate_clicks}
    own = {name: tabulate(log) for name, tabulate in tables.items()}
    held_out = draw_share(own["members"].index.to_numpy(), f"held out {seed}")
    others = [member for member in own["members"].index if member not in held_out]
    found = []
    for whom, ids in (("all", None), ("the others", others)):
        rounds = list(play(policy(), fit(ids), seed, len(log), learn=learn))
        found += [
            (whom, name, c2st(own[name], tabulate(rounds), held_out, seed))
            for name, tabulate in tables.items()
        ]
    return found


def _classifiers(seed: int) -> dict[str, Any]:
    """The three of scikit-learn, not yet fitted, by name."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    filled = SimpleImputer(strategy="constant", fill_value=0.0, add_indicator=True)
    trees: dict[str, Any] = {"min_samples_leaf": 30, "random_state": seed}
    return {
        "boosted trees": HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=15, max_iter=120, **trees
        ),
        "random forest": make_pipeline(filled, RandomForestClassifier(150, n_jobs=1, **trees)),
        "logistic regression": make_pipeline(
            filled, StandardScaler(), LogisticRegression(C=0.05, max_iter=500)
        ),
    }


def auc(label: Ints, score: Floats) -> float:
    """P(a row of the log scores above a simulated one), ties half: Mann & Whitney 1947.

    The same number as sklearn's `roc_auc_score`, which takes 6 ms for 4,000 rows where this takes
    0.9 ms; each bootstrap asks 400 times.

    label: 1 for rows of the log, 0 for simulated ones, [r]
    score: the classifier's, [r]
    """
    from scipy.stats import rankdata

    ranks, positive = rankdata(score), label == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _bootstrap(
    label: Ints, score: Floats, members: pd.Index, seed: int, times: int = 400
) -> tuple[float, float]:
    """The middle 95 % of AUCs over members drawn anew, all rows of a member together."""
    rng = keys.generator("two sample", "bootstrap", seed)
    group = np.unique(members.to_numpy(), return_inverse=True)[1]
    rows = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[rows], np.arange(group.max() + 2))
    aucs = []
    for _ in range(times):
        drawn = rng.integers(0, len(starts) - 1, len(starts) - 1)
        sizes = starts[drawn + 1] - starts[drawn]
        inside = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        taken = rows[np.repeat(starts[drawn], sizes) + inside]
        aucs.append(auc(label[taken], score[taken]))
    low, high = np.quantile(aucs, [0.025, 0.975])
    return float(low), float(high)


def _measure_importances(
    model: Any, x: Floats, label: Ints, names: list[str], whole: float, seed: int, times: int = 3
) -> pd.DataFrame:
    """What the AUC loses where a group of columns is shuffled together, the mean of several times.

    This is the permutation importance of Breiman 2001. `whole` is the AUC of nothing shuffled.
    """
    rng = keys.generator("two sample", "importances", seed)
    groups: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        groups.setdefault(name.split(":")[0], []).append(column)
    lost = []
    for columns in groups.values():
        after = []
        for _ in range(times):
            shuffled = x.copy()
            shuffled[:, columns] = x[rng.permutation(len(x))][:, columns]
            after.append(auc(label, model.predict_proba(shuffled)[:, 1]))
        lost.append(whole - float(np.mean(after)))
    table = pd.DataFrame({"columns": list(groups), "lost": lost})
    return table.sort_values("lost", ascending=False, ignore_index=True)
