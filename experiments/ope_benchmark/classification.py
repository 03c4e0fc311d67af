"""Four labelled sets as Open Bandit Pipeline 0.5.7 sets them up in examples/multiclass.

A logistic regression with 60 % chance is the logger, a forest with 10 % the target; 70 % of a set
is the log. Open this file for the seven estimators of that example, and ours beside them.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Floats
from bandit.ope.choosing import blend, slope
from bandit.ope.single import weighing
from bandit.ope.single.doubly_robust import direct, dr, pick, sndr
from bandit.ope.single.importance import Terms, ips, snips
from bandit.ope.single.log import Log
from bandit.ope.single.models import cross_fit
from experiments.ope_benchmark.labelled import make_log, mix_uniform
from experiments.ope_benchmark.measure import Goal, Part, find_best, list_errors, pivot

SETS = ("digits", "breast_cancer", "wine", "iris")
SCALES = [10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10000.0, float("inf")]
SEVEN = ("dm", "ips", "snips", "dr", "sndr", "switch-dr", "dr-os")
SHARE = 0.8  # of the best of the seven, which we are to reach


def draw_run(name: str, seed: int) -> tuple[Log, float]:
    """One log of a set, and what its target earns."""
    from sklearn import datasets
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    known, sent, labels, sent_labels = train_test_split(x, y, test_size=0.7, random_state=seed)
    m = int(y.max()) + 1
    line = make_pipeline(StandardScaler(), LogisticRegression(C=100, max_iter=10_000))
    forest = RandomForestClassifier(30, max_depth=5, min_samples_leaf=10, random_state=12345)
    logged = mix_uniform(line.fit(known, labels).predict(sent), m, 0.4)
    target = mix_uniform(forest.fit(known, labels).predict(sent), m, 0.9)
    rng = keys.generator("classification", name, seed)
    return make_log(np.asarray(sent, np.float64), sent_labels, logged, target, rng)


def fit_trees(seen: Log, asked: Log) -> Floats:
    """Their model [e, m]: boosted trees on features and label, cross-fitted by `cross_fit`."""
    from sklearn.ensemble import GradientBoostingClassifier

    m = seen.logged.shape[1]
    codes = np.eye(m)
    model = GradientBoostingClassifier(
        n_estimators=30, learning_rate=0.01, max_depth=5, min_samples_leaf=10, random_state=12345
    )
    model.fit(np.concatenate([seen.features, codes[seen.action]], axis=1), seen.reward)
    told = [
        model.predict_proba(
            np.concatenate([asked.features, np.tile(code, (len(asked), 1))], axis=1)
        )
        for code in codes
    ]
    return np.stack([each[:, 1] for each in told], axis=1)


def _tune(
    smaller: Callable[[Floats, float], Floats], use: Callable[[Floats], Terms], w: Floats
) -> Terms:
    """The estimate that SLOPE takes out of `SCALES`."""
    terms = [use(smaller(w, scale)) for scale in SCALES]
    margins = [float(1.28 * each.std() / np.sqrt(len(each) - 1)) for each in terms]
    return terms[slope.choose([float(each.mean()) for each in terms], margins)]


def estimate_all(log: Log) -> dict[str, float]:
    """The seven of that example, and ours."""
    w, model = log.weigh(), cross_fit(log, fit_trees, folds=3)
    shown, wanted = pick(model, log.action), direct(log.target, model)

    def repair(weights: Floats) -> Terms:
        return dr(weights, log.reward, shown, wanted)

    found = {
        "dm": wanted,
        "ips": ips(w, log.reward),
        "snips": snips(w, log.reward),
        "dr": repair(w),
        "sndr": sndr(w, log.reward, shown, wanted),
        "switch-dr": _tune(weighing.switch, repair, w),
        "dr-os": _tune(weighing.shrink, repair, w),
        "blend": blend.estimate(log),
    }
    return {name: float(terms.mean()) for name, terms in found.items()}


def run(runs: int, seed: int, tick: Callable[[], None]) -> Part:
    """Relative errors on each set, of so many logs."""
    rows: list[dict[str, object]] = []
    for name in SETS:
        for each in range(runs):
            log, truth = draw_run(name, seed + each)
            told = estimate_all(log)
            rows += list_errors(name, each, {k: abs(v / truth - 1) for k, v in told.items()})
            tick()
    errors = pd.DataFrame(rows)
    best = {name: find_best(errors, name, SEVEN) for name in SETS}
    bound = SHARE * _average([pivot(errors, name)[best[name]].mean() for name in SETS])
    value = _average([pivot(errors, name)["blend"].mean() for name in SETS])
    what = f"geometric mean of blend's relative error, {SHARE} of the best of seven in hindsight"
    title = "Labelled sets as Open Bandit Pipeline has them, relative error"
    return Part("classification", title, 1.0, errors, [Goal(what, value, bound)])


def _average(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))
