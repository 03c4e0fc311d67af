"""How each policy's time and memory grow: python -m experiments.growth 'policies=[profile,vw]'

Members, articles of the pool, slots and columns of text are varied one at a time; every policy
sends four issues of each association, on one thread of one process. Folder: table.parquet,
run.json, growth.md (slopes, and costs a member), growth.png. Memory is read where Linux keeps it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
from rich.console import Console
from rich.progress import Progress

from bandit.compiling import is_worth
from bandit.core.files import replacing, write_json, write_table
from experiments.asked.command import command
from experiments.growth.figure import draw_growth
from experiments.growth.measure import ISSUES, measure_world
from experiments.growth.slopes import AXES, WORLD, write_tables
from experiments.runner.configs import Settings, check_whole
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder

SMALL = {"members": 200, "pool": 20, "slots": 3, "text_dims": 8}  # loads libraries, and is not kept


def measure_growth(config: Settings, tick: Callable[[str], None]) -> Iterator[dict[str, object]]:
    """The rows of the table, axis after axis, each from its smallest value to its largest.

    A policy whose issue took longer than `longest` is left out at the larger values of that axis.

    config: as in configs/growth.yaml
    tick: called after each measurement with what was measured
    """
    usual, seed, longest = config["usual"], config["seed"], config["longest"]
    is_worth(1e9)  # so that what is not kept loads the compiled loops, too
    for _ in measure_world(config["policies"], config["simulator"] | SMALL, seed, lambda: None):
        pass
    for axis in AXES:
        left = dict(config["policies"])
        for value in sorted(set(config[axis])):
            simulator = config["simulator"] | usual | {axis: value}
            told = partial(tick, f"{axis} {value:,}")
            for policy, cost in measure_world(dict(left), simulator, seed, told):
                yield {"policy": policy, "axis": axis, "value": value} | cost
                if policy != WORLD and cost["choose"] + cost["learn"] > longest:
                    left.pop(policy)


def check_growth(config: Settings) -> None:
    """Raise ValueError naming the first setting that cannot be."""
    for axis in AXES:
        if not isinstance(config[axis], list):
            raise ValueError(f"{axis} = {config[axis]!r}; must be a list of values to measure")
        for value in [*config[axis], config["usual"][axis]]:
            check_whole(axis, value, 1)
        if (given := config["simulator"].get(axis)) is not None:
            raise ValueError(f"simulator.{axis} is set by {axis}; say {axis}=[{given}]")
    if config["simulator"].get("issues") is not None:
        raise ValueError(f"simulator.issues is {ISSUES} in growth, and cannot be set")
    if not any(config[axis] for axis in AXES):
        raise ValueError(f"{', '.join(AXES)} are empty; name values of at least one")
    check_whole("longest", config["longest"], 1)
    check_whole("seed", config["seed"], 0)
    if not config.get("policies"):
        raise ValueError("policies is empty; name at least one, e.g. policies=[profile,vw]")


def grow(config: Settings) -> Path:
    """Measure everything and write what was found; returns the run's folder.

    config: as in configs/growth.yaml

    Raises ValueError naming the first setting that cannot be.
    """
    check_growth(config)
    settings = {key: value for key, value in config.items() if key != "name"}
    run = choose_folder(config["name"], "growth", settings)
    most = (len(config["policies"]) + 1) * (1 + sum(len(set(config[axis])) for axis in AXES))
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("growth", total=most)

        def tick(what: str) -> None:
            progress.update(bar, advance=1, description=f"growth: {what}")

        table = pd.DataFrame(list(measure_growth(config, tick)))
        progress.update(bar, completed=most, description="growth: done")
    write_table(run / "table.parquet", pa.Table.from_pandas(table, preserve_index=False))
    targets = [config["simulator"], *config["policies"].values()]
    origin = describe_origin(["experiments.growth.__main__"], targets)
    write_json(run / "run.json", {"config": config} | origin)
    with replacing(run / "growth.md") as part:
        part.write_text(write_tables(table), encoding="utf-8")
    with replacing(run / "growth.png") as part:
        draw_growth(table).savefig(part, format="png", dpi=110, metadata={"Software": None})
    return run


@command("growth")
def main(config: Settings) -> None:
    run = grow(config)
    print((run / "growth.md").read_text(encoding="utf-8"))
    print(f"run: {run}")


if __name__ == "__main__":
    main()
