"""Scalars of every issue to a tracker that a person has installed.

    python -m experiments.compare ... +tracking=tensorboard

None of the trackers is a dependency. Open this file for what is written: a run for each policy and
seed of a job, and in it, with the issue's number as step, the measures of `MEASURES`.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from bandit.core.check import shorten
from experiments.runner.folders import read_frame

MEASURES = ("clicks_per_delivered", "clicks_per_open", "open_rate", "expected", "exploration_cost")
Write = Callable[[str, pd.DataFrame], None]  # a run's name; a row an issue, a column a measure


class Track(Callback):
    """Writes a job's scalars when it has ended (`hydra.callbacks` in configs/tracking).

    to: tensorboard, mlflow or wandb
    project: the experiment (MLflow) or project (W&B) that runs go to
    folder: for TensorBoard's files; None: `tracked` in the job's folder

    Raises ValueError for another tracker, and for one that is not installed.
    """

    def __init__(self, to: str, project: str = "letterbandit", folder: str | None = None) -> None:
        if to not in TRACKERS:
            raise ValueError(f"tracking.to = {shorten(to)}; choose from {', '.join(TRACKERS)}")
        module = TRACKERS[to][0]
        try:
            import_module(module)
        except ImportError as error:
            raise ValueError(f"tracking={to} needs it installed: pip install {to}") from error
        self.to, self.project, self.folder = to, project, folder

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **more: Any) -> None:
        """Write what a job leaves. One that failed leaves nothing.

        A tracker that fails is told in a line: the job itself is done.
        """
        job = Path(str(config.hydra.runtime.output_dir))
        if job_return.status is not JobStatus.COMPLETED or not (job / "results.parquet").exists():
            return
        try:
            write = TRACKERS[self.to][1](self, job)
            for name, measures in list_runs(read_frame(job / "results.parquet")):
                write(f"{job.name}/{name}", measures)
        except Exception as error:  # whatever a tracker may raise, such as of a server
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            print(f"tracking={self.to} failed: {said}; {job} holds all of it", file=sys.stderr)


def list_runs(results: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """`POLICY-SEED` and its measures, a row an issue, of the long table of a run."""
    for (policy, seed), part in results.groupby(["policy", "seed"], sort=False):
        wide = part.pivot_table(index="issue", columns="metric", values="value")
        wide["clicks_per_delivered"] = wide["clicks"] / wide["delivered"]
        wide["clicks_per_open"] = wide["clicks"] / wide["opened"]
        wide["open_rate"] = wide["opened"] / wide["delivered"]
        yield f"{policy}-{seed}", wide[list(MEASURES)]


def _list_scalars(measures: pd.DataFrame) -> Iterator[tuple[int, dict[str, float]]]:
    """Each issue's number and its measures, without those that are of nothing."""
    for number, row in measures.iterrows():
        yield int(str(number)), {str(k): float(v) for k, v in row.items() if pd.notna(v)}


def _write_tensorboard(track: Track, job: Path) -> Write:
    from torch.utils.tensorboard import SummaryWriter

    place = Path(track.folder) / job.name if track.folder else job / "tracked"

    def write(name: str, measures: pd.DataFrame) -> None:
        with SummaryWriter(str(place / Path(name).name)) as writer:
            for number, scalars in _list_scalars(measures):
                for measure, value in scalars.items():
                    writer.add_scalar(measure, value, number)

    return write


def _write_mlflow(track: Track, job: Path) -> Write:
    mlflow: Any = import_module("mlflow")
    mlflow.set_experiment(track.project)

    def write(name: str, measures: pd.DataFrame) -> None:
        with mlflow.start_run(run_name=name):
            for number, scalars in _list_scalars(measures):
                mlflow.log_metrics(scalars, step=number)

    return write


def _write_wandb(track: Track, job: Path) -> Write:
    wandb: Any = import_module("wandb")

    def write(name: str, measures: pd.DataFrame) -> None:
        run = wandb.init(project=track.project, name=name, dir=str(job))
        for number, scalars in _list_scalars(measures):
            run.log(scalars, step=number)
        run.finish()

    return write


TRACKERS: dict[str, tuple[str, Callable[[Track, Path], Write]]] = {  # what to import, what writes
    "tensorboard": ("tensorboard", _write_tensorboard),
    "mlflow": ("mlflow", _write_mlflow),
    "wandb": ("wandb", _write_wandb),
}
