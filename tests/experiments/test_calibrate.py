"""The calibration page: every check leaves its table, what is done is kept, and sentences follow
from the numbers.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from rich.console import Console

from experiments import calibrate
from experiments.checks import examination
from experiments.report.calibration import page as calibration_page
from experiments.runner.configs import CONFIGS, resolve
from simulators.examination.models import Cascade, DynamicBayesian, UserBrowsing

TINY = [
    *("name=tiny", "worlds=[association]", "likeness.members=400", "likeness.issues=4"),
    *(
        "examination.members=300",
        "examination.issues=2",
        "ranking.members=300",
        "ranking.issues=3",
        "ranking.until=2",
    ),
]


def config(*more: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return resolve(compose("calibrate", overrides=[*TINY, *more]))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_checks_leave_tables_and_a_page_and_are_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(quiet=True)
    page = calibrate.calibrate(config("checks=[likeness,perplexity]"), console)
    assert page == root / "runs" / "tiny" / "report.html"
    first = page.read_text(encoding="utf-8")
    assert "A log and the association fitted to it" in first
    assert "rules out a second click" in first or "cascade" in first
    assert "http" not in first.replace("http-equiv", "")
    likeness = pd.read_parquet(page.parent / "likeness.parquet")
    assert list(likeness["fitted_to"]) == ["all", "all", "the others", "the others"]
    assert likeness["auc"].between(0, 1).all()

    def never(config: Any, tick: Any) -> Any:
        raise AssertionError("a check that is done was made again")

    monkeypatch.setattr(calibrate, "CHECKS", dict.fromkeys(calibrate.CHECKS, never))
    assert (
        calibrate.calibrate(config("checks=[likeness,perplexity]"), console).read_text(
            encoding="utf-8"
        )
        == first
    )


def test_an_unknown_check_and_a_folder_of_something_else_are_refused(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"checks: there is no check 'speed'; choose from rates, likeness, ranking"
    ):
        calibrate.calibrate(config("checks=[speed]"), Console(quiet=True))
    (root / "runs" / "tiny").mkdir(parents=True)
    (root / "runs" / "tiny" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="holds something else than a calibration"):
        calibrate.calibrate(config("checks=[perplexity]"), Console(quiet=True))
    assert (root / "runs" / "tiny" / "mine.txt").exists()


def test_rates_count_as_met_by_their_errors(tmp_path: Path) -> None:
    days = ["Monday", "Tuesday", "Wednesday"]
    rows = [["p", f"clicked of delivered, {day}", 0.02, 0.02, "s", 0.0201, 0.005] for day in days]
    rows += [
        ["p", "opened of delivered", 0.36, 0.36, "s", 0.30, -1 / 6],
        ["p", "unsubscribed", 0.001, 0.003, "s", 0.002, 0.0],
    ]
    columns = ["preset", "what", "low", "high", "source", "measured", "error"]
    path = calibration_page.write(
        tmp_path / "p.html", {"rates": pd.DataFrame(rows, columns=columns)}, {}
    )
    text = path.read_text(encoding="utf-8")
    assert "4 of 5 published figures are met" in text
    assert "published 36.0" in text
    assert "Policies ranked" not in text


def test_parameters_are_named_by_place_and_moved_away_from_the_truth() -> None:
    model = UserBrowsing([[0.9, 0.7], [0.6]])
    assert examination._list_parameters(model) == [
        ("examine 1 1", 0.9),
        ("examine 1 2", 0.7),
        ("examine 2 1", 0.6),
    ]
    assert examination._list_parameters(Cascade()) == []
    assert examination._move_away(DynamicBayesian(0.9, 0.3)) == DynamicBayesian(0.7, 0.4)


def test_a_uniform_log_comes_with_what_members_want() -> None:
    simulator = {
        "_target_": "simulators.association.association.Association",
        "members": 200,
        "issues": 2,
        "pool": 12,
        "slots": 3,
    }
    rounds, wanted = examination.make_uniform_log(simulator, 3)
    assert len(rounds) == 2
    assert wanted.shape == (sum(int(r.feedback.opened.sum()) for r in rounds), 3)
    assert ((wanted > 0) & (wanted < 1)).all()
    assert np.allclose(
        np.concatenate([r.slates.propensity[:, 0] for r in rounds]).min(), 1 / 12, atol=0.1
    )
