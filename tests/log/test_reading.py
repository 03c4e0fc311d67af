"""When a reader no longer fits what a log's pools are about."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from bandit.features.features import Features
from bandit.log import archive
from bandit.log.reading import measure_reading, say_reading
from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.association.pools.articles import compose
from simulators.association.pools.catalogue import read_catalogue
from simulators.play import play

SIZES = {"members": 60, "issues": 10, "pool": 30, "slots": 4}


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    return list(play(Random(), Association(seed=21, **SIZES)))


def write_archive(folder: Path, rounds: list[Round]) -> Path:
    archive.write(folder, rounds)
    return folder


def fit_without(topics: set[int]) -> Features:
    """Features of an archive that never touches these of the simulator's topics."""
    pool = compose(np.random.default_rng(5), read_catalogue("pharmacy"), 1500, "a", 0.3)
    known = ~pool.topics[:, sorted(topics)].any(axis=1) if topics else np.ones(1500, dtype=bool)
    articles = pool.articles[known].head(600)
    texts = (articles["title"] + ". " + articles["summary"]).tolist()
    return Features.fit(pd.DataFrame({"member": [1, 2]}), texts)


def test_a_reader_fits_the_topics_it_knows_and_no_others(
    rounds: list[Round], tmp_path: Path
) -> None:
    folder = write_archive(tmp_path / "log", rounds)
    fits = measure_reading(folder, fit_without(set()))
    assert fits["issue"].tolist() == list(range(1, 11))
    assert fits["articles"].iloc[0] == 30
    assert fits["articles"].iloc[1:].max() <= 24  # a fifth of a pool was in the one before
    assert say_reading(fits).startswith("The reader fits")
    lacks = measure_reading(folder, fit_without({2, 7, 11, 16}))
    assert lacks["unread"].mean() > fits["unread"].mean() + 0.04
    assert say_reading(lacks).startswith("The reader no longer fits since issue ")


def test_features_without_a_reader_are_refused(rounds: list[Round], tmp_path: Path) -> None:
    folder = write_archive(tmp_path / "log", rounds)
    from simulators.classification import Classification

    with pytest.raises(ValueError, match="no reader of topics"):
        measure_reading(folder, Classification(seed=0, data="iris").features)
