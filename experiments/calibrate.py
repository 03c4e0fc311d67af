"""How far the simulator can be believed, as a page of plots: python -m experiments.calibrate

Published rates beside simulated ones; a log beside the association fitted to it, told apart by a classifier; policies ranked
by that association and by a held-out log; examination models recovered from their own clicks; what policies earn that are
told nothing true. Each check leaves a table in runs/calibrate/; a check that is done is kept.
"""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
import pyarrow as pa
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bandit.core import check
from bandit.core.files import read_json, write_json, write_table
from bandit.policies.random import Random
from experiments.checks import agreement, examination, no_leak, rates, two_sample
from experiments.report.calibration import page
from experiments.runner.configs import (
    check_whole,
    list_configs,
    make,
    read_config,
    read_policy,
    resolve,
)
from experiments.runner.digest import digest_code, digest_file
from experiments.runner.folders import choose_folder, read_frame
from experiments.runner.threads import use_one_thread
from simulators.fitted.logged import Logged
from simulators.play import play

Tick = Callable[[str], None]
Tables = dict[str, pd.DataFrame]


def published(config: dict[str, Any], tick: Tick) -> Tables:
    """Rates of both presets beside the published ones."""
    first = min(rates.CHECKED)
    return {"rates": rates.compare_with_published(range(first, first + config["rates"]["seeds"]))}


def likeness(config: dict[str, Any], tick: Tick) -> Tables:
    """Whether a classifier tells a log's members and clicks from those of the association fitted to it."""
    rows, seed = [], config["seed"]
    for world in config["worlds"]:
        association = make(_world(world, config["likeness"]), seed=seed)
        log = list(play(Random(), association, seed))
        fit = partial(_fitted, log, association.features, seed)
        tick(f"{world}: a log of {association.issues} issues")
        for whom, table, found in two_sample.compare_with_log(log, fit, Random, seed):
            worst = ", ".join(found.importances["columns"].head(3))
            rows.append(
                [world, whom, table, found.auc, found.low, found.high, found.classifier, worst]
            )
            tick(f"{world}: {table}, fitted to {whom}")
    return {
        "likeness": pd.DataFrame(
            rows,
            columns=["world", "fitted_to", "table", "auc", "low", "high", "classifier", "tells"],
        )
    }


def ranking(config: dict[str, Any], tick: Tick) -> Tables:
    """Policies' values by the fitted association, by a held-out random log, and in truth."""
    sizes = config["ranking"]
    values, taus = [], []
    for world in config["worlds"]:
        for seed in range(config["seed"], config["seed"] + sizes["logs"]):
            association = make(_world(world, sizes), seed=seed)
            truth, features = association.twin(), association.features
            log = list(play(Random(), association, seed))
            tick(f"{world}, seed {seed}: fitting to a log of {association.issues} issues")
            simulator = Logged(log[: sizes["until"]], seed=seed + 1, features=features)
            found = agreement.compare_rankings(
                log,
                sizes["until"],
                agreement.list_sendable(),
                features,
                simulator,
                seed,
                truth,
                tick,
            )
            values.append(found.values.reset_index().assign(world=world, seed=seed))
            taus.append(
                [
                    world,
                    seed,
                    found.tau,
                    found.log_true,
                    found.simulated_true,
                    *found.resolved,
                    found.often,
                ]
            )
    columns = ["world", "seed", "tau", "log_true", "simulated_true", "alike", "pairs", "often"]
    return {
        "ranking": pd.concat(values, ignore_index=True),
        "taus": pd.DataFrame(taus, columns=columns),
    }


def recovered(config: dict[str, Any], tick: Tick) -> Tables:
    """Examination models from their own clicks."""
    simulator = _world(config["worlds"][0], config["examination"])
    return {"examination": examination.recover_parameters(_models(), simulator, config["seed"])}


def perplexity(config: dict[str, Any], tick: Tick) -> Tables:
    """Each examination model on the same log."""
    rounds, _ = examination.make_uniform_log(
        _world(config["worlds"][-1], config["examination"]), config["seed"]
    )
    return {"perplexity": examination.compare_perplexities(_models(), rounds)}


def leak(config: dict[str, Any], tick: Tick) -> Tables:
    """What policies earn that are told other articles' texts and other members' attributes."""
    sizes, tables = config["leak"], []
    seeds = range(config["seed"], config["seed"] + sizes["seeds"])
    for world in config["worlds"]:
        simulator = _world(world, sizes)
        found = no_leak.measure_lifts(
            partial(_seeded, simulator),
            ["nothing", *no_leak.WHAT],
            no_leak.list_learners(),
            seeds,
            sizes["issues"],
            sizes["since"],
            lambda done: tick(f"{world}: {done}"),  # noqa: B023  (called before the loop goes on)
        )
        tables.append(found.assign(world=world))
    return {"leak": pd.concat(tables, ignore_index=True)}


CHECKS: dict[str, Callable[[dict[str, Any], Tick], Tables]] = {
    "rates": published,
    "likeness": likeness,
    "ranking": ranking,
    "examination": recovered,
    "perplexity": perplexity,
    "leak": leak,
}


def _world(name: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """The config of a simulator at this size."""
    given = {key: sizes[key] for key in ("members", "issues", "text_dims") if key in sizes}
    return rates.load_preset(name) | {"embeddings": None} | given


def _seeded(simulator: dict[str, Any], seed: int) -> Any:
    return make(simulator, seed=seed)


def _fitted(log: Any, features: Any, seed: int, members: Any) -> Logged:
    return Logged(log, seed=seed + 1, features=features, only=members)


def _models() -> dict[str, Any]:
    return {name: make(read_config("clicks", name)) for name in list_configs("clicks")}


@use_one_thread()
def calibrate(config: dict[str, Any], console: Console) -> Path:
    """Make what is not done yet, and the page; returns its path. Raises ValueError for a check that does not exist."""
    for name in config["checks"]:
        if name not in CHECKS:
            raise ValueError(f"checks: there is no check {name!r}; choose from {', '.join(CHECKS)}")
    check.flag("force", config["force"])
    _sizes(config)
    run = choose_folder(config["name"], "calibrate", {})
    asked = {key: value for key, value in config.items() if key not in ("checks", "name", "force")}
    asked |= {"code": _digest(config["worlds"]), "made_by": digest_file(Path(__file__))}
    if config["force"] or not _same(run, asked):
        _clear(run)
        write_json(run / "calibrate.json", asked)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("calibrate", total=len(config["checks"]))
        for name in config["checks"]:
            if not (run / f"{name}.done").exists():

                def tick(done: str, name: str = name) -> None:
                    progress.update(task, description=f"{name}: {done}"[:70])

                tick("")
                for table, content in CHECKS[name](config, tick).items():
                    write_table(
                        run / f"{table}.parquet",
                        pa.Table.from_pandas(content, preserve_index=False),
                    )
                write_json(run / f"{name}.done", {})
            progress.advance(task)
    tables = {path.stem: read_frame(path) for path in sorted(run.glob("*.parquet"))}
    return page.write(run / "report.html", tables, config)


def _digest(worlds: Sequence[str]) -> str:
    """Of the code that the checks need: not of the page, which is made anew each time."""
    checks = (agreement, examination, no_leak, rates, two_sample)
    configs = [read_policy(name) for name in list_configs("policy")]
    configs += [read_config("clicks", name) for name in list_configs("clicks")]
    configs += [rates.load_preset(name) for name in worlds]
    return digest_code([check.__name__ for check in checks], configs)


LEAST = {  # of each size: what the checks need to say anything
    "rates": {"seeds": 1},
    "likeness": {"members": 100, "issues": 3},
    "ranking": {"logs": 1, "members": 100, "issues": 2, "until": 1},
    "examination": {"members": 100, "issues": 1},
    "leak": {"members": 10, "issues": 2, "since": 1, "seeds": 2, "text_dims": 1},
}


def _sizes(config: dict[str, Any]) -> None:
    """Raise ValueError for a number or a world that cannot be, before anything is removed."""
    given = [("seed", config["seed"], 0)]
    given += [
        (f"{part}.{what}", config[part][what], least)
        for part, all in LEAST.items()
        for what, least in all.items()
    ]
    for what, value, least in given:
        check_whole(what, value, least)
    for part, early in (("ranking", "until"), ("leak", "since")):
        if config[part][early] >= config[part]["issues"] + (part == "leak"):
            raise ValueError(
                f"{part}.{early} = {config[part][early]}; there are {config[part]['issues']} issues"
            )
    for world in config["worlds"]:
        if world not in list_configs("simulator"):
            raise ValueError(
                f"worlds: there is no simulator {world!r}; choose from {', '.join(list_configs('simulator'))}"
            )


def _same(run: Path, asked: dict[str, Any]) -> bool:
    try:
        return bool(read_json(run / "calibrate.json") == asked)
    except (OSError, ValueError):
        return False


def _clear(run: Path) -> None:
    """Remove what another calibration left; anything else is left alone."""
    if run.exists() and any(run.iterdir()) and not (run / "calibrate.json").exists():
        raise ValueError(f"{run} holds something else than a calibration; choose another name")
    shutil.rmtree(run, ignore_errors=True)


@hydra.main(version_base="1.3", config_path="../configs", config_name="calibrate")
def main(cfg: DictConfig) -> None:
    console = Console()
    try:
        page = calibrate(resolve(cfg), console)
    except (ValueError, OSError) as error:
        raise SystemExit(f"calibrate: {error}") from None
    print(f"page: {page}")


if __name__ == "__main__":
    main()
