"""How soon a newsletter is good: python -m experiments.coldstart seeds=5 'cuts=[few_members]'

Three things start cold: a new member of a mature association, an article that nobody has clicked,
and an association without a history. Folder: figures, cuts, first, joining, people, joiners,
openers, founders and waves (parquet), run.json, coldstart.html, and units/ as in a comparison,
cuts/ of the associations that differ.
"""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import write_json, write_table
from experiments.asked.command import command
from experiments.asked.sweep import find_place
from experiments.report.cold_start.page import write_page
from experiments.runner.configs import Settings, check_whole, read_policy, resolve
from experiments.runner.digest import describe_origin
from experiments.runner.folders import NOT_RESULTS, Units, choose_folder
from experiments.runner.pool import Task, check_workers, run_all
from experiments.runner.unit import run_unit
from experiments.tables.articles import measure_waves
from experiments.tables.cold_figures import measure_cold_start, measure_kept, measure_spent
from experiments.tables.cold_start import collect_cold_starts
from experiments.tables.joiners import measure_joiners
from experiments.tables.people import compare_people, measure_first_issues
from experiments.tables.summary import collect_results

MAIN = ""  # the association that is not cut
WRONG, NONE = "shuffled", "no_attributes"  # cuts: what false attributes leave of having none
WAVES = "wave"  # the policy that shows what an article's first clicks are worth


def measure(config: Settings, cuts: Mapping[str, Settings], place: Path | None = None) -> Path:
    """Run what is not done yet, write the tables and the page; returns the run's folder.

    config: as in configs/coldstart.yaml
    cuts: by name, the simulator of each cut that was asked for
    place: the folder to write into; None: one below runs/, by name or by what is asked

    Raises ValueError naming the first setting that cannot be.
    """
    for what, least in (("seeds", 1), ("issues", 13), ("first_seed", 0)):
        check_whole(what, config[what], least)
    check.flag("force", config["force"])
    check_workers(config["workers"], config["engine"])
    pair = [config["candidate"], config["baseline"]]
    if pair[0] == pair[1]:
        raise ValueError(f"candidate and baseline are both {pair[0]!r}; they are to be compared")
    names = list(dict.fromkeys([*pair, *config["others"]]))
    policies = {name: read_policy(name) for name in names}
    settings = {key: value for key, value in config.items() if key not in NOT_RESULTS}
    run = place or choose_folder(config["name"], "coldstart", settings)
    if config["force"]:
        shutil.rmtree(run, ignore_errors=True)
    worlds = {MAIN: config["simulator"], **cuts}
    worlds = {name: world | {"issues": config["issues"]} for name, world in worlds.items()}
    seeds = range(config["first_seed"], config["first_seed"] + config["seeds"])
    units: dict[str, Units] = {
        world: {
            (name, seed): _place(run, world) / f"{name}-{seed}"
            for seed in seeds
            for name in (names if world == MAIN else pair)
        }
        for world in worlds
    }
    tasks = [
        Task(
            f"{world} {name}/{seed}".strip(),
            partial(run_unit, folder, policies[name], worlds[world], seed),
        )
        for world, some in units.items()
        for (name, seed), folder in some.items()
    ]
    run_all(tasks, config["issues"], config["workers"], "coldstart", config["engine"])
    _write_tables(run, units, pair, policies)
    facts = {
        "config": config | dict.fromkeys(NOT_RESULTS),
        "seeds": list(seeds),
        "issues": config["issues"],
        "members": worlds[MAIN].get("members"),
    }
    made_of = [worlds[MAIN], *policies.values()]
    write_json(run / "run.json", facts | describe_origin([run_unit.__module__], made_of))
    return write_page(run)


def _place(run: Path, world: str) -> Path:
    return run / "cuts" / world if world else run / "units"


def _write_tables(
    run: Path, units: Mapping[str, Units], pair: list[str], policies: dict[str, Settings]
) -> None:
    """Write what the page is made from, all of it parquet."""
    policy, baseline = pair
    found, founders = [], {}
    for world, some in units.items():
        views, people = collect_cold_starts(some), compare_people(some, baseline)
        figures = measure_cold_start(views, people, baseline)
        found.append(figures[figures["policy"] == policy].assign(cut=world))
        founders[world] = views["founders"]
        if world == MAIN:
            figures = figures.merge(measure_spent(collect_results(some)), on="policy")
            tables = {**views, "people": people, "figures": figures}
    if WRONG in founders and NONE in founders:
        at = list(units).index(WRONG)
        found[at] = found[at].assign(**measure_kept(founders[WRONG], founders[NONE], policy))
    tables |= {"cuts": pd.concat(found), "first": measure_first_issues(units[MAIN])}
    both = {key: folder for key, folder in units[MAIN].items() if key[0] in pair}
    tables["joining"] = measure_joiners(both)
    (run / "waves.parquet").unlink(missing_ok=True)  # another run may have left it here
    inside = policies.get(WAVES, {}).get("policy", {})  # what the waves are made of
    if inside.get("_target_") == policies[policy]["_target_"]:
        shares = policies[WAVES]["shares"]
        tables["waves"] = measure_waves(units[MAIN], WAVES, policy, shares)
    for name, table in tables.items():
        write_table(run / f"{name}.parquet", pa.Table.from_pandas(table, preserve_index=False))


def _list_cuts(config: Settings, asked: list[str]) -> dict[str, Settings]:
    """The simulators of the cuts that were asked for.

    asked: what the command line overrides
    Raises ValueError naming one that there is not.
    """
    known = config["settings"]
    names = list(known) if config["cuts"] == "all" else config["cuts"]
    if not isinstance(names, list):
        raise ValueError(f"cuts = {names!r}; must be 'all', or a list such as [few_members]")
    if wrong := [name for name in names if name not in known]:
        raise ValueError(f"cuts: there is no {wrong[0]!r}; choose from {', '.join(known)}")
    return {
        name: resolve(compose("coldstart", [*asked, *known[name]]))["simulator"] for name in names
    }


@command("coldstart")
def main(config: Settings) -> None:
    cuts = _list_cuts(config, list(HydraConfig.get().overrides.task))
    page = measure(config, cuts, find_place())
    Console().print(f"page: {page}")


if __name__ == "__main__":
    main()
