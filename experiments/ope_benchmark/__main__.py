"""What off-policy estimators are worth: python -m experiments.ope_benchmark

Each part plays logs whose truth is known, lets every estimator speak of the same ones, and prints
mean errors with standard errors, and whether what was to be reached is. Leaves errors.parquet,
summary.parquet and run.json.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bandit.core.files import write_json, write_table
from bandit.core.threads import use_one_thread
from bandit.ope.rewards.slates import find_fit
from experiments.asked.command import command
from experiments.ope_benchmark import (
    articles,
    cascade,
    changes,
    classification,
    keel,
    month,
    rules,
    sends,
)
from experiments.ope_benchmark.measure import Part
from experiments.ope_benchmark.published import learners, real_logs
from experiments.runner.configs import Settings, check_whole, list_configs
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder

Run = Callable[[int, int, Callable[[], None]], Part]


def list_parts(config: Settings) -> dict[str, tuple[Run, int]]:
    """What makes each part, and of how many cases, by its name.

    Raises ValueError for settings that cannot be.
    """
    sets = config["sets"]
    if not isinstance(sets, list) or not sets or set(sets) - set(keel.OCV):
        raise ValueError(f"sets = {sets!r}; must be a list of some of {', '.join(keel.OCV)}")
    fit = find_fit(config["model"])
    readings, every = config["readings"], list_configs("clicks")
    if not isinstance(readings, list) or not readings or any(r not in every for r in readings):
        raise ValueError(f"readings = {readings!r}; must be a list of some of {', '.join(every)}")
    check_whole("slots", config["slots"], 2)
    check_whole("pool", config["pool"], config["slots"] + 1)
    newsletter = {name: config[name] for name in ("readings", "slots", "pool")}
    known: dict[str, tuple[Run, int]] = {
        "keel": (partial(keel.run, sets=sets), len(sets)),
        "classification": (classification.run, len(classification.SETS)),
        "changes": (changes.run, len(changes.WORLDS)),
        "cascade": (cascade.run, len(cascade.REACH)),
        "articles": (articles.run, len(articles.WORLDS)),
        "learners": (learners.run, 1),
        "real_logs": (
            partial(real_logs.run, shop=config["open_bandit"], mails=config["hillstrom"]),
            0,
        ),
        "rules": (partial(rules.run, fit=fit, **newsletter), len(rules.KINDS) * len(readings)),
        "month": (partial(month.run, config.get("simulator"), fit=fit), len(month.LOGGERS)),
        "sends": (partial(_read_sends, config["run"]), 0),
    }
    asked = config["parts"]
    if not isinstance(asked, list) or not asked or set(asked) - set(known):
        raise ValueError(f"parts = {asked!r}; must be a list of some of {', '.join(known)}")
    check_whole("runs", config["runs"], 2)
    check_whole("seed", config["seed"], 0)
    return {name: known[name] for name in asked}


def _read_sends(folder: object, runs: int, seed: int, tick: Callable[[], None]) -> Part:
    """The comparison in that folder, which has runs and seeds of its own."""
    if not isinstance(folder, str):
        raise ValueError("run is not given; name the folder of a comparison, run=FOLDER")
    return sends.read(folder)


def make_table(part: Part) -> Table:
    """Estimators in rows, cases in columns: mean error +- its standard error."""
    told = part.summarise()
    cases = list(dict.fromkeys(told["case"]))
    table = Table(title=part.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for case in cases:
        table.add_column(case, justify="right")
    values = {(row["case"], row["estimator"]): row for row in told.to_dict("records")}
    for estimator in dict.fromkeys(told["estimator"]):
        rows = [values.get((case, estimator)) for case in cases]
        cells = [
            _write(part.scale * r["mean"], part.scale * r["standard_error"]) if r else "-"
            for r in rows
        ]
        table.add_row(str(estimator), *cells)
    return table


def tell(part: Part, console: Console) -> None:
    """Print a part, and what of it is reached."""
    console.print(make_table(part))
    for goal in part.goals:
        console.print(goal.words, highlight=False, soft_wrap=True)
    console.print()


def _write(mean: float, error: float) -> str:
    return f"{mean:.3g}" if math.isnan(error) else f"{mean:.3g} +- {error:.1g}"


@use_one_thread()
def run(config: Settings, console: Console) -> tuple[Path, list[Part]]:
    """Make the parts asked for, each printed when it is done; returns the folder and the parts.

    config: as in configs/ope_benchmark.yaml

    Raises ValueError for settings that cannot be.
    """
    parts = list_parts(config)
    settings = {key: config[key] for key in config if key != "name"}
    made = choose_folder(config["name"], "ope_benchmark", settings)
    if made.exists() and any(made.iterdir()) and not (made / "summary.parquet").exists():
        raise ValueError(f"{made} holds something else than a benchmark; choose another name")
    found = []
    with Progress(console=console, transient=True) as progress:
        for name, (play, cases) in parts.items():
            task = progress.add_task(name, total=cases * config["runs"])
            found.append(play(config["runs"], config["seed"], partial(progress.advance, task)))
            tell(found[-1], progress.console)
    for kind, frames in (
        ("errors", [part.errors.assign(part=part.name) for part in found]),
        ("summary", [part.summarise().assign(part=part.name) for part in found]),
    ):
        table = pa.Table.from_pandas(pd.concat(frames), preserve_index=False)
        write_table(made / f"{kind}.parquet", table)
    goals = {part.name: [goal.words for goal in part.goals] for part in found}
    origin = describe_origin(["experiments.ope_benchmark.__main__"], [])
    write_json(made / "run.json", {"config": config, "goals": goals} | origin)
    return made, found


@command("ope_benchmark")
def main(config: Settings) -> None:
    console = Console()
    made, _ = run(config, console)
    console.print(f"tables: {made}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
