"""Figures of the real data sets, where they are at hand."""

from pathlib import Path

import pytest

from experiments import data
from simulators.replay.loaders.columbia import Columbia
from simulators.replay.loaders.hillstrom import Hillstrom
from simulators.replay.loaders.open_bandit import OpenBandit
from simulators.replay.loaders.upworthy import Upworthy

SHARED = next(
    (
        at / "shared/data"
        for at in Path(__file__).resolve().parents
        if (at / "shared/data").is_dir()
    ),
    None,
)
OBD = data.ROOT / "data" / "open_bandit"


def real(name: str) -> Path:
    """A file of real data, or a skip that says so."""
    if SHARED is None or not (SHARED / name).is_file():
        pytest.skip(f"{name} is not at hand (shared/data)")
    return SHARED / name


def test_real_open_bandit() -> None:
    if data.list_missing(OBD, data.FILES):
        pytest.skip("the Open Bandit Dataset is not at hand (make data)")
    clicks = {}
    for logger in ("random", "bts"):
        for campaign in ("all", "men", "women"):
            if (logger, campaign) == ("bts", "women"):
                continue
            log = OpenBandit(str(OBD), logger, campaign).read()
            clicks[logger, campaign] = (log.account.kept, len(log.articles), int(log.clicked.sum()))
    assert clicks == {
        ("random", "all"): (10_000, 80, 38),
        ("random", "men"): (10_000, 34, 46),
        ("random", "women"): (10_000, 46, 46),
        ("bts", "all"): (10_000, 80, 42),
        ("bts", "men"): (10_000, 34, 69),
    }
    with pytest.raises(
        ValueError, match=r"bts/women: 10,000 rounds count as 2\.1 of a uniform policy"
    ):
        OpenBandit(str(OBD), "bts", "women").read()


def test_real_upworthy() -> None:
    log = Upworthy(str(real("upworthy.parquet"))).read()
    assert list(log.account.dropped.values()) == [0, 0, 7718]
    assert (log.account.rows, log.account.kept) == (14_603, 6885)


def test_real_hillstrom() -> None:
    log = Hillstrom(str(real("hillstrom.parquet"))).read()
    visits = [round(float(log.clicked[log.choice == j].mean()), 4) for j in range(3)]
    assert visits == [0.1828, 0.1514, 0.1062]


def test_real_columbia() -> None:
    log = Columbia(str(real("columbia10arm.parquet"))).read()
    assert (log.account.kept, int(log.clicked.sum())) == (10_000, 1039)
