"""What each loader reads from a small file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulators.replay.loaders.columbia import Columbia
from simulators.replay.loaders.hillstrom import MAILINGS
from simulators.replay.loaders.open_bandit import OpenBandit
from simulators.replay.loaders.tables import check_uniform
from tests.support.loader_cases import (
    ARMS,
    columbia,
    hillstrom,
    mind,
    open_bandit,
    upworthy,
)


def test_open_bandit(tmp_path: Path) -> None:
    log = open_bandit(tmp_path).read()
    assert (log.account.rows, log.account.kept, log.account.dropped) == (120, 120, {})
    assert log.articles["article"].tolist() == ["item-0", "item-1", "item-2"]
    np.testing.assert_array_equal(log.choice, np.arange(120) % 3)
    np.testing.assert_array_equal(log.clicked, np.arange(120) % 7 == 0)
    np.testing.assert_array_equal(log.propensity, 1 / 3)
    assert log.members.columns.tolist() == ["member", *(f"user_feature_{i}" for i in range(4))]
    np.testing.assert_array_equal(log.rounds["affinity_2"], np.arange(120) % 4)
    assert log.rounds["time"].is_monotonic_increasing


@pytest.mark.parametrize("position", [1, 2, 3])
def test_open_bandit_reports_what_was_shown_elsewhere(tmp_path: Path, position: int) -> None:
    whole = open_bandit(tmp_path).read()
    log = OpenBandit(str(tmp_path), "random", "men", position).read()
    at = whole.rounds["position"] == position
    assert log.account.dropped == {"shown elsewhere": int((~at).sum())}
    assert "dropped" in str(log.account)
    assert (
        log.members["member"].tolist() == whole.members["member"][at].tolist()
    )  # a member keeps the number of its row


def test_a_log_that_can_judge_nothing_is_refused_with_its_figure(tmp_path: Path) -> None:
    n, m = 400, 3
    few = np.where(np.arange(n) == 7, 1e-6, 0.5)
    weights = 1 / (m * few)
    ess = weights.sum() ** 2 / (weights**2).sum()
    with pytest.raises(
        ValueError,
        match=rf"bts/men: 400 rounds count as {ess:.1f} of a uniform policy.*fewer than 100",
    ):
        open_bandit(tmp_path, "bts", n, propensity_score=few).read()
    even = open_bandit(
        tmp_path, "bts", n, propensity_score=np.where(np.arange(n) % 3 == 0, 0.7, 0.15)
    ).read()
    assert sorted(set(even.propensity)) == [0.15, 0.7]


def test_a_uniform_log_must_be_uniform(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"men\.csv row 3: propensity_score = '0\.3'; a uniform log of 3 articles has 1/3",
    ):
        open_bandit(tmp_path, propensity_score=[1 / 3, 1 / 3] + [0.3] * 118).read()
    with pytest.raises(
        ValueError, match=r"random/men: the 3 articles were not shown equally often"
    ):
        open_bandit(tmp_path, item_id=np.minimum(np.arange(120) % 9, 2)).read()
    check_uniform("few", np.zeros(6, dtype=np.int64), 3)  # six rounds say nothing


def test_mind(tmp_path: Path) -> None:
    log = mind(tmp_path).read()
    assert log.account.dropped == {"nothing was clicked": 1, "everything was clicked": 1}
    assert log.rounds["impression"].tolist() == ["1", "4"]
    assert log.rounds["time"].iloc[0] == pd.Timestamp("2019-11-15 09:05:58")
    assert log.articles["title"].tolist() == ["A title", "Another", "Third"]
    assert log.articles["summary"].tolist() == ["An abstract", "", "x"]
    assert log.shown.tolist() == [2, 1, 0, 1, 2]
    assert log.clicked.tolist() == [True, False, False, True, False]
    assert log.start.tolist() == [0, 2, 5]
    assert log.history.tolist() == [0, 1, 2]
    assert log.history_start.tolist() == [0, 2, 3]
    assert log.propensity is None


def test_upworthy(tmp_path: Path) -> None:
    log = upworthy(tmp_path, ARMS).read()
    assert list(log.account.dropped.values()) == [2, 1, 4]
    assert log.arms["headline"].tolist() == [
        "best",
        "worst, with a comma",
        "middle",
        "best",
        'the "quoted" one',
    ]
    assert log.pairs().tolist() == [[0, 1], [0, 2], [2, 1], [3, 4]]


def test_hillstrom(tmp_path: Path) -> None:
    log = hillstrom(tmp_path).read()
    assert log.articles["title"].tolist() == list(MAILINGS)
    np.testing.assert_array_equal(log.choice, np.arange(30) % 3)
    np.testing.assert_array_equal(log.propensity, 1 / 3)
    np.testing.assert_array_equal(log.clicked, np.arange(30) % 4 == 0)
    assert log.rounds["spend"].sum() == 29.5 * 4


def test_columbia_csv_and_parquet_are_one(tmp_path: Path) -> None:
    log = columbia(tmp_path).read()
    table = pd.read_csv(tmp_path / "ten.csv")
    table["features"] = [np.array(value.split(), dtype=np.int16) for value in table["features"]]
    table.to_parquet(tmp_path / "ten.parquet")
    other = Columbia(str(tmp_path / "ten.parquet")).read()
    pd.testing.assert_frame_equal(log.members, other.members)
    np.testing.assert_array_equal(log.choice, other.choice)
    assert log.members["x99"].iloc[3] == 102
