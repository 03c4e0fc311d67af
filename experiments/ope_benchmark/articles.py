"""Five hundred articles on ten topics: what topics are worth (Saito & Joachims 2022).

Open this file for a made-up world in which an article's topic tells most, not all, of its clicks.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bandit.core import keys
from bandit.core.types import Ints
from bandit.ope.choosing import blend
from bandit.ope.single.importance import ips, snips
from bandit.ope.single.log import Log
from bandit.ope.single.topics import merge_topics
from experiments.ope_benchmark.measure import Goal, Part, compare, list_errors

ARTICLES, TOPICS, SENDS = 500, 10, 5000
# logits: of the mean chance, and how far articles of a topic differ
WORLDS = {
    "mostly read": (0.5, 0.0),
    "rarely clicked": (-3.0, 0.0),
    "articles differ": (0.5, 0.2),
}


def draw_run(level: float, apart: float, seed: int) -> tuple[Log, Ints, float]:
    """A log, each article's topic [m], and what the target earns.

    level, apart: as in `WORLDS`
    """
    rng = keys.generator("articles", seed)
    x = rng.normal(size=(SENDS, 5))
    topic = rng.permutation(np.arange(ARTICLES) % TOPICS)
    taste = x @ rng.normal(size=(5, TOPICS)) * 0.5
    scores = taste[:, topic] + apart * rng.normal(size=ARTICLES)
    chance = 1 / (1 + np.exp(-level - scores))
    logged = np.exp(-0.3 * scores + 0.5 * rng.normal(size=ARTICLES))
    logged /= logged.sum(axis=1, keepdims=True)
    best = np.eye(ARTICLES)[scores.argmax(axis=1)]
    target = 0.8 * best + 0.2 / ARTICLES
    drawn = logged.cumsum(axis=1) > rng.random((SENDS, 1))
    drawn[:, -1] = True
    action = drawn.argmax(axis=1)
    reward = (rng.random(SENDS) < chance[np.arange(SENDS), action]).astype(np.float64)
    value = float((target * chance).sum(axis=1).mean())
    return Log(action, reward, logged, target, x, np.arange(SENDS)), topic, value


def run(runs: int, seed: int, tick: Callable[[], None]) -> Part:
    """Squared errors in both worlds, of so many logs."""
    rows: list[dict[str, object]] = []
    for case, (level, apart) in WORLDS.items():
        for each in range(runs):
            log, topic, truth = draw_run(level, apart, seed + each)
            merged = merge_topics(log, topic)
            w = merged.weigh()
            told = {
                "ips": ips(log.weigh(), log.reward),
                "snips": snips(log.weigh(), log.reward),
                "mips": ips(w, log.reward),
                "mips, self-normalised": snips(w, log.reward),
                "blend of topics": blend.estimate(merged),
            }
            told |= {f"offcem {k}": v for k, v in blend.list_terms(merged).items() if k[:2] == "dr"}
            off = {name: (float(terms.mean()) - truth) ** 2 for name, terms in told.items()}
            rows += list_errors(case, each, off)
            tick()
    errors = pd.DataFrame(rows)
    goals = [
        Goal(f"{case}: squared error of blend over that of MIPS", *_order(errors, case))
        for case in WORLDS
    ]
    title = f"{ARTICLES} articles on {TOPICS} topics, 10^4 times the mean squared error"
    return Part("articles", title, 1e4, errors, goals)


def _order(errors: pd.DataFrame, case: str) -> tuple[float, float, float]:
    ratio, error = compare(errors, case, "blend of topics", "mips")
    return ratio, 0.5, error
