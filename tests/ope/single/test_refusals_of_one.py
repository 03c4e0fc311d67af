"""What the estimators of one choice refuse, and in which words."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bandit.ope.single import doubly_robust, importance, loggers, replay, topics, weighing
from tests.support.single_cases import draw_log

LOG, _ = draw_log(5, n=30)
TWO, NAN = np.ones(2), np.array([1.0, np.nan])
NEVER = "the logging policy could not have chosen this article"


def change(name: str, row: int, value: float) -> Callable[[], object]:
    values = np.array(getattr(LOG, name), dtype=float if name != "action" else int)
    values[row] = value
    return lambda: replace(LOG, **{name: values})


REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "zero": (lambda: weighing.weigh(np.array([0.5, 0.0]), TWO), NEVER),
    "more": (lambda: weighing.weigh(TWO, 2 * TWO), r"target\[0, 0\] = 2.0; must be in \[0, 1\]"),
    "shape": (lambda: weighing.weigh(TWO, np.ones(3)), r"target has shape \(3,\); must be \(2,\)"),
    "huge": (lambda: weighing.weigh(np.full(2, 1e-200), TWO), r"weight\[0, 0\].*1e\+100"),
    "most": (lambda: weighing.clip(TWO, 0.0), "most = 0.0; must be positive"),
    "scale": (lambda: weighing.shrink(TWO, float("nan")), "scale = nan; must be positive"),
    "share": (lambda: weighing.smooth(TWO, 1.5), "share = 1.5"),
    "negative": (lambda: importance.ips(-TWO, TWO), r"weight\[0\] = -1.0; weights must be"),
    "nan": (lambda: importance.ips(TWO, NAN), r"values 0\[1, 0\] = nan"),
    "nothing": (lambda: importance.ips(np.ones(0), np.ones(0)), "there are no sends"),
    "gone": (lambda: importance.snips(0 * TWO, TWO), "every weight is 0"),
    "model": (
        lambda: doubly_robust.direct(np.ones((2, 1)), NAN[:, None]),
        r"model\[1, 0\] = nan",
    ),
    "topic": (
        lambda: topics.weigh_topics(LOG.logged, LOG.target, np.zeros(3, int), LOG.action),
        r"topic has shape \(3,\); must be \(5,\)",
    ),
    "unseen": (
        lambda: topics.weigh_seen(LOG.logged, LOG.target, 0 * LOG.logged),
        "send 0: the logger has no chance of what was shown",
    ),
    "groups": (lambda: topics.average_weights(TWO, TWO, 0), "groups = 0"),
    "sends": (lambda: loggers.balance(np.ones((2, 2)), np.array([0, 0])), r"sends = \[.*0"),
    "none": (
        lambda: loggers.balance(np.array([[0.5, 0.5], [0.0, 0.2]]), np.array([1, 0])),
        "send 1: no logger could have shown this",
    ),
    "flat": (
        lambda: loggers.weigh_loggers(TWO, np.array([0, 0])),
        "logger 0: its 2 terms do not vary",
    ),
    "lucky": (lambda: replay.keep(TWO, TWO), r"luck must be in \[0, 1\)"),
    "above": (lambda: replay.keep(3 * TWO, 0 * TWO, 2.0), "a weight is 3; must be at most most"),
    "empty": (lambda: replay.replay(np.zeros(2, bool), TWO), "no send was kept"),
    "reward": (change("reward", 3, np.inf), r"reward\[3, 0\] = inf"),
    "action": (change("action", 2, 5), r"action\[2\] = 5; must be from 0 to 4"),
    "no article": (
        lambda: doubly_robust.pick(np.ones((2, 3)), np.array([0, 3])),
        r"action\[1\] = 3; must be from 0 to 2",
    ),
    "below": (
        lambda: doubly_robust.pick(np.ones((2, 3)), np.array([0, -1])),
        r"action\[1\] = -1; must be from 0 to 2",
    ),
    "logged": (change("logged", 4, 0.3), r"logged\[4\] adds up to 1.5"),
    "target": (change("target", 1, -0.2), r"target\[1\] adds up to -1, its least is -0.2"),
    "features": (change("features", 6, np.nan), r"features\[6, 0\] = nan"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused_in_words(name: str) -> None:
    attempt, words = REFUSALS[name]
    with pytest.raises(ValueError, match=words):
        attempt()


def test_what_was_shown_is_picked_however_the_model_lies_in_memory() -> None:
    model, action = np.arange(12.0).reshape(3, 4), np.array([3, 0, 2])
    assert doubly_robust.pick(model, action).tolist() == [3.0, 4.0, 10.0]
    assert doubly_robust.pick(np.asfortranarray(model), action).tolist() == [3.0, 4.0, 10.0]
    assert doubly_robust.pick(model[::2], action[::2]).tolist() == [3.0, 10.0]
    assert doubly_robust.pick(model[:0], action[:0]).tolist() == []
