"""One policy alone: python -m experiments.run policy=lin_ts simulator=informz issues=12 seed=0"""

import shutil

import hydra
import pandas as pd
import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console

from bandit.core import check
from bandit.core.files import write_json, write_table
from experiments.runner.runs import folder, plain, provenance
from experiments.runner.unit import make
from experiments.runner.work import Unit, run_all
from experiments.tables.summary import results, summary
from experiments.tables.table import show


@hydra.main(version_base="1.3", config_path="../configs", config_name="run")
def main(cfg: DictConfig) -> None:
    config, name = plain(cfg), HydraConfig.get().runtime.choices["policy"]
    try:
        if config["issues"] is None:
            config["issues"] = make(config["simulator"], seed=config["seed"]).issues
        for what, least in (("issues", 1), ("seed", 0)):
            if not isinstance(config[what], int) or config[what] < least:
                raise ValueError(
                    f"{what} = {config[what]!r}; must be a whole number of at least {least}"
                )
        check.flag("force", config["force"])
        settings = {key: config[key] for key in ("policy", "simulator", "issues", "seed")}
        run = folder(config["name"], f"{name}-seed{config['seed']}", settings)
        if config["force"]:
            shutil.rmtree(run, ignore_errors=True)
        simulator = config["simulator"] | {"issues": config["issues"]}
        run_all(
            [Unit(name, run, config["policy"], simulator, config["seed"])],
            config["issues"],
            1,
            "run",
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"run: {error}") from None
    long = results({(name, config["seed"]): run})
    write_table(run / "results.parquet", pa.Table.from_pandas(long, preserve_index=False))
    write_json(run / "run.json", {"config": settings} | provenance())
    table: pd.DataFrame = summary(long, "", config["issues"] // 2 + 1)
    show(table, "", Console())
    if HydraConfig.get().runtime.choices["simulator"] == "classification":
        print(
            f"progressive error: {1 - table['clicks_per_delivered'].iloc[0]:.4f} (share of examples shown a wrong class)"
        )
    print(f"run: {run}")


if __name__ == "__main__":
    main()
