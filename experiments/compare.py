"""Compare policies on the same members, pools and luck, and write the report.

python -m experiments.compare policies=[profile,segment_learned] simulator=informz seeds=5
python -m experiments.compare policies=[profile,segment_learned] policies.profile.budget=0.05,0.1
"""

from functools import partial
from pathlib import Path

import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import read_json, write_json, write_table
from experiments.asked.command import command
from experiments.runner.configs import Settings, check_whole, list_configs, make
from experiments.runner.digest import describe_origin
from experiments.runner.folders import NOT_RESULTS, Units, empty, read_frame
from experiments.runner.pool import Task, check_workers, run_all
from experiments.runner.unit import run_unit
from experiments.runner.worlds import make_simulator
from experiments.tables.cold_start import collect_cold_starts, describe_parity, find_parity
from experiments.tables.off_policy import collect_off_policy, run_and_judge
from experiments.tables.people import compare_people
from experiments.tables.summary import collect_results, summarise
from experiments.tables.table import show
from experiments.tables.two_members import find_two_members


def compare(config: Settings, run: Path) -> None:
    """Run what is not done yet, and write the tables and the report.

    config: as in configs/compare.yaml
    run: the folder that holds them

    Raises ValueError naming the first setting that cannot be.
    """
    from experiments.report import report  # draws: a second of imports

    policies = config.get("policies")
    if not policies:
        raise ValueError(
            "policies is empty; name at least one, e.g. policies=[profile,segment_learned]"
        )
    for what in ("issues", "late_from", "off_policy_from", "off_policy_slots"):
        check_whole(what, config[what], 1)
    check.flag("force", config["force"])
    check_workers(config["workers"], config["engine"])
    valid = sorted({*list_configs("policy"), *policies})
    for what in ("baseline", "logger"):
        if config[what] is not None and config[what] not in valid:
            raise ValueError(
                f"{what}: there is no policy {config[what]!r}; choose from {', '.join(valid)}"
            )
    for policy in policies.values():
        make(policy)  # what cannot be is said before anything is simulated
    seeds = list_seeds(config["seeds"], config["first_seed"])
    if config["force"]:
        empty(run)
    simulator = config["simulator"] | {"issues": config["issues"]}
    logger = config["logger"] if config["logger"] in policies else None
    late_from = min(config["late_from"], config["issues"])

    units = {(name, seed): run / "units" / f"{name}-{seed}" for seed in seeds for name in policies}
    tasks = _list_tasks(config, units, policies, simulator, logger)
    run_all(tasks, config["issues"], config["workers"], "compare", config["engine"])
    settled = {"late_from": late_from, "logger": logger, "seeds": seeds}
    _write_tables(run, config | settled, units, simulator)
    report.write(run)


def list_seeds(seeds: int | list[int], first: int = 0) -> list[int]:
    """Seeds from how many there are, or a list of them. Raises ValueError where they cannot be.

    >>> list_seeds(3, 1000)
    [1000, 1001, 1002]
    """
    check_whole("first_seed", first, 0)
    if not isinstance(seeds, list):
        check_whole("seeds", seeds, 1)
        return list(range(first, first + seeds))
    if first:
        raise ValueError(f"first_seed = {first}; seeds names the first, {check.shorten(seeds)}")
    check.listed("seeds", seeds, 10_000)
    for seed in seeds:
        check_whole("seeds", seed, 0)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds = {check.shorten(seeds)}; names one twice")
    return seeds


def _list_tasks(
    config: Settings,
    units: Units,
    policies: dict[str, Settings],
    simulator: Settings,
    logger: str | None,
) -> list[Task]:
    """A task for each unit; one that is replayed on the log of another begins after that one."""
    replay_from = min(config["off_policy_from"], config["issues"])
    depth = config["off_policy_slots"]
    tasks = []
    for (name, seed), folder in units.items():
        work, after = partial(run_unit, folder, policies[name], simulator, seed), None
        if logger not in (None, name):
            theirs = {"logger": units[logger, seed], "replay_from": replay_from, "depth": depth}
            one = {(name, seed): folder}
            work = partial(run_and_judge, partial(work, **theirs), one, logger, replay_from, depth)
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
        tables["off_policy"] = collect_off_policy(units, config["logger"])
    for name, content in tables.items():
        write_table(run / f"{name}.parquet", pa.Table.from_pandas(content, preserve_index=False))
    write_json(run / "parity.json", describe_parity(find_parity(joiners, baseline)))
    policies = list(dict.fromkeys(policy for policy, _ in units))
    first = config["seeds"][0]
    asked = {name: read_json(units[name, first] / "unit.json") for name in policies}
    sendable = [name for name in policies if asked[name]["exportable"] and not asked[name]["waves"]]
    if sendable:
        rates = summary.set_index("policy").loc[sendable, "clicks_per_delivered_late"]
        best = str(rates.idxmax())
        winner = {"policy": best, "unit": str(units[best, first].relative_to(run))}
        write_json(run / "winner.json", winner)
    if {"profile", baseline} <= set(policies):
        world = make_simulator(simulator, first)
        pair = find_two_members(units[baseline, first], units["profile", first], world)
        if pair:
            who = {"segment_policy": baseline, "profile_policy": "profile"}
            write_json(run / "two_members.json", pair | who)
    # how it was run is not what was run
    facts = {
        "config": {key: value for key, value in config.items() if key not in NOT_RESULTS},
        "policies": policies,
        "seeds": config["seeds"],
        "baseline": baseline,
        "late_from": config["late_from"],
        "issues": config["issues"],
        "members": simulator.get("members"),
    }
    made_of = [simulator, *(asked[name]["policy"] for name in policies)]
    write_json(run / "run.json", facts | describe_origin([run_unit.__module__], made_of))


def tell_what_was_cut(config: Settings, console: Console) -> None:
    """Print which settings could not be as they were asked, and what was taken in their place."""
    last = config["issues"]
    for name, what in (("late_from", "later issues"), ("off_policy_from", "off-policy estimates")):
        idle = name == "off_policy_from" and config["logger"] not in config["policies"]
        if config[name] > last and not idle:
            late = f"{name} = {config[name]} is after the last issue"
            console.print(f"{late}: {what} rest on issue {last} alone", soft_wrap=True)
    if config["logger"] not in (None, *config["policies"]):
        console.print(f"no off-policy estimates: {config['logger']} did not run, which logs")


@command("compare")
def main(config: Settings) -> None:
    run = Path(HydraConfig.get().runtime.output_dir)
    compare(config, run)
    show(read_frame(run / "summary.parquet"), config["baseline"], Console())
    tell_what_was_cut(config, Console())
    print(f"report: {run / 'report.html'}")


if __name__ == "__main__":
    main()
