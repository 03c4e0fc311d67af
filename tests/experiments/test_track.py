"""Scalars of every issue go to whichever tracker is installed; none has to be."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from experiments import run
from experiments.asked.track import MEASURES, list_runs
from tests.support.asking import SMALL, Ask, ask_in

OWN = ("policy=popular", "seed=5", "hydra.run.dir=here", *SMALL)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


def rates(folder: Path) -> list[float]:
    """Clicks per newsletter delivered of each issue, straight from the run's table."""
    results = pd.read_parquet(folder / "results.parquet")
    wide = results.pivot_table(index="issue", columns="metric", values="value")
    return (wide["clicks"] / wide["delivered"]).tolist()


class Noted(ModuleType):
    """Stands for MLflow and for W&B: notes every run and scalar."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.runs: dict[str, list[tuple[int, dict[str, float]]]] = {}
        self.project = ""

    def set_experiment(self, name: str) -> None:
        self.project = name

    def start_run(self, run_name: str) -> Any:
        self.now = self.runs.setdefault(run_name, [])
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...

    def log_metrics(self, scalars: dict[str, float], step: int) -> None:
        self.now.append((step, scalars))

    def init(self, project: str, name: str, dir: str) -> "Noted":
        self.project = project
        self.start_run(name)
        return self

    def log(self, scalars: dict[str, float], step: int) -> None:
        self.log_metrics(scalars, step)

    def finish(self) -> None: ...


@pytest.mark.parametrize("tracker", ["mlflow", "wandb"])
def test_a_run_and_its_scalars_are_written(
    tracker: str, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = Noted(tracker)
    monkeypatch.setitem(sys.modules, tracker, noted)
    own = (f"+tracking={tracker}", "hydra.callbacks.track.project=looks")
    assert not ask(run.main, *OWN, *own)
    assert noted.project == "looks"
    ((name, scalars),) = noted.runs.items()
    assert name == "here/popular-5"
    assert [step for step, _ in scalars] == [1, 2, 3]
    written = [told["clicks_per_delivered"] for _, told in scalars]
    assert written == pytest.approx(rates(tmp_path / "here"))
    assert set(scalars[0][1]) <= set(MEASURES)


def test_a_tracker_that_fails_is_told_in_a_line_and_the_run_is_whole(
    ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    noted = Noted("mlflow")
    monkeypatch.setitem(sys.modules, "mlflow", noted)
    monkeypatch.setattr(noted, "set_experiment", lambda name: 1 / 0)
    assert not ask(run.main, *OWN, "+tracking=mlflow")
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "tracking" in each]
    assert line.startswith("tracking=mlflow failed: ZeroDivisionError: division by zero; ")
    assert line.endswith("here holds all of it")
    assert (tmp_path / "here" / "done.json").exists()


def test_tensorboard_reads_what_is_written(ask: Ask, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert not ask(run.main, *OWN, "+tracking=tensorboard")
    read = EventAccumulator(str(tmp_path / "here" / "tracked" / "popular-5"))
    read.Reload()
    events = read.Scalars("clicks_per_delivered")
    assert [event.step for event in events] == [1, 2, 3]
    assert [event.value for event in events] == pytest.approx(rates(tmp_path / "here"), rel=1e-6)


def test_a_tracker_that_is_not_there_is_refused_before_anything_runs(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    said = ask(run.main, *OWN, "+tracking=wandb")
    assert said == "run: tracking=wandb needs it installed: pip install wandb"
    said = ask(run.main, *OWN, "+tracking=wandb", "hydra.callbacks.track.to=neptune")
    assert said == "run: tracking.to = 'neptune'; choose from tensorboard, mlflow, wandb"
    assert "there is no tracking 'mlfow'; nearest: mlflow" in ask(run.main, "+tracking=mlfow")
    assert not (tmp_path / "here" / "unit.json").exists()


def test_what_is_of_nothing_is_left_out() -> None:
    rows = [("p", 1, 1, m, v) for m, v in {"delivered": 4.0, "opened": 0.0, "clicks": 0.0}.items()]
    rows += [("p", 1, 1, "expected", 0.5), ("p", 1, 1, "exploration_cost", 0.1)]
    table = pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"])
    ((name, measures),) = list_runs(table)
    assert name == "p-1"
    assert measures["clicks_per_open"].isna().all()
    assert measures["open_rate"].tolist() == [0.0]
