"""Examination models, logs and brute force that the tests of clicks share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bandit.core import keys
from simulators.examination.models import (
    Cascade,
    DependentClick,
    DynamicBayesian,
    Newsletter,
    PositionBased,
    UserBrowsing,
)
from simulators.examination.walk import walk

ROOT = Path(__file__).parents[2]
CONFIGS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / "configs/clicks").glob("*.yaml"))
}
TRUE: dict[str, Any] = {
    "position_based": PositionBased(
        (1.0, 0.75, 0.56, 0.72, 0.60, 0.43)
    ),  # slot 4 has a large image
    "cascade": Cascade(),
    "dynamic_bayesian": DynamicBayesian(continuation=0.88, satisfaction=0.35),
    "user_browsing": UserBrowsing(
        [
            [1.0, 0.80, 0.66, 0.55, 0.47, 0.40],
            [0.90, 0.75, 0.60, 0.50, 0.45],
            [0.92, 0.70, 0.60, 0.50],
            [0.90, 0.73, 0.55],
            [0.88, 0.70],
            [0.85],
        ]
    ),
    "newsletter": Newsletter(first=1.0, down=0.78, last=0.35, up=0.40),
    "dependent_click": DependentClick((0.60, 0.65, 0.70, 0.70, 0.75)),
}
START: dict[str, Any] = {
    "position_based": PositionBased([0.8] * 6),
    "cascade": Cascade(),
    "dynamic_bayesian": DynamicBayesian(0.7, 0.5),
    "user_browsing": UserBrowsing([[0.7] * (6 - r) for r in range(6)]),
    "newsletter": Newsletter(0.9, 0.6, 0.2, 0.2),
    "dependent_click": DependentClick([0.5] * 5),
}
FIVE = ("position_based", "cascade", "dynamic_bayesian", "user_browsing", "newsletter")
every = pytest.mark.parametrize("name", TRUE)


def uniform(seed: int, stream: str, n: int, k: int) -> np.ndarray:
    return keys.uniforms(seed, "test", stream, np.arange(n, dtype=np.uint64), k)


def log(
    model: Any, n: int = 200_000, m: int = 40, seed: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """article, clicks [n, 6] and attraction [m] of a uniformly random log.

    The last slot is empty one time in ten.
    """
    rng = np.random.default_rng(seed)
    attraction = np.clip(rng.beta(2, 52, m), 0.004, 0.3)
    article = rng.permuted(np.tile(np.arange(m), (n, 1)), axis=1)[:, :6]
    article[rng.random(n) < 0.1, 5] = -1
    p = np.append(attraction, 0.0)[article]
    return (
        article,
        walk(model, uniform(seed, "click", n, 6) < p, uniform(seed, "examine", n, 6))[1],
        attraction,
    )
