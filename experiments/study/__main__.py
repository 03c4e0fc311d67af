"""The case against segmentation: python -m experiments.study study=ceiling

Each study is a question: a yaml in configs/study says where and of whom it is asked, and a few
dozen lines in experiments/studies make a page of what came back; one's own lie in the folder of
--config-dir, and in the module that the yaml names. Folder: NAME/study.html and
NAME/numbers.parquet for each study, index.html, and units/, which the studies share.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from inspect import signature
from pathlib import Path

import pandas as pd
import pyarrow as pa
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from bandit.core import check
from bandit.core.files import write_json, write_table
from experiments.asked.command import command
from experiments.asked.refusals import translate
from experiments.asked.sweep import find_place
from experiments.report.index.page import write_index
from experiments.report.study.page import Finding, write_page
from experiments.runner.configs import CONFIGS, Settings, check_whole, find_named, make, resolve
from experiments.runner.digest import describe_origin
from experiments.runner.folders import NOT_RESULTS, choose_folder, digest_settings
from experiments.runner.pool import Task, check_workers, run_all
from experiments.runner.unit import run_unit
from experiments.study.cells import Cells
from experiments.study.plan import Study, enter_studies, read_studies

HERE = "experiments.studies"  # where the analysis of each study is, as a function `find`
TITLE = "The case against segmentation, asked fairly"  # of the index
LOG_OF = "@"  # begins a simulator's log that is the log of a policy in the study's first world


def run_studies(
    config: Settings, asked: Sequence[str], place: Path | None = None
) -> list[tuple[Path, Finding]]:
    """Run what is not done yet of the studies that are asked for, and write their pages.

    config: as in configs/study.yaml
    asked: what the command line overrides
    place: the folder to write into; None: one below runs/, by name or by what is asked

    Returns each page's path, and what was found. Raises ValueError naming the first setting that
    cannot be.
    """
    for what, least in (("seeds", 1), ("issues", 1), ("first_seed", 0), ("late_from", 1)):
        check_whole(what, config[what], least)
    check.flag("force", config["force"])
    check_workers(config["workers"], config["engine"])
    studies = read_studies(config["study"])
    unread = {*NOT_RESULTS, "study", "late_from"}
    kept = {key: value for key, value in config.items() if key not in unread}
    run = place or choose_folder(config["name"], "studies", kept)
    if config["force"]:
        shutil.rmtree(run, ignore_errors=True)
    every = {}
    for name, study in studies.items():
        _name_analysis(name, study)  # what cannot be is said before it is simulated
        for label in study.policies:
            make(study.describe_policy(label))
        every[name] = _place_units(run, name, study, _compose_worlds(name, study, asked), config)
    for name, (cells, _) in every.items():
        if cells.late < config["late_from"]:
            late = f"late_from = {config['late_from']} is after the last issue of {name}"
            Console().print(
                f"{late}: later issues rest on issue {cells.late} alone", soft_wrap=True
            )
    tasks = {folder: task for _, found in every.values() for folder, task in found.items()}
    most = max(world["issues"] for cells, _ in every.values() for world in cells.worlds.values())
    run_all(list(tasks.values()), most, config["workers"], "study", config["engine"])
    return [_conclude(run / name, name, cells, config) for name, (cells, _) in every.items()]


def _compose_worlds(name: str, study: Study, asked: Sequence[str]) -> dict[str, Settings]:
    """The simulator of each world of a study, with its number of issues.

    Raises ValueError naming the study and the world whose changes cannot be.
    """
    found = {}
    for world, changes in study.worlds.items():
        where = f"study.{name}.worlds.{world}"
        for change in changes:
            key = change.lstrip("+~").partition("=")[0]
            if not re.match(r"(simulator|issues)\b|.*@simulator\b", key):
                raise ValueError(f"{where}: {change!r} is no setting of a simulator, nor issues")
        overrides = [*asked, *changes]
        try:
            config = resolve(compose("study", overrides))
        except (HydraException, OmegaConfBaseException) as error:
            raise ValueError(
                f"{where}: {translate(error, 'study', overrides, [CONFIGS])}"
            ) from None
        found[world] = config["simulator"] | {"issues": config["issues"]}
    return found


def _place_units(
    run: Path, name: str, study: Study, worlds: Mapping[str, Settings], config: Settings
) -> tuple[Cells, dict[Path, Task]]:
    """Where the units of a study lie, and the task that finishes each."""
    folders: dict[tuple[str, str, int], Path] = {}
    tasks: dict[Path, Task] = {}
    seeds = range(config["first_seed"], config["first_seed"] + config["seeds"])
    for world, label in study.cells:
        policy = study.describe_policy(label)
        kind = policy["_target_"].rpartition(".")[2]
        for seed in seeds:
            simulator, after = worlds[world], None
            if str(simulator.get("log")).startswith(LOG_OF):  # of a unit of the first world
                first = (next(iter(worlds)), simulator["log"].removeprefix(LOG_OF), seed)
                simulator, after = simulator | {"log": str(folders[first])}, folders[first].name
            digest = digest_settings({"policy": policy, "simulator": simulator})
            folder = run / "units" / f"{kind}-{digest}-{seed}"
            folders[world, label, seed] = folder
            work = partial(run_unit, folder, policy, simulator, seed)
            tasks[folder] = Task(folder.name, work, after)
    late = min(config["late_from"], *(world["issues"] for world in worlds.values()))
    return Cells(study, seeds, late, worlds, folders), tasks


def _name_analysis(name: str, study: Study) -> str:
    """The analysis of a study, as MODULE.FUNCTION.

    Raises ValueError naming the study where there is no such function.
    """
    found = study.find or f"{HERE}.{name}.find"
    if not isinstance(found, str):
        raise ValueError(f"study.{name}.find = {found!r}; must be MODULE.FUNCTION")
    analysis = find_named(f"study.{name}.find", found)
    if not callable(analysis):
        raise ValueError(f"study.{name}.find = {found!r}; must be a function of the units")
    try:
        signature(analysis).bind(None)
    except TypeError as error:
        raise ValueError(
            f"study.{name}.find = {found!r}; must take the units and nothing else: {error}"
        ) from None
    return found


def _conclude(folder: Path, name: str, cells: Cells, config: Settings) -> tuple[Path, Finding]:
    """Ask the study's analysis what was found, and write its page, its numbers and run.json."""
    study, analysis = cells.study, _name_analysis(name, cells.study)
    module = analysis.rpartition(".")[0]
    found = find_named("find", analysis)(cells)
    if not isinstance(found, Finding):
        raise ValueError(f"{analysis} gives {type(found).__name__}; must give a Finding")
    unread = {*NOT_RESULTS, "simulator", "study"}
    asked = {key: value for key, value in config.items() if key not in unread}
    policies = {label: study.describe_policy(label) for label in study.policies}
    facts = {
        "config": asked | {"worlds": cells.worlds, "policies": policies},
        "seeds": list(cells.seeds),
        "headline": found.headline,
    }
    made_of = [*cells.worlds.values(), *policies.values()]
    facts |= describe_origin([run_unit.__module__, module], made_of)
    told = {key: str(getattr(study, key)) for key in ("title", "asks", "setting", "reads")}
    page = write_page(folder, told, found, facts)
    numbers = pd.DataFrame(found.rows, columns=list(found.columns))
    write_table(folder / "numbers.parquet", pa.Table.from_pandas(numbers, preserve_index=False))
    write_json(folder / "run.json", facts)
    return page, found


@command("study", enter=enter_studies)
def main(config: Settings) -> None:
    found = run_studies(config, list(HydraConfig.get().overrides.task), find_place())
    console = Console()
    for page, finding in found:
        console.print(f"{finding.headline}\n  page: {page}", soft_wrap=True)
    folder = found[0][0].parents[1]
    pages = sorted(folder.glob("*/study.html"))
    console.print(f"index: {write_index(folder, pages, TITLE)}", soft_wrap=True)


if __name__ == "__main__":
    main()
