"""Where runs lie on disk: their folders below runs/, and the tables in them."""

import re
import shutil
import traceback
from hashlib import sha256
from pathlib import Path

import pandas as pd
from omegaconf import Container, DictConfig, OmegaConf

from bandit.core.files import read_json, read_table
from experiments.runner.configs import Settings, resolve

Units = dict[tuple[str, int], Path]  # folders of finished units, by policy and seed
RUNS = Path("runs")  # where one stands
NOT_RESULTS = ("workers", "engine", "name", "force")  # settings that no result depends on
ONLY_REPORTED = (  # settings that only tables and reports depend on
    *("baseline", "late_from", "logger", "off_policy_from", "off_policy_slots"),
)
FAILED = "failed.txt"  # in the folder of a sweep's job that failed: why
RECORD = ".hydra"  # what Hydra notes of a job
OF_A_RUN = ("run.json", "unit.json", "units")  # one of them is in any run's folder that was begun
LONGEST = 100  # letters of a folder's name


def choose_folder(name: str | None, label: str, config: Settings) -> Path:
    """The run's folder below runs/: `name`, or `label` and a digest of the configuration.

    Raises ValueError for a name that would lie anywhere else.
    """
    check_name(name)  # a number, such as name=4, is a name as well
    chosen = f"{label}-{digest_settings(config)}" if name is None else str(name)
    return (RUNS / chosen).absolute()


def check_name(name: object) -> None:
    """Raise ValueError unless a name is None or that of a folder below runs/."""
    if name is not None and (name in ("", ".", "..") or Path(str(name)).name != str(name)):
        raise ValueError(f"name = {name!r}; must be a plain folder name")


def digest_settings(config: Settings) -> str:
    """Eight letters that stand for a configuration."""
    return sha256(repr(sorted(config.items())).encode()).hexdigest()[:8]


def register_names() -> None:
    """Tell OmegaConf how configs/ write where a run's folder is.

    ${runs:LABEL}: runs/NAME for the setting `name`, or runs/LABEL where it is null
    ${digest:}: eight letters that stand for all settings a result depends on
    ${job:}: what is special about a job of a sweep, as `policy.epsilon=0.1,seed=3`
    """
    OmegaConf.register_new_resolver("runs", _name_run, replace=True)
    OmegaConf.register_new_resolver("digest", _digest_root, replace=True)
    OmegaConf.register_new_resolver("job", _name_job, replace=True)


def _name_run(label: str, *, _root_: DictConfig) -> str:
    check_name(_root_.get("name"))
    return str(RUNS / str(_root_.get("name") or label))


def _digest_root(*, _root_: DictConfig) -> str:
    unread = ["hydra", *NOT_RESULTS, *ONLY_REPORTED]
    values = {str(key): _root_[key] for key in _root_ if key not in unread}
    return digest_settings(
        {key: resolve(v) if isinstance(v, Container) else v for key, v in values.items()}
    )


def _name_job(*, _root_: DictConfig) -> str:
    job = _root_.hydra.job
    name = re.sub(r"[/\\:]", "_", str(job.override_dirname).replace("+", ""))
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}-{sha256(name.encode()).hexdigest()[:8]}"
    return name or str(job.num)


def empty(folder: Path) -> None:
    """Remove all that is in a run's folder but Hydra's record of what is asked now.

    Raises ValueError, and removes nothing, where one stands in the folder, and where what it holds
    is no run: with `hydra.run.dir` it may be any folder of a person's.
    """
    inside = [path for path in folder.glob("*") if path.name != RECORD]
    is_run = any((folder / name).exists() for name in OF_A_RUN)
    if inside and (not is_run or Path.cwd().is_relative_to(folder.resolve())):
        raise ValueError(
            f"force = True would remove {min(inside).name} and all else in {folder}: "
            "it is no run's folder, or you stand in it; choose another"
        )
    for path in inside:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def note_failure(folder: Path, error: Exception, keep: bool) -> None:
    """Leave word of why a job failed, or no folder at all where nothing was begun in it.

    keep: it is a job of a sweep; `failed.txt` says why it failed, in its first line for people
    """
    if keep:
        first = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        (folder / FAILED).write_text(f"{' '.join(first.split())}\n\n{trace}", encoding="utf-8")
    elif {path.name for path in folder.iterdir()} <= {RECORD} and folder != Path.cwd():
        shutil.rmtree(folder)


def forget_failure(folder: Path) -> None:
    """Remove word of an earlier failure: the job is tried again."""
    (folder / FAILED).unlink(missing_ok=True)


def is_begun(path: Path, asked: Settings) -> bool:
    """Whether a JSON file says that its folder was begun for exactly this.

    asked: everything the results follow from: configuration, digest of the code, versions
    """
    try:
        return bool(path.exists() and read_json(path) == asked)
    except ValueError:
        return False


def read_frame(path: Path) -> pd.DataFrame:
    """A parquet file of the run, its checksums verified. Raises ValueError where it is damaged."""
    table: pd.DataFrame = read_table(path).to_pandas()
    return table


def read_tables(run: Path | str) -> dict[str, pd.DataFrame]:
    """The tables of a run, a comparison or a sweep, by name: `results`, `summary` and so on.

    run: its folder
    Raises ValueError where it is no such folder, or a table is damaged.
    """
    tables = {path.stem: read_frame(path) for path in sorted(Path(run).glob("*.parquet"))}
    if "results" not in tables:
        raise ValueError(f"{run} holds no results.parquet: it is no finished run")
    return tables


register_names()
