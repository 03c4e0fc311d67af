"""Linear models to compare with closed forms: small made-up data, and a model taught with it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Round, Slates
from bandit.features.attributes import Attributes
from bandit.models.linear.forms import Form
from bandit.models.linear.learner import Linear

Make = Callable[..., Context]

LAMBDA = 3.0
TEXTBOOK = {
    "by": "articles",
    "axes": None,
    "ridge": LAMBDA,
    "constant": 1.0,
    "rate": 0.0,
    "max_slots": 4,
}


def make_features(p: int, article_names: list[str]) -> Any:
    """Member features: a constant, a group of two values, numbers."""
    members = ["constant", "group=u", "group=v", *(f"number{i}" for i in range(p - 3))]
    attributes = Attributes(levels={"group": ["u", "v"]})
    return SimpleNamespace(member_names=members, article_names=article_names, attributes=attributes)


def make_issue(make: Make, x: np.ndarray, a: np.ndarray) -> Context:
    return make(len(x), len(a), Rules(slots=1), member_features=x, article_features=a)


def show(context: Context, index: np.ndarray, clicked: np.ndarray) -> Round:
    """Everybody opened and looked at one slot, with this article."""
    n = len(index)
    yes, no = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    role = np.full((n, 1), 2, dtype=np.int8)
    slates = Slates(index[:, None], np.ones((n, 1)), role, np.zeros((n, 1), dtype=np.int8), yes)
    examined = np.ones((n, 1), dtype=np.int8)
    return Round(
        context, slates, Feedback(yes, yes, no, examined, clicked[:, None] > 0, np.zeros((n, 1)))
    )


def draw_data(n: int, p: int, m: int, q: int, one_hot: bool = False) -> tuple[np.ndarray, ...]:
    """x [n, p], a [m, q], the article shown [n] and clicks [n]."""
    rng = np.random.default_rng(n + p)
    group = rng.integers(3, size=n)  # the third: a value never seen before
    x = np.column_stack([np.ones(n), group == 0, group == 1, rng.normal(size=(n, p - 3))]).astype(
        np.float64
    )
    x, a = np.round(x, 3), np.round(np.column_stack([np.ones(m), rng.normal(size=(m, q - 1))]), 3)
    if one_hot:
        a = np.eye(m)
    return x, a, rng.integers(m, size=n), (rng.random(n) < 0.4).astype(float)


def teach(
    make: Make, batch: int, one_hot: bool = False, n: int = 40, **form: Any
) -> tuple[Linear, Context, tuple]:
    """A model taught in issues of `batch` members; the context of all of them; and the data."""
    m, q = (4, 4) if one_hot else (5, 3)
    x, a, index, clicked = data = draw_data(n, 5, m, q, one_hot)
    names = (
        [f"class{j}" for j in range(q)]
        if one_hot
        else ["constant", *(f"text{j}" for j in range(q - 1))]
    )
    linear = Linear(Form(**(TEXTBOOK | form)))
    linear.start(make_features(5, names))
    for first in range(0, n, batch):
        at = slice(first, first + batch)
        linear.learn(show(make_issue(make, x[at], a), index[at], clicked[at]))
    return linear, make_issue(make, x, a), data


def predict(linear: Linear, context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Mean scores and the widths that bounds add to them, both [n, m]."""
    return linear.score(context, linear.W[None])[0], linear.measure_widths(context)
