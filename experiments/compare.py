"""Compare policies on the same members, pools and luck, and write the report.

python -m experiments.compare policies=[profile,segment_learned] simulator=informz seeds=5
"""

import shutil
from functools import partial
from pathlib import Path

import hydra
import pandas as pd
import pyarrow as pa
from omegaconf import DictConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import read_json, write_json, write_table
from experiments.report import report
from experiments.runner.configs import (
    Settings,
    check_whole,
    list_configs,
    make,
    read_policy,
    resolve,
)
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder
from experiments.runner.one_line import in_one_line
from experiments.runner.pool import Task, run_all
from experiments.runner.unit import run_unit
from experiments.tables.cold_start import collect_cold_starts, describe_parity, find_parity
from experiments.tables.off_policy import estimate_off_policy
from experiments.tables.people import compare_people
from experiments.tables.summary import collect_results, summarise
from experiments.tables.table import show
from experiments.tables.two_members import find_two_members

Units = dict[tuple[str, int], Path]  # folders, by policy and seed
NOT_RESULTS = ("workers", "name", "force")  # settings that no result depends on


def compare(config: Settings) -> Path:
    """Run what is not done yet, write the tables and the report; returns the run's folder.

    config: as in configs/compare.yaml

    Raises ValueError naming the first setting that cannot be.
    """
    policies = _read_policies(config["policies"])
    for what in ("seeds", "issues", "late_from", "off_policy_from", "off_policy_slots"):
        check_whole(what, config[what], 1)
    check_whole("first_seed", config["first_seed"], 0)
    check.flag("force", config["force"])
    valid = list_configs("policy")
    for what in ("baseline", "logger"):
        if config[what] is not None and config[what] not in valid:
            raise ValueError(
                f"{what}: there is no policy {config[what]!r}; choose from {', '.join(valid)}"
            )
    settings = {key: value for key, value in config.items() if key not in NOT_RESULTS}
    run = choose_folder(config["name"], "compare", settings)
    if config["force"]:
        shutil.rmtree(run, ignore_errors=True)
    simulator = config["simulator"] | {"issues": config["issues"]}
    logger = config["logger"] if config["logger"] in policies else None
    late_from = min(config["late_from"], config["issues"])

    seeds = _list_seeds(config)
    units = {(name, seed): run / "units" / f"{name}-{seed}" for seed in seeds for name in policies}
    tasks = _list_tasks(config, units, policies, simulator, logger)
    run_all(tasks, config["issues"], config["workers"], "compare")
    _write_tables(run, config | {"late_from": late_from, "logger": logger}, units, simulator)
    report.write(run)
    return run


def _list_seeds(config: Settings) -> range:
    return range(config["first_seed"], config["first_seed"] + config["seeds"])


def _read_policies(listed: str | list[object]) -> dict[str, Settings]:
    """The configs of policies by name. Raises ValueError for what is no such name, and for none."""
    policies = {}
    for name in [listed] if isinstance(listed, str) else listed:
        if not isinstance(name, str):
            raise ValueError(
                f"policies: {name!r}; must be a name. "
                "To change a policy's settings copy its yaml to a new name"
            )
        policies[name] = read_policy(name)
    if not policies:
        raise ValueError(
            "policies is empty; name at least one, e.g. policies=[profile,segment_learned]"
        )
    return policies


def _list_tasks(
    config: Settings,
    units: Units,
    policies: dict[str, Settings],
    simulator: Settings,
    logger: str | None,
) -> list[Task]:
    """A task for each unit; one that is replayed on the log of another begins after that one."""
    replay_from = min(config["off_policy_from"], config["issues"])
    replay = {"replay_from": replay_from, "depth": config["off_policy_slots"]}
    tasks = []
    for (name, seed), folder in units.items():
        work, after = partial(run_unit, folder, policies[name], simulator, seed), None
        if logger not in (None, name):
            work = partial(work, logger=units[logger, seed], **replay)
            after = f"{logger}/{seed}"
        tasks.append(Task(f"{name}/{seed}", work, after))
    return tasks


def _write_tables(run: Path, config: Settings, units: Units, simulator: Settings) -> None:
    """Write what the report is made from.

    results, summary, coldstart, people, off_policy: parquet
    parity, winner, two_members, run: json
    """
    for name in ("off_policy.parquet", "two_members.json", "winner.json"):
        (run / name).unlink(missing_ok=True)  # another run may have left them here
    baseline = config["baseline"]
    results = collect_results(units)
    summary = summarise(results, baseline, config["late_from"])
    joiners = collect_cold_starts(units)["joiners"]
    people = compare_people(units, baseline)
    tables = {"results": results, "summary": summary, "coldstart": joiners, "people": people}
    if config["logger"]:
        tables["off_policy"] = estimate_off_policy(units, config["logger"])
    for name, content in tables.items():
        write_table(run / f"{name}.parquet", pa.Table.from_pandas(content, preserve_index=False))
    write_json(run / "parity.json", describe_parity(find_parity(joiners, baseline)))
    policies = list(dict.fromkeys(policy for policy, _ in units))
    first = config["first_seed"]
    asked = {name: read_json(units[name, first] / "unit.json") for name in policies}
    sendable = [name for name in policies if asked[name]["exportable"] and not asked[name]["waves"]]
    if sendable:
        rates = summary.set_index("policy").loc[sendable, "clicks_per_delivered_late"]
        best = str(rates.idxmax())
        winner = {"policy": best, "unit": str(units[best, first].relative_to(run))}
        write_json(run / "winner.json", winner)
    if {"profile", baseline} <= set(policies):
        world = make(simulator, seed=first)
        pair = find_two_members(units[baseline, first], units["profile", first], world)
        if pair:
            who = {"segment_policy": baseline, "profile_policy": "profile"}
            write_json(run / "two_members.json", pair | who)
    # how it was run is not what was run
    facts = {
        "config": config | {"workers": None, "name": None, "force": False},
        "policies": policies,
        "seeds": list(_list_seeds(config)),
        "baseline": baseline,
        "late_from": config["late_from"],
        "issues": config["issues"],
        "members": simulator.get("members"),
    }
    made_of = [simulator, *(asked[name]["policy"] for name in policies)]
    write_json(run / "run.json", facts | describe_origin([run_unit.__module__], made_of))


@hydra.main(version_base="1.3", config_path="../configs", config_name="compare")
def main(cfg: DictConfig) -> None:
    config = resolve(cfg)
    with in_one_line("compare"):
        run = compare(config)
    show(pd.read_parquet(run / "summary.parquet"), config["baseline"], Console())
    print(f"report: {run / 'report.html'}")


if __name__ == "__main__":
    main()
