"""A small association, what it answered to random slates, and the archive of that."""

from pathlib import Path

import pytest

from bandit.core.types import Round
from bandit.log import archive
from bandit.policies.random import Random
from simulators.association.association import Association
from simulators.play import play

ISSUES = 5


@pytest.fixture(scope="module")
def association() -> Association:
    return Association(
        seed=3,
        members=120,
        issues=ISSUES,
        pool=20,
        slots=5,
        bounce=0.1,
        joiners=0.3,
        unsubscribe=0.05,
        pin_every=2,
    )


@pytest.fixture(scope="module")
def rounds(association: Association) -> list[Round]:
    return list(play(Random(), association.twin(), seed=7))


@pytest.fixture
def folder(rounds: list[Round], tmp_path: Path) -> Path:
    archive.write(tmp_path / "log", rounds)
    return tmp_path / "log"
