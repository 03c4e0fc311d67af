"""Can a classifier tell a log's members from those of an association? (AUC .5: no. 1: always.)

The classifier two-sample test of Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests": train on some members,
judge on others; if both tables have the same law, nothing beats a coin. Here by AUC, and by the best of three classifiers.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Context, Floats, Ints, Round
from bandit.policy import Policy
from bandit.slates.walk import draw

AGREES = 0.60  # the largest AUC at which a fitted association counts as like its log


@dataclass(frozen=True)
class TwoSample:
    """auc, low, high: of the classifier that tells best, with a 95 % bootstrap interval over the held-out members.
    aucs: of each classifier. importances: what AUC loses where a group of columns is shuffled, largest first."""

    auc: float
    low: float
    high: float
    classifier: str
    aucs: dict[str, float]
    importances: pd.DataFrame


def play(
    simulator: Any, policy: Policy, issues: int, seed: int, learn: bool = False
) -> list[Round]:
    """Issues 1 to `issues` as a started policy sends them; `learn`: it learns on the way."""
    rounds = []
    for number in range(1, issues + 1):
        context: Context = simulator.issue(number)
        slates = draw(policy.plan(context), context, seed)
        rounds.append(Round(context, slates, simulator.respond(context, slates)))
        if learn:
            policy.learn(rounds[-1])
    return rounds


def halves(ids: Collection[Any], purpose: str, share: float = 0.5) -> set[Any]:
    """About `share` of the members, by key: the same ones wherever and in whatever order it is asked."""
    members = np.asarray(ids)
    chosen = keys.uniforms(0, purpose, "two sample", keys.member_keys(members), 1)[:, 0] < share
    return set(members[chosen].tolist())


def members_table(rounds: Sequence[Round]) -> pd.DataFrame:
    """One row a member, indexed by id; columns of one group are named "group:which". NaN: never clicked.

    Attributes (one-hot or as numbers), then from feedback: issues and bounces, first and last issue on the list, opens
    (early and late half, right after an open, longest run without), clicks (by slot and kind, opens with one, opens with
    more), the mean text of what was clicked and how alike it is, dwell, unsubscribed.
    """
    if not rounds:
        raise ValueError("the log has no rounds")
    ids = pd.Index(
        pd.unique(np.concatenate([round.context.member_ids for round in rounds])), name="member"
    )
    n, slots = len(ids), max(round.slates.choice.shape[1] for round in rounds)
    kinds = sorted({kind for round in rounds for kind in round.context.articles["kind"]})
    q = rounds[0].context.article_features.shape[1]
    text = slice(min(3, q), q)  # beside the constant and the kinds
    counts = [
        "issues",
        "bounces",
        "opens:early",
        "opens:late",
        "opens:again",
        "opens:clicked",
        "opens:more",
        "unsubscribed",
    ]
    found = pd.DataFrame(0.0, ids, counts)
    by_slot, by_kind, sums, squares = (
        np.zeros((n, slots)),
        np.zeros((n, len(kinds))),
        np.zeros((n, q)),
        np.zeros(n),
    )
    silence, longest, last_open, dwell = (
        np.zeros(n),
        np.zeros(n),
        np.zeros(n, dtype=bool),
        np.zeros(n),
    )
    first, last = np.full(n, len(rounds)), np.zeros(n)
    table = found.to_numpy(copy=True).T
    for t, round in enumerate(rounds):
        rows, feedback, shown = (
            ids.get_indexer(pd.Index(round.context.member_ids)),
            round.feedback,
            round.slates.choice,
        )
        opened, clicks = feedback.opened, feedback.clicked.sum(axis=1)
        half = 2 if 2 * t < len(rounds) else 3
        first[rows], last[rows] = np.minimum(first[rows], t), t
        answers = {
            0: feedback.delivered,
            1: ~feedback.delivered,
            half: opened,
            4: opened & last_open[rows],
        }
        for row, happened in (
            answers | {5: clicks > 0, 6: clicks > 1, 7: feedback.unsubscribed}
        ).items():
            table[row, rows] += happened
        silence[rows] = np.where(opened, 0, silence[rows] + feedback.delivered)
        longest[rows] = np.maximum(longest[rows], silence[rows])
        last_open[rows] = opened
        at, slot = np.nonzero(feedback.clicked)
        who, article = rows[at], shown[at, slot]
        features = round.context.article_features[article]
        np.add.at(by_slot, (who, slot), 1)
        np.add.at(
            by_kind,
            (who, pd.Index(kinds).get_indexer(pd.Index(round.context.articles["kind"]))[article]),
            1,
        )
        np.add.at(sums, who, features)
        np.add.at(squares, who, (features[:, text] ** 2).sum(axis=1))
        np.add.at(dwell, who, feedback.dwell_seconds[at, slot])
    found[:] = table.T
    total = by_slot.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = {f"text:{d}": sums[:, d] / total for d in range(text.start, q)}
        pairs = np.where(total > 1, total * (total - 1), np.nan)
        alike = ((sums[:, text] ** 2).sum(axis=1) - squares) / pairs
        columns = {
            "first": first,
            "last": last,
            "opens:all": table[2] + table[3],
            "silence": longest,
            "clicks": total,
        }
        columns |= {f"slot:{j + 1}": by_slot[:, j] for j in range(slots)}
        columns |= {f"kind:{kind}": by_kind[:, j] for j, kind in enumerate(kinds)}
        columns |= {"alike": alike, "dwell": dwell / total} | means
    return pd.concat([_attributes(rounds, ids), found, pd.DataFrame(columns, ids)], axis=1).astype(
        float
    )


def clicks_table(rounds: Sequence[Round]) -> pd.DataFrame:
    """One row a click, indexed by the member's id: the sharper question, since most members hardly click. Attributes, slot,
    kind and text of the article, opens and clicks before this issue, how alike it is to what was clicked before (NaN: first
    click), other clicks in this issue. Columns in groups as in `members_table`. Raises ValueError for a log without a click.
    """
    if not any(round.feedback.clicked.any() for round in rounds):
        raise ValueError("the log has no click")
    ids = pd.Index(
        pd.unique(np.concatenate([round.context.member_ids for round in rounds])), name="member"
    )
    q = rounds[0].context.article_features.shape[1]
    sums, opens, clicks, parts, members = (
        np.zeros((len(ids), q)),
        np.zeros(len(ids)),
        np.zeros(len(ids)),
        [],
        [],
    )
    for round in rounds:
        rows, feedback = ids.get_indexer(pd.Index(round.context.member_ids)), round.feedback
        at, slot = np.nonzero(feedback.clicked)
        who, article = rows[at], round.slates.choice[at, slot]
        features = round.context.article_features[article]
        with np.errstate(divide="ignore", invalid="ignore"):
            alike = (sums[who, 3:] * features[:, 3:]).sum(axis=1) / clicks[who]
        parts.append(
            pd.DataFrame(
                {
                    "slot": slot,
                    "opens": opens[who],
                    "clicks": clicks[who],
                    "others": feedback.clicked.sum(axis=1)[at] - 1,
                }
                | {"alike": alike, "dwell": feedback.dwell_seconds[at, slot]}
                | {f"kind:{d}": features[:, d] for d in range(1, min(3, q))}
                | {f"text:{d}": features[:, d] for d in range(3, q)},
            )
        )
        members.append(ids[who])
        opens[rows] += feedback.opened
        clicks[rows] += feedback.clicked.sum(axis=1)
        np.add.at(sums, who, features)
    who = members[0].append(members[1:])
    table = pd.concat(parts, ignore_index=True).set_index(who)
    both: pd.DataFrame = pd.concat([_attributes(rounds, ids).loc[who], table], axis=1)
    return both.astype(float)


def _attributes(rounds: Sequence[Round], ids: pd.Index) -> pd.DataFrame:
    """The members' attributes as last known, one-hot or as numbers, "attribute:value"."""
    members = pd.concat([round.context.members for round in rounds]).drop_duplicates(
        "member", keep="last"
    )
    coded: pd.DataFrame = pd.get_dummies(
        members.set_index("member").loc[ids], prefix_sep=":", dtype=float
    )
    return coded


def c2st(
    log: pd.DataFrame, simulated: pd.DataFrame, held_out: Collection[Any], seed: int = 0
) -> TwoSample:
    """Train on the members that are not held out, judge on those that are; no member is in both. Two tables of
    `members_table`. Raises ValueError where either side of the split has members of one table only."""
    both = pd.concat([log, simulated])
    for name in both.columns[
        both.isna().any()
    ]:  # a kind or an attribute value that only one of them has
        if name not in log or name not in simulated:
            both[name] = both[name].fillna(0.0)
    label = np.repeat([1, 0], [len(log), len(simulated)])
    test = np.asarray(both.index.isin(list(held_out)))
    for where, rows in (("to train on", ~test), ("held out", test)):
        if len(np.unique(label[rows])) < 2:
            raise ValueError(f"members {where}: {int(rows.sum())} rows, not of both tables")
    x = both.to_numpy()
    fitted = {name: model.fit(x[~test], label[~test]) for name, model in _classifiers(seed).items()}
    scores = {name: model.predict_proba(x[test])[:, 1] for name, model in fitted.items()}
    aucs = {name: _auc(label[test], score) for name, score in scores.items()}
    best = max(aucs, key=lambda name: aucs[name])
    low, high = _interval(label[test], scores[best], both.index[test], seed)
    importances = _importances(
        fitted[best], x[test], label[test], list(both.columns), aucs[best], seed
    )
    return TwoSample(aucs[best], low, high, best, aucs, importances)


def fitted_and_log(
    log: Sequence[Round],
    fit: Callable[[list[Any] | None], Any],
    policy: Callable[[], Policy],
    seed: int,
    learn: bool = False,
) -> list[tuple[str, str, TwoSample]]:
    """The test of a simulator fitted to a log: (fitted to, table, result) four times. Half of the members are held out from
    the classifiers; the simulator was fitted to all members, or without these ("the others": they are simulated from their
    attributes alone). policy: a new one of the kind that sent the log, started. fit: makes the simulator from the members
    with these ids, None: all."""
    tables = {"members": members_table, "clicks": clicks_table}
    own = {name: table(log) for name, table in tables.items()}
    held_out = halves(own["members"].index.to_numpy(), f"held out {seed}")
    others = [member for member in own["members"].index if member not in held_out]
    found = []
    for whom, ids in (("all", None), ("the others", others)):
        rounds = play(fit(ids), policy(), len(log), seed, learn)
        found += [
            (whom, name, c2st(own[name], table(rounds), held_out, seed))
            for name, table in tables.items()
        ]
    return found


def _classifiers(seed: int) -> dict[str, Any]:
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


def _auc(label: Ints, score: Floats) -> float:
    """P(a row of the log scores above a simulated one), ties half: Mann & Whitney 1947."""
    from scipy.stats import rankdata

    ranks, positive = rankdata(score), label == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _interval(
    label: Ints, score: Floats, members: pd.Index, seed: int, times: int = 400
) -> tuple[float, float]:
    """The middle 95 % of AUCs over members drawn anew, both rows of a member together."""
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
        aucs.append(_auc(label[taken], score[taken]))
    low, high = np.quantile(aucs, [0.025, 0.975])
    return float(low), float(high)


def _importances(
    model: Any, x: Floats, label: Ints, names: list[str], whole: float, seed: int, times: int = 3
) -> pd.DataFrame:
    """What AUC loses when a group of columns is shuffled together (Breiman 2001, permutation importance)."""
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
            after.append(_auc(label, model.predict_proba(shuffled)[:, 1]))
        lost.append(whole - float(np.mean(after)))
    table = pd.DataFrame({"columns": list(groups), "lost": lost})
    return table.sort_values("lost", ascending=False, ignore_index=True)
