"""A sweep: one folder, a folder in it for each job, one joint table of all that came out.

The folder's name stands for what is swept, so the same command finds the jobs that are done and
runs those that failed; a value more is one job more. Open this file for what `-m` leaves behind.
"""

import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow as pa
import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from bandit.core.files import write_table
from experiments.runner.folders import FAILED, NOT_RESULTS, RECORD, read_frame

TABLES = ("results", "summary")  # of a job; the joint ones have the same names

_begun: list[tuple[Path, float]] = []  # the sweep that runs: its folder, and since when


class Remember(Callback):
    """Notes where a sweep puts its jobs, when Hydra begins it (`hydra.callbacks` in configs/)."""

    def on_multirun_start(self, config: DictConfig, **more: object) -> None:
        """Note the folder and the time."""
        _begun.append((Path(str(config.hydra.sweep.dir)), time.time() - 0.1))


def name_sweep(command: str, overrides: Sequence[str]) -> list[str]:
    """Overrides that name a sweep by what it keeps and varies, and its jobs by what they vary.

    What a job varies is in its folder's name, so the sweep's own name holds no values of it.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    given = {each.key_or_group for each in parsed}
    kept = [
        each for each in parsed if not each.is_sweep_override() and not each.is_hydra_override()
    ]
    varied = sorted(each.key_or_group for each in parsed if each.is_sweep_override())
    told = sorted(str(e.input_line) for e in kept if e.key_or_group not in NOT_RESULTS)
    digest = sha256(repr((varied, told)).encode()).hexdigest()[:8]
    names = ",".join(each.key_or_group for each in kept)
    added = {
        "hydra.job.name": f"{command}-sweep-{digest}",
        "hydra.job.config.override_dirname.exclude_keys": f"[{names}]",
    }
    return [f"{key}={value}" for key, value in added.items() if key not in given]


def find_place() -> Path | None:
    """The folder of the job of a sweep that runs; None outside one, where the command chooses."""
    running = HydraConfig.get()
    return Path(running.runtime.output_dir) if running.mode is RunMode.MULTIRUN else None


def begin_sweep() -> None:
    """Forget the sweep before."""
    _begun.clear()


def end_sweep() -> bool:
    """Write the joint tables, print them, and list what failed; whether there was a sweep.

    Ends the program with exit status 1 where a job failed.
    """
    if not _begun:
        return False
    folder, since = _begun[-1]
    jobs = _list_jobs(folder, since)
    failed = [job for job in jobs if (job / FAILED).exists()]
    done = [job for job in jobs if job not in failed]
    for name in TABLES:
        _join(folder, name, done)
    reasons = {
        str(job.relative_to(folder)): (job / FAILED).read_text(encoding="utf-8").partition("\n")[0]
        for job in failed
    }
    if (folder / "summary.parquet").exists():
        _show(folder, done)
        page = _write_page(folder, done, reasons)
        print(f"sweep: {folder / 'results.parquet'}")
        print(f"report: {page}")
    if failed:
        print(f"{len(failed)} of {len(jobs)} jobs failed:", file=sys.stderr)
        for name, why in reasons.items():
            print(f"  {name}: {why}", file=sys.stderr)
        sys.exit("the same command runs those that failed, and keeps the others")
    return bool(jobs)


def _list_jobs(folder: Path, since: float) -> list[Path]:
    """The folders of the jobs that the sweep had, in Hydra's order, whichever began first."""
    begun = {
        path.parents[depth]: path.stat().st_mtime
        for depth, pattern in ((0, FAILED), (1, f"{RECORD}/overrides.yaml"))
        for path in folder.glob(f"**/{pattern}")
    }
    return sorted((job for job, when in begun.items() if when >= since), key=_read_number)


def _read_number(job: Path) -> int:
    """Hydra's number of a job; -1 for commands that keep no record of it."""
    path = job / RECORD / "hydra.yaml"
    if not path.exists():
        return -1
    return int(yaml.safe_load(path.read_text(encoding="utf-8"))["hydra"]["job"]["num"])


def _read_overrides(job: Path) -> dict[str, object]:
    """What a job was told beyond configs/, by name."""
    texts = yaml.safe_load((job / RECORD / "overrides.yaml").read_text(encoding="utf-8"))
    parsed = OverridesParser.create().parse_overrides(texts)
    return {
        each.get_key_element().lstrip("+"): str(value) if isinstance(value, list | dict) else value
        for each in parsed
        if each.key_or_group not in NOT_RESULTS
        for value in [each.value()]
    }


def _join(folder: Path, name: str, jobs: Sequence[Path]) -> None:
    """Write a table of all jobs one below the other, with what each was told as first columns."""
    path = folder / f"{name}.parquet"
    path.unlink(missing_ok=True)  # another sweep may have left it here
    parts = []
    for job in jobs:
        if (job / path.name).exists():
            part = read_frame(job / path.name)
            told = {n: v for n, v in _read_overrides(job).items() if n not in part}
            parts.append(pd.DataFrame([told] * len(part), part.index).join(part))
    if not parts:
        return
    joint = pd.concat(parts, ignore_index=True)
    for column in joint:
        if (
            joint[column].dtype == object and joint[column].map(type).nunique() > 1
        ):  # 0.1 in one job, null in another
            joint[column] = joint[column].map(str)
    write_table(path, pa.Table.from_pandas(joint, preserve_index=False))


def _list_varied(summary: pd.DataFrame, jobs: Sequence[Path]) -> list[str]:
    """The columns in which jobs differ."""
    told = {name for job in jobs for name in _read_overrides(job)} & set(summary)
    return [name for name in summary if name in told and summary[name].nunique(dropna=False) > 1]


def _write_page(folder: Path, jobs: Sequence[Path], failed: dict[str, str]) -> Path:
    """Write the page over the jobs; returns its path."""
    from experiments.asked.sweep_page import write_page  # draws: a second of imports

    names = [
        str(job.relative_to(folder))
        for job in jobs
        if (job / "summary.parquet").exists()
        for _ in range(len(read_frame(job / "summary.parquet")))
    ]
    summary = read_frame(folder / "summary.parquet")
    return write_page(folder, summary, _list_varied(summary, jobs), names, failed)


def _show(folder: Path, jobs: Sequence[Path]) -> None:
    """Print the joint summary: a row for each policy of each job, with what jobs differ in."""
    summary = read_frame(folder / "summary.parquet")
    varied = _list_varied(summary, jobs)
    names = [*(name for name in varied if name != "policy"), "policy"]
    table = Table(*names, box=None, padding=(0, 2, 0, 0))
    for name in ("clicks per 1,000 delivered", "later issues", "lift, %"):
        table.add_column(name, justify="right")
    for _, row in summary.iterrows():
        rates = (row["clicks_per_delivered"], row["clicks_per_delivered_late"])
        lift = "-" if pd.isna(row["lift"]) else f"{100 * row['lift']:+.1f}"
        words = (str(row[name]) for name in names)
        table.add_row(*words, *(f"{1000 * rate:.1f}" for rate in rates), lift)
    Console().print(table)
