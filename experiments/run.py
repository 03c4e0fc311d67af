"""One policy alone: python -m experiments.run policy=lin_ts simulator=informz issues=12 seed=0"""

import shutil
from functools import partial

import hydra
import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import write_json, write_table
from experiments.runner.configs import check_whole, make, resolve
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder
from experiments.runner.one_line import in_one_line
from experiments.runner.pool import Task, run_all
from experiments.runner.unit import run_unit
from experiments.tables.summary import collect_results, summarise
from experiments.tables.table import show


@hydra.main(version_base="1.3", config_path="../configs", config_name="run")
def main(cfg: DictConfig) -> None:
    config, chosen = resolve(cfg), HydraConfig.get().runtime.choices
    name, seed = chosen["policy"], config["seed"]
    with in_one_line("run"):
        if config["issues"] is None:
            config["issues"] = make(config["simulator"], seed=seed).issues
        check_whole("issues", config["issues"], 1)
        check_whole("seed", seed, 0)
        check.flag("force", config["force"])
        settings = {key: config[key] for key in ("policy", "simulator", "issues", "seed")}
        run = choose_folder(config["name"], f"{name}-seed{seed}", settings)
        if config["force"]:
            shutil.rmtree(run, ignore_errors=True)
        simulator = config["simulator"] | {"issues": config["issues"]}
        work = partial(run_unit, run, config["policy"], simulator, seed)
        run_all([Task(name, work)], config["issues"], 1, "run")
        results = collect_results({(name, seed): run})
        write_table(run / "results.parquet", pa.Table.from_pandas(results, preserve_index=False))
        origin = describe_origin([run_unit.__module__], [config["policy"], simulator])
        write_json(run / "run.json", {"config": settings} | origin)
    table = summarise(results, "", config["issues"] // 2 + 1)
    show(table, "", Console())
    if chosen["simulator"] == "classification":
        wrong = 1 - table["clicks_per_delivered"].iloc[0]
        print(f"progressive error: {wrong:.4f} (share of examples shown a wrong class)")
    print(f"run: {run}")


if __name__ == "__main__":
    main()
