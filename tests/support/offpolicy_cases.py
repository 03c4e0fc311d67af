"""Logs with a known oracle, and a learner that the off-policy learner is measured against.

The logs are made in the manner of the Open Bandit Pipeline (Saito, Aihara, Matsutani & Narita
2021), and the other learner is its IPW learner.
"""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Floats, Ints, Round, SlotPmf
from bandit.policies.offpolicy import OffPolicy
from bandit.slates import exploration
from bandit.slates.propensity import draw
from tests.support.builders import context_of, pool_of

ACTIONS = 10


def make_log(
    kind: str, d: int, n: int, seed: int
) -> tuple[Floats, Floats, Floats, Ints, Floats, Floats]:
    """n logged rounds and 20,000 more to judge by.

    Contexts x, features that both learners get, P(reward | action), the logged action, its
    propensity, its reward. Rewards are logistic in the features, which are the contexts
    ("logistic") or their monomials of degree 2 as well ("quadratic"). The logger is a softmax of
    its own random linear taste.
    """
    rng = np.random.default_rng([seed, d, n, kind == "quadratic"])
    features = x = rng.standard_normal((n + 20_000, d))
    if kind == "quadratic":
        i, j = np.triu_indices(d)
        features = np.hstack([x, x[:, i] * x[:, j] - (i == j)])
    theta = rng.standard_normal((features.shape[1], ACTIONS)) / np.sqrt(features.shape[1])
    q = expit(1.5 * features @ theta + rng.normal(-1.0, 0.5, ACTIONS))
    taste = x @ rng.standard_normal((d, ACTIONS)) / np.sqrt(d)
    p = exploration.softmax(1.0)(taste, np.ones(taste.shape, dtype=bool))
    action = (p.cumsum(axis=1) > rng.random((len(x), 1))).argmax(axis=1)
    at = np.arange(len(x))
    return (
        x,
        features,
        q,
        action,
        p[at, action],
        (rng.random(len(x)) < q[at, action]).astype(np.float64),
    )


def make_issue(features: Floats, actions: int) -> Context:
    n = len(features)
    return context_of(
        n,
        actions,
        Rules(slots=1),
        members=pd.DataFrame({"member": np.arange(n)}),
        articles=pool_of(actions, article=[f"a{j:02d}" for j in range(actions)]),
        member_features=np.hstack([np.ones((n, 1)), features]),
        article_features=np.hstack([np.ones((actions, 1)), np.eye(actions)]),
    )


def learn_log(
    features: Floats, action: Ints, p: Floats, reward: Floats, actions: int, **given: Any
) -> OffPolicy:
    """What the policy learns from one-slot newsletters that everyone opened."""
    defaults = {"temperature": 0.2, "unclicked": 1.0, "own_sd": 0.0, "rate": 0.3, "max_slots": 1}
    asked: dict[str, Any] = defaults | {"logging_issues": 1, "every": 1} | given
    policy = OffPolicy(**asked)
    names = {"member_names": ["constant", *(f"x{d}" for d in range(features.shape[1]))]}
    policy.start(
        SimpleNamespace(**names, article_names=["constant", *(f"text{j}" for j in range(actions))])
    )  # type: ignore[arg-type]  # options by name
    context = make_issue(features, actions)
    plan = SlotPmf(np.zeros((len(p), actions)), lambda s, o: exploration.softmax(1.0)(s, o))
    slates = replace(draw(plan, context, 0), choice=action[:, None], propensity=p[:, None])
    yes = np.ones(len(p), dtype=bool)
    clicked = reward[:, None] > 0
    policy.learn(
        Round(
            context,
            slates,
            Feedback(yes, yes, ~yes, np.ones_like(action)[:, None], clicked, 0.0 * p[:, None]),
        )
    )
    return policy


def learn_from_issue(q: Floats, **given: Any) -> tuple[OffPolicy, Context]:
    rng, (n, m) = np.random.default_rng(12), q.shape
    action = rng.integers(0, m, n)
    reward = (rng.random(n) < q[np.arange(n), action]).astype(np.float64)
    features = np.zeros((n, 1))
    policy = learn_log(features, action, np.full(n, 1 / m), reward, m, **given)
    return policy, make_issue(features, m)


def fit_ipw(
    x: Floats, features: Floats, action: Ints, p: Floats, reward: Floats
) -> Callable[[Floats, Floats], Ints]:
    """A classifier of the action with sample weights r / p.

    Logistic regression on the features, or a random forest on the contexts, whichever has the best
    three-fold self-normalised estimate of its value.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold

    made = [(features, 0, LogisticRegression(C=C, max_iter=1000)) for C in (0.01, 0.1, 1.0, 10.0)]
    made += [
        (x, 1, RandomForestClassifier(100, max_depth=depth, min_samples_leaf=leaf, random_state=0))
        for depth in (5, 15)
        for leaf in (5, 25)
    ]

    def fit(inputs: Floats, model: Any, rows: Ints) -> Any:
        rows = rows[reward[rows] > 0]
        return model.fit(inputs[rows], action[rows], sample_weight=(reward / p)[rows])

    def value(inputs: Floats, model: Any) -> float:
        found = 0.0
        for rows, out in KFold(3, shuffle=True, random_state=0).split(p):
            same = fit(inputs, model, rows).predict(inputs[out]) == action[out]
            found += (same * reward[out] / p[out]).sum() / max((same / p[out]).sum(), 1e-9)
        return found

    inputs, which, model = made[int(np.argmax([value(inputs, model) for inputs, _, model in made]))]
    fitted = fit(inputs, model, np.arange(len(p)))
    return lambda x, features: fitted.predict((features, x)[which])
