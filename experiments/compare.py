"""Compare policies on the same members, pools and luck, and write the report.

python -m experiments.compare policies=[profile,segment_learned] simulator=informz seeds=5
"""

import shutil
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
import pyarrow as pa
from omegaconf import DictConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import read_json, write_json, write_table
from experiments.report import report
from experiments.report.two_members import find_two_members
from experiments.runner.runs import choices, folder, plain, policy_config, provenance
from experiments.runner.unit import make
from experiments.runner.work import Unit, run_all
from experiments.tables import coldstart
from experiments.tables.off_policy import off_policy
from experiments.tables.summary import results, summary
from experiments.tables.table import show


def compare(config: dict[str, Any]) -> Path:
    """Run what is not done yet, write the tables and the report; returns the run's folder."""
    listed = config["policies"]
    listed = [listed] if isinstance(listed, str) else listed
    for name in listed:
        if not isinstance(name, str):
            raise ValueError(
                f"policies: {name!r}; must be a name. To change a policy's settings copy its yaml to a new name"
            )
    names = list(dict.fromkeys(listed))
    if not names:
        raise ValueError(
            "policies is empty; name at least one, e.g. policies=[profile,segment_learned]"
        )
    for what in ("seeds", "issues", "late_from", "off_policy_from", "off_policy_slots"):
        if not isinstance(config[what], int) or config[what] < 1:
            raise ValueError(f"{what} = {config[what]!r}; must be a whole number of at least 1")
    check.flag("force", config["force"])
    policies = {name: policy_config(name) for name in names}
    for what in ("baseline", "logger"):
        if config[what] is not None and config[what] not in choices("policy"):
            raise ValueError(
                f"{what}: there is no policy {config[what]!r}; choose from {', '.join(choices('policy'))}"
            )
    settings = {
        key: value for key, value in config.items() if key not in ("workers", "name", "force")
    }
    run = folder(config["name"], "compare", settings)
    if config["force"]:
        shutil.rmtree(run, ignore_errors=True)
    simulator = config["simulator"] | {"issues": config["issues"]}
    logger = config["logger"] if config["logger"] in names else None
    off_from = min(config["off_policy_from"], config["issues"])
    late_from = min(config["late_from"], config["issues"])

    units = {
        (name, seed): run / "units" / f"{name}-{seed}"
        for seed in range(config["seeds"])
        for name in names
    }
    work = [
        Unit(
            f"{name}/{seed}",
            path,
            policies[name],
            simulator,
            seed,
            None if logger in (None, name) else units[logger, seed],
            off_from,
            config["off_policy_slots"],
        )
        for (name, seed), path in units.items()
    ]
    run_all(work, config["issues"], config["workers"], "compare")
    _write_tables(run, config | {"late_from": late_from, "logger": logger}, units, simulator)
    report.write(run)
    return run


def _write_tables(
    run: Path, config: dict[str, Any], units: dict[tuple[str, int], Path], simulator: dict[str, Any]
) -> None:
    """results, summary, coldstart and off_policy parquet; parity, winner, two_members and run json."""
    for name in (
        "off_policy.parquet",
        "two_members.json",
        "winner.json",
    ):  # another run may have left them here
        (run / name).unlink(missing_ok=True)
    baseline = config["baseline"]
    long = results(units)
    table = summary(long, baseline, config["late_from"])
    newcomers = coldstart.curve(units)
    tables = {"results": long, "summary": table, "coldstart": newcomers}
    if config["logger"]:
        tables["off_policy"] = off_policy(units, config["logger"])
    for name, content in tables.items():
        write_table(run / f"{name}.parquet", pa.Table.from_pandas(content, preserve_index=False))
    write_json(run / "parity.json", coldstart.parity(newcomers, baseline))
    policies = list(dict.fromkeys(policy for policy, _ in units))
    asked = {name: read_json(units[name, 0] / "unit.json") for name in policies}
    sendable = [name for name in policies if asked[name]["exportable"] and not asked[name]["waves"]]
    if sendable:
        best = str(table.set_index("policy").loc[sendable, "clicks_per_delivered_late"].idxmax())
        write_json(
            run / "winner.json", {"policy": best, "unit": str(units[best, 0].relative_to(run))}
        )
    if {"profile", baseline} <= set(policies):
        pair = find_two_members(units[baseline, 0], units["profile", 0], make(simulator, seed=0))
        if pair:
            write_json(
                run / "two_members.json",
                pair | {"segment_policy": baseline, "profile_policy": "profile"},
            )
    made = provenance()
    write_json(
        run / "run.json",
        {
            "config": config
            | {"workers": None, "name": None, "force": False},  # how it was run is not what was run
            "policies": policies,
            "seeds": list(range(config["seeds"])),
            "baseline": baseline,
            "late_from": config["late_from"],
            "issues": config["issues"],
            "members": simulator.get("members"),
        }
        | made,
    )


@hydra.main(version_base="1.3", config_path="../configs", config_name="compare")
def main(cfg: DictConfig) -> None:
    config = plain(cfg)
    try:
        run = compare(config)
    except (ValueError, OSError) as error:
        raise SystemExit(f"compare: {error}") from None
    show(pd.read_parquet(run / "summary.parquet"), config["baseline"], Console())
    print(f"report: {run / 'report.html'}")


if __name__ == "__main__":
    main()
