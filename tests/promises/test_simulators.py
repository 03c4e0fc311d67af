"""The contract: what every simulator found in configs/simulator must keep.

The checks are those of `python -m experiments.check simulator=NAME`.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from bandit.log import archive
from bandit.policies.random import Random
from experiments.check import simulators
from experiments.check.simulators import is_same, list_known
from experiments.runner.configs import CONFIGS, list_configs, make, resolve
from simulators.association.association import Association
from simulators.base import Simulator, Truthful
from simulators.play import play

NAMES = list_configs("simulator")
MUTE = {"replay"}  # cannot tell the truth, and says so when asked
SMALL: dict[str, Any] = {"members": 90, "pool": 12, "issues": 4, "text_dims": 6, "embeddings": None}


def log_of_choices(folder: Path) -> dict[str, object]:
    """The options of `replay` for a file of 120 rounds."""
    rng = np.random.default_rng(1)
    features = [" ".join(map(str, row)) for row in rng.integers(0, 9, (120, 100))]
    table = {"arm": rng.permutation(120) % 10 + 1, "click": rng.integers(0, 2, 120)}
    pd.DataFrame(table | {"features": features}).to_csv(folder / "list_configs.csv", index=False)
    loader = "simulators.replay.loaders.columbia.Columbia"
    return {"log": {"_target_": loader, "path": str(folder / "list_configs.csv")}, "issues": 4}


def log_of_newsletters(folder: Path) -> dict[str, object]:
    """The options of `logged` for an archive of four issues."""
    association = Association(seed=5, slots=3, click_to_open=0.3, **(SMALL | {"members": 200}))
    archive.write(folder / "log", play(Random(), association))
    return {"log": str(folder / "log"), "examine": "position_based", "text_dims": 6}


OPTIONS: dict[str, Callable[[Path], dict[str, object]]] = {
    "classification": lambda folder: {"data": "iris", "batch": 40},
    "logged": log_of_newsletters,
    "replay": log_of_choices,
    "wheel": lambda folder: {"members": 160, "batch": 40},
}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Simulator]:
    """`build(name, seed)`: a simulator with nothing remembered; `copy` builds an equal one anew."""

    @cache
    def configure(name: str) -> dict[str, Any]:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = resolve(compose("run", overrides=[f"simulator={name}"])["simulator"])
        small = OPTIONS.get(name, lambda folder: SMALL)
        return config | small(tmp_path_factory.mktemp(name))

    @cache
    def made(name: str, seed: int, copy: int) -> Any:
        return make(configure(name), seed=seed)

    return lambda name, seed=3, copy=0: made(name, seed, copy).twin()


Build = Callable[..., Simulator]
every = pytest.mark.parametrize("name", NAMES)


def test_discovery_found_the_family() -> None:
    known = "association newsletter informz higher_logic classification replay logged wheel"
    assert set(known.split()) <= set(NAMES)


@pytest.mark.parametrize("check", simulators.EVERY, ids=lambda check: check.__name__)
@every
def test_every_simulator(name: str, check: simulators.Check, build: Build) -> None:
    check(partial(build, name))


@every
def test_another_seed_is_another_association(name: str, build: Build) -> None:
    assert build(name).issues == 4
    one, other = (list(play(Random(), build(name, seed=seed), seed=7)) for seed in (3, 4))
    pairs = zip(one, other, strict=True)
    differ = [not is_same(list_known(a.context), list_known(b.context)) for a, b in pairs]
    assert any(differ) or name == "logged"  # whose members and pools are the log's


@every
def test_contexts_hold_what_a_sender_knows_and_not_the_truth(name: str, build: Build) -> None:
    """Members have the attributes that features read; articles have no column of their appeal."""
    simulator = build(name)
    context = simulator.issue(2)
    read = set(simulator.features.attributes.columns)
    assert set(context.members.names) <= {"member", *read}
    known = {"article", "title", "summary", "kind", "source"}
    assert {c for c in context.articles.names if not c.startswith("only_")} <= known


@every
def test_the_truth_is_refused_by_those_who_cannot_tell_it(name: str, build: Build) -> None:
    simulator = build(name)
    if not isinstance(simulator, Truthful):
        return  # it need not be: then no policy can be shown its truth
    context = simulator.issue(1)
    if name in MUTE:
        with pytest.raises(ValueError, match="is a log: it does not tell"):
            simulator.truth(context)
        return
    truth = simulator.truth(context)
    for column in context.member_features.T:
        assert not any(np.array_equal(column, chances) for chances in truth.T)
