"""How far the simulator can be believed, as a page of plots: python -m experiments.calibrate

Published rates beside simulated ones; a log beside the association fitted to it, told apart by a
classifier; policies ranked by that association and by a held-out log; examination models recovered
from their own clicks; what policies earn that are told nothing true. Each check leaves a table in
runs/calibrate/; a check that is done is kept.
"""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bandit.core import check
from bandit.core.files import write_json, write_table
from bandit.core.threads import use_one_thread
from bandit.core.types import Round
from bandit.features.features import Features
from bandit.policies.random import Random
from experiments.asked.command import command
from experiments.checks import agreement, examination, no_leak, rates, two_sample
from experiments.report.calibration import page
from experiments.runner.configs import (
    Settings,
    check_whole,
    list_configs,
    make,
    read_config,
    read_policy,
)
from experiments.runner.digest import digest_code, digest_file
from experiments.runner.folders import choose_folder, is_begun, read_frame
from simulators.base import Simulator
from simulators.play import play

Tick = Callable[[str], None]
Tables = dict[str, pd.DataFrame]

COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
FITTED = read_config("simulator", "logged")
LEAST = {  # of each size: what the checks need to say anything
    "rates": {"seeds": 1},
    "likeness": {"members": 100, "issues": 3},
    "ranking": {"logs": 1, "members": 100, "issues": 2, "until": 1},
    "examination": {"members": 100, "issues": 1},
    "leak": {"members": 10, "issues": 2, "since": 1, "seeds": 2, "text_dims": 1},
}


def check_rates(config: Settings, tick: Tick) -> Tables:
    """Rates of both presets beside the published ones."""
    first = min(rates.CHECKED)
    seeds = range(first, first + config["rates"]["seeds"])
    return {"rates": rates.compare_with_published(seeds)}


def check_likeness(config: Settings, tick: Tick) -> Tables:
    """Whether a classifier tells a log from the association that was fitted to it."""
    rows, seed = [], config["seed"]
    for world in config["worlds"]:
        association = _make_world(world, config["likeness"], seed)
        log = list(play(Random(), association, seed))
        fit = partial(_fit, log, association.features, seed)
        tick(f"{world}: a log of {association.issues} issues")
        for whom, table, found in two_sample.compare_with_log(log, fit, Random, seed):
            worst = ", ".join(found.importances["columns"].head(3))
            interval = (found.auc, found.low, found.high)
            rows.append([world, whom, table, *interval, found.classifier, worst])
            tick(f"{world}: {table}, fitted to {whom}")
    columns = ["world", "fitted_to", "table", "auc", "low", "high", "classifier", "tells"]
    return {"likeness": pd.DataFrame(rows, columns=columns)}


def check_ranking(config: Settings, tick: Tick) -> Tables:
    """Policies' values by the fitted association, by a held-out random log, and in truth."""
    sizes = config["ranking"]
    until, policies = sizes["until"], agreement.list_sendable()
    values, taus = [], []
    for world in config["worlds"]:
        for seed in range(config["seed"], config["seed"] + sizes["logs"]):
            association = _make_world(world, sizes, seed)
            truth, features = association.twin(), association.features
            log = list(play(Random(), association, seed))
            tick(f"{world}, seed {seed}: fitting to a log of {association.issues} issues")
            fitted = _fit(log[:until], features, seed)
            found = agreement.compare_rankings(
                log, until, policies, features, fitted, seed, truth, tick
            )
            values.append(found.values.reset_index().assign(world=world, seed=seed))
            others = (found.log_true, found.simulated_true, *found.resolved, found.often)
            taus.append([world, seed, found.tau, *others])
    columns = ["world", "seed", "tau", "log_true", "simulated_true", "alike", "pairs", "often"]
    return {
        "ranking": pd.concat(values, ignore_index=True),
        "taus": pd.DataFrame(taus, columns=columns),
    }


def check_examination(config: Settings, tick: Tick) -> Tables:
    """Whether each examination model is recovered from its own clicks."""
    simulator = _size_world(config["worlds"][0], config["examination"])
    found = examination.recover_parameters(_make_models(), simulator, config["seed"])
    return {"examination": found}


def check_perplexity(config: Settings, tick: Tick) -> Tables:
    """How well each examination model foresees the clicks of the same log."""
    simulator = _size_world(config["worlds"][-1], config["examination"])
    log, _ = examination.make_uniform_log(simulator, config["seed"])
    return {"perplexity": examination.compare_perplexities(_make_models(), log)}


def check_leak(config: Settings, tick: Tick) -> Tables:
    """What policies earn that are told other articles' texts and other members' attributes."""
    sizes, tables = config["leak"], []
    whats, policies = ["nothing", *no_leak.WHAT], no_leak.list_learners()
    seeds = range(config["seed"], config["seed"] + sizes["seeds"])
    issues, since = sizes["issues"], sizes["since"]
    for world in config["worlds"]:

        def tick_world(done: str, world: str = world) -> None:
            tick(f"{world}: {done}")

        simulate = partial(_make_world, world, sizes)
        found = no_leak.measure_lifts(simulate, whats, policies, seeds, issues, since, tick_world)
        tables.append(found.assign(world=world))
    return {"leak": pd.concat(tables, ignore_index=True)}


CHECKS: dict[str, Callable[[Settings, Tick], Tables]] = {
    "rates": check_rates,
    "likeness": check_likeness,
    "ranking": check_ranking,
    "examination": check_examination,
    "perplexity": check_perplexity,
    "leak": check_leak,
}


def _size_world(name: str, sizes: Settings) -> Settings:
    """The config of a simulator at this size."""
    given = {key: sizes[key] for key in ("members", "issues", "text_dims") if key in sizes}
    return rates.load_preset(name) | {"embeddings": None} | given


def _make_world(name: str, sizes: Settings, seed: int) -> Simulator:
    simulator: Simulator = make(_size_world(name, sizes), seed=seed)
    return simulator


def _fit(
    log: Sequence[Round], features: Features, seed: int, members: list[object] | None = None
) -> Simulator:
    """The association fitted to a log, with luck of its own; members: to these alone."""
    config = FITTED | {"log": log, "features": features, "only": members}
    simulator: Simulator = make(config, seed=seed + 1)
    return simulator


def _make_models() -> examination.Models:
    return {name: make(read_config("clicks", name)) for name in list_configs("clicks")}


@use_one_thread()
def calibrate(config: Settings, console: Console) -> Path:
    """Make what is not done yet, and the page; returns its path.

    config: as in configs/calibrate.yaml
    console: shows the progress

    Raises ValueError for a check that does not exist, a size that cannot be, and a folder that
    holds something else.
    """
    for name in config["checks"]:
        if name not in CHECKS:
            raise ValueError(f"checks: there is no check {name!r}; choose from {', '.join(CHECKS)}")
    check.flag("force", config["force"])
    _check_sizes(config)
    run = choose_folder(config["name"], "calibrate", {})
    asked = {key: value for key, value in config.items() if key not in ("checks", "name", "force")}
    asked |= {"code": _digest_checks(config["worlds"]), "made_by": digest_file(Path(__file__))}
    if config["force"] or not is_begun(run / "calibrate.json", asked):
        _clear(run)
        write_json(run / "calibrate.json", asked)
    with Progress(*COLUMNS, console=console) as progress:
        task = progress.add_task("calibrate", total=len(config["checks"]))
        for name in config["checks"]:
            if not (run / f"{name}.done").exists():

                def tick(done: str, name: str = name) -> None:
                    progress.update(task, description=f"{name}: {done}"[:70])

                tick("")
                for stem, table in CHECKS[name](config, tick).items():
                    content = pa.Table.from_pandas(table, preserve_index=False)
                    write_table(run / f"{stem}.parquet", content)
                write_json(run / f"{name}.done", {})
            progress.advance(task)
    tables = {path.stem: read_frame(path) for path in sorted(run.glob("*.parquet"))}
    return page.write(run / "report.html", tables, config)


def _check_sizes(config: Settings) -> None:
    """Raise ValueError for a number or a world that cannot be, before anything is removed."""
    check_whole("seed", config["seed"], 0)
    for part, sizes in LEAST.items():
        for what, least in sizes.items():
            check_whole(f"{part}.{what}", config[part][what], least)
    for part, early in (("ranking", "until"), ("leak", "since")):
        if config[part][early] >= config[part]["issues"] + (part == "leak"):
            raise ValueError(
                f"{part}.{early} = {config[part][early]}; there are {config[part]['issues']} issues"
            )
    valid = list_configs("simulator")
    for world in config["worlds"]:
        if world not in valid:
            raise ValueError(
                f"worlds: there is no simulator {world!r}; choose from {', '.join(valid)}"
            )


def _digest_checks(worlds: Sequence[str]) -> str:
    """Digest the code that the checks need; not the page's, which is made anew each time."""
    checks = (agreement, examination, no_leak, rates, two_sample)
    configs = [read_policy(name) for name in list_configs("policy")]
    configs += [read_config("clicks", name) for name in list_configs("clicks")]
    configs += [FITTED, *(rates.load_preset(name) for name in worlds)]
    return digest_code([each.__name__ for each in checks], configs)


def _clear(run: Path) -> None:
    """Remove what another calibration left.

    Raises ValueError, and removes nothing, where the folder holds anything else.
    """
    if run.exists() and any(run.iterdir()) and not (run / "calibrate.json").exists():
        raise ValueError(f"{run} holds something else than a calibration; choose another name")
    shutil.rmtree(run, ignore_errors=True)


@command("calibrate")
def main(config: Settings) -> None:
    path = calibrate(config, Console())
    print(f"page: {path}")


if __name__ == "__main__":
    main()
