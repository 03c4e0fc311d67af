"""One policy alone: python -m experiments.run policy=lin_ts simulator=informz issues=12 seed=0"""

from functools import partial
from pathlib import Path

import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import write_json, write_table
from experiments.asked.command import command
from experiments.runner.configs import Settings, check_whole
from experiments.runner.digest import describe_origin
from experiments.runner.folders import empty
from experiments.runner.pool import Task, check_workers, run_all
from experiments.runner.unit import NO_BUNDLE, can_be_sent, run_unit
from experiments.runner.worlds import make_simulator
from experiments.tables.summary import collect_results, summarise
from experiments.tables.table import show


@command("run")
def main(config: Settings) -> None:
    running = HydraConfig.get().runtime
    run, chosen = Path(running.output_dir), running.choices
    name, seed = chosen["policy"], config["seed"]
    check_whole("seed", seed, 0)
    check.flag("force", config["force"])
    check_workers(1, config["engine"])
    if config["issues"] is None:
        config["issues"] = make_simulator(config["simulator"], seed).issues
    check_whole("issues", config["issues"], 1)
    if config["force"]:
        empty(run)
    simulator = config["simulator"] | {"issues": config["issues"]}
    work = partial(run_unit, run, config["policy"], simulator, seed)
    run_all([Task(name, work)], config["issues"], 1, "run", config["engine"])
    results = collect_results({(name, seed): run})
    table = summarise(results, "", config["issues"] // 2 + 1)
    for label, content in (("results", results), ("summary", table)):
        write_table(run / f"{label}.parquet", pa.Table.from_pandas(content, preserve_index=False))
    origin = describe_origin([run_unit.__module__], [config["policy"], simulator])
    settings = {key: config[key] for key in ("policy", "simulator", "issues", "seed")}
    write_json(run / "run.json", {"config": settings} | origin)
    show(table, "", Console())
    if chosen["simulator"] == "classification":
        wrong = 1 - table["clicks_per_delivered"].iloc[0]
        print(f"progressive error: {wrong:.4f} (share of examples shown a wrong class)")
    if not can_be_sent(config["policy"]):
        print(NO_BUNDLE)
    print(f"run: {run}")


if __name__ == "__main__":
    main()
