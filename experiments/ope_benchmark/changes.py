"""Two policies on one log: how often their difference is beyond doubt (Jeunen & Ustimenko 2024).

A made-up world as in their section 4: contexts of five dimensions, a sparse polynomial of degree
four to click rates, of which a part is shared by all articles, a softmax logger, and two policies
that were learned from 2,048 logged sends by weighted classification. Open this file for the
difference with the optimal baseline, and ours.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Floats
from bandit.ope.choosing import blend
from bandit.ope.single.log import Log
from experiments.ope_benchmark.measure import Goal, Part, compare, list_errors

TRAIN, SENDS = 2048, 10_000
WORLDS = [(5, 1.0), (10, 2.0), (15, 4.0)]  # articles, and how greedy the logger is


def draw_run(m: int, greed: float, seed: int) -> tuple[Log, Floats, float]:
    """A log of the first policy, the second's chances [n, m], and their true difference."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import PolynomialFeatures

    rng = keys.generator("changes", m, seed)
    x = rng.normal(size=(TRAIN + SENDS, 5))
    powers = PolynomialFeatures(4, include_bias=False).fit_transform(x)
    matters = rng.random((powers.shape[1], 1)) < 0.3
    slopes = rng.uniform(-1, 1, (powers.shape[1], m)) * matters
    shared = rng.uniform(-1, 1, (powers.shape[1], 1)) * matters
    scores = powers @ shared + powers @ slopes + rng.uniform(-1, 1, m)
    chance = 1 / (1 + np.exp(-(scores - scores.mean()) / scores.std()))
    logged = np.exp(greed * chance)
    logged /= logged.sum(axis=1, keepdims=True)
    action = (logged.cumsum(axis=1) > rng.random((len(x), 1))).argmax(axis=1)
    rows = np.arange(len(x))
    reward = (rng.random(len(x)) < chance[rows, action]).astype(np.float64)
    known, sent = rows[:TRAIN], rows[TRAIN:]
    w = reward[known] / logged[known, action[known]]
    policies = []
    for model in (
        LogisticRegression(C=100, max_iter=10_000),
        RandomForestClassifier(30, min_samples_leaf=10, random_state=seed),
    ):
        model.fit(x[known], action[known], sample_weight=w)
        policies.append(np.eye(m)[model.predict(x[sent])])
    first, second = policies
    log = Log(action[sent], reward[sent], logged[sent], first, x[sent], np.arange(SENDS))
    return log, second, float(((first - second) * chance[sent]).sum(axis=1).mean())


def run(runs: int, seed: int, tick: Callable[[], None]) -> Part:
    """Squared errors of the difference and, as a second case, how often it is not beyond doubt."""
    rows: list[dict[str, object]] = []
    for number in range(runs):
        for at, (m, greed) in enumerate(WORLDS):
            log, second, truth = draw_run(m, greed, seed + number)
            terms = blend.list_changes(log, second)
            told = {name: terms[name] for name in ("ips", "baseline")}
            told["blend"] = blend.blend(np.stack(list(terms.values()), axis=1), log.members)
            place = number * len(WORLDS) + at
            margins = {k: 1.96 * float(v.std()) / np.sqrt(SENDS) for k, v in told.items()}
            off = {k: float(v.mean()) for k, v in told.items()}
            rows += list_errors(
                "squared error", place, {k: (v - truth) ** 2 for k, v in off.items()}
            )
            open_ = {k: float(abs(v) <= margins[k]) for k, v in off.items()}
            rows += list_errors("in doubt", place, open_)
            missed = {k: float(abs(v - truth) > margins[k]) for k, v in off.items()}
            rows += list_errors("truth outside", place, missed)
            tick()
    errors = pd.DataFrame(rows)
    goals = []
    for case in ("squared error", "in doubt"):
        ratio, error = compare(errors, case, "blend", "baseline")
        goals.append(Goal(f"{case} of blend over that of the optimal baseline", ratio, 1.0, error))
    title = f"Differences of two policies, {SENDS:,} sends (Jeunen & Ustimenko 2024)"
    return Part("changes", title, 1.0, errors, goals)
