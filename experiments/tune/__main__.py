"""Search for a policy's settings, and give hopeless ones up after few seeds.

python -m experiments.tune policy=profile 'over=["budget=tag(log,interval(0.01,1))"]' trials=16
python -m experiments.tune policy=popular 'over=["looks=range(10,100,10)","keep=choice(0.5,0.9)"]'

Optuna proposes settings (TPE: Bergstra, Bardenet, Bengio & Kegl 2011). Each is run on 1, 2, 4, ...
seeds, always the same ones, so that settings differ in nothing else; after each of these steps only
the better half of what came so far goes on (successive halving: Jamieson & Talwalkar 2016).
"""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, RangeSweep
from rich.console import Console
from rich.table import Table

from bandit.core import check
from bandit.core.check import shorten
from bandit.core.files import read_json, write_json, write_table
from experiments.asked.command import command
from experiments.runner.configs import Settings, check_whole, make
from experiments.runner.digest import describe_origin
from experiments.runner.folders import empty
from experiments.runner.pool import Task, check_workers, run_all
from experiments.runner.unit import run_unit

Space = dict[str, ChoiceSweep | IntervalSweep | RangeSweep]


def read_space(over: object) -> Space:
    """What each setting may be, from Hydra's own words for it: choice, range and interval.

    Raises ValueError naming the first entry that is none of these, or names a setting again.
    """
    if not isinstance(over, list) or not over:
        raise ValueError("over is not given; name what may vary, over=['epsilon=choice(0.1,0.2)']")
    space: Space = {}
    for text in over:
        try:
            (parsed,) = OverridesParser.create().parse_overrides([str(text)])
            sweep = parsed.value()
        except Exception as error:  # the parser's, and those of whatever sweep it names
            raise ValueError(f"over: {text}: {' '.join(str(error).split())}") from None
        if not isinstance(sweep, ChoiceSweep | IntervalSweep | RangeSweep):
            raise ValueError(f"over: {text}; must be NAME=choice(...), range(...) or interval(...)")
        name = parsed.key_or_group
        if parsed.is_add() or parsed.is_delete() or parsed.package is not None:
            raise ValueError(f"over: {text}; name a setting as it is, such as {name}=...")
        unread = sweep.tags - {"log"} if isinstance(sweep, IntervalSweep) else sweep.tags
        if unread or getattr(sweep, "shuffle", False):
            said = ", ".join(sorted(map(str, unread))) or "shuffle"
            raise ValueError(
                f"over: {text}: nothing reads {said}; an interval may be tag(log, ...)"
            )
        if name in space:
            raise ValueError(f"over: {text}: {name} is named twice; say all its values once")
        space[name] = sweep
    return space


def check_space(space: Space, policy: Settings, given: Collection[str] = ()) -> None:
    """Raise ValueError unless the policy takes what may vary, each value beside all its settings.

    policy: its config
    given: its settings that are set beside, which would be ignored if they varied
    """
    known = [name for name in policy if name != "_target_"]
    for name, sweep in space.items():
        if name not in known:
            has = ", ".join(known)
            raise ValueError(f"over: the policy has no setting {shorten(name)}; it has {has}")
        if name in given:
            raise ValueError(f"over: {name} varies, and policy.{name} is set; say one of them")
        values = _list_values(sweep)
        if not values:
            raise ValueError(f"over: {name} may be nothing; name at least one value")
        for value in values:
            try:
                make(policy | {name: value})
            except ValueError as error:
                raise ValueError(f"over: {name}: {error}") from error
        if isinstance(sweep, IntervalSweep):
            low, high = values
            if not low < high or ("log" in sweep.tags and low <= 0):
                least = "0 < A < B" if "log" in sweep.tags else "A < B"
                raise ValueError(f"over: {name}=interval({low},{high}); must have {least}")


def _list_values(sweep: ChoiceSweep | IntervalSweep | RangeSweep) -> list[Any]:
    """What a setting may be; of an interval both ends."""
    if isinstance(sweep, ChoiceSweep):
        return list(sweep.list)
    return list(sweep.range()) if isinstance(sweep, RangeSweep) else [sweep.start, sweep.end]


def suggest(trial: Any, space: Space) -> Settings:
    """Optuna's proposal for a trial."""
    found: Settings = {}
    for name, sweep in space.items():
        values = _list_values(sweep)
        if not isinstance(sweep, IntervalSweep):
            found[name] = trial.suggest_categorical(name, values)
        else:
            low, high = values
            whole = isinstance(low, int) and isinstance(high, int)
            ask = trial.suggest_int if whole else trial.suggest_float
            found[name] = ask(name, low, high, log="log" in sweep.tags)
    return found


def list_steps(seeds: int) -> list[int]:
    """After how many seeds settings are given up: 1, 2, 4, ... and all.

    >>> list_steps(6)
    [1, 2, 4, 6]
    """
    steps = [2**power for power in range(seeds.bit_length()) if 2**power < seeds]
    return [*steps, seeds]


class Trials:
    """Settings tried so far, and how each did on the seeds that it was given.

    config: as in configs/tune.yaml
    run: the folder that holds the units
    """

    def __init__(self, config: Settings, run: Path) -> None:
        self.config, self._run = config, run
        self.rows: list[Settings] = []

    def try_out(self, trial: Any, setting: Settings) -> float:
        """Run a setting on more and more seeds; returns its clicks per newsletter delivered.

        Raises Optuna's TrialPruned where it is not in the better half of those that came so far.
        """
        import optuna

        config, policy = self.config, self.config["policy"] | setting
        simulator = config["simulator"] | {"issues": config["issues"]}
        label = ",".join(f"{name}={value}" for name, value in setting.items())
        rates: list[float] = []
        row: Settings = setting | {
            "trial": trial.number,
            "seeds": 0,
            "clicks_per_delivered": float("nan"),
        }
        self.rows.append(row)
        for step in list_steps(config["seeds"]):
            numbers = range(config["first_seed"] + len(rates), config["first_seed"] + step)
            folders = [self._run / "units" / f"{label}-{seed}" for seed in numbers]
            tasks = [
                Task(f"{label}/{seed}", partial(run_unit, folder, policy, simulator, seed))
                for seed, folder in zip(numbers, folders, strict=True)
            ]
            title = f"tune {trial.number + 1}"
            run_all(tasks, config["issues"], config["workers"], title, config["engine"])
            rates += [self._measure(folder) for folder in folders]
            mean = sum(rates) / len(rates)
            row |= {"seeds": step, "clicks_per_delivered": mean}
            trial.report(mean, step)
            if step < config["seeds"] and config["halve"] and trial.should_prune():
                raise optuna.TrialPruned
        return mean

    def _measure(self, unit: Path) -> float:
        """Clicks per newsletter delivered from issue `late_from` on."""
        late_from = min(self.config["late_from"], self.config["issues"])
        files = sorted((unit / "issues").glob("*.json"))
        late = [read_json(file) for file in files if int(file.stem) >= late_from]
        sent = sum(issue["delivered"] for issue in late)
        return sum(issue["clicks"] for issue in late) / sent if sent else 0.0


def tune(config: Settings, run: Path, given: Collection[str] = ()) -> pd.DataFrame:
    """Search, and write trials.parquet and best.json; returns the trials, the best first.

    config: as in configs/tune.yaml
    run: the folder
    given: settings of the policy that were set beside what varies

    Raises ValueError for settings that cannot be, and where Optuna is not installed.
    """
    for what in ("issues", "late_from", "seeds", "trials"):
        check_whole(what, config[what], 1)
    check_whole("first_seed", config["first_seed"], 0)
    for what in ("force", "halve"):
        check.flag(what, config[what])
    check_workers(config["workers"], config["engine"])
    space = read_space(config["over"])
    make(config["policy"])
    check_space(space, config["policy"], given)
    try:
        import optuna
    except ImportError as error:
        raise ValueError("tune needs Optuna: pip install 'letterbandit[launchers]'") from error
    if config["force"]:
        empty(run)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    halve = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=config["seed"]), pruner=halve
    )
    trials = Trials(config, run)
    study.optimize(lambda t: trials.try_out(t, suggest(t, space)), n_trials=config["trials"])
    order = ["seeds", "clicks_per_delivered"]
    table = pd.DataFrame(trials.rows).sort_values(order, ascending=False, ignore_index=True)
    write_table(run / "trials.parquet", pa.Table.from_pandas(table, preserve_index=False))
    best = {name: study.best_params[name] for name in space}
    origin = describe_origin([run_unit.__module__], [config["policy"], config["simulator"]])
    write_json(run / "best.json", {"best": best, "value": study.best_value})
    write_json(run / "run.json", {"config": config} | origin)
    return table


def show(found: pd.DataFrame, config: Settings, console: Console) -> None:
    """Print what was tried, the best first, and what it took."""
    names = [name for name in found if name not in ("trial", "seeds", "clicks_per_delivered")]
    table = Table(*map(str, names), "seeds", "clicks per 1,000", box=None, padding=(0, 2, 0, 0))
    for row in found.to_dict("records"):
        told = [f"{row[n]:.4g}" if isinstance(row[n], float) else str(row[n]) for n in names]
        table.add_row(*told, str(row["seeds"]), f"{1000 * row['clicks_per_delivered']:.1f}")
    console.print(table)
    units, most = int(found["seeds"].sum()), len(found) * config["seeds"]
    fresh = config["first_seed"] + config["seeds"]
    console.print(
        f"{units} of {most} units were run. What was given up early was judged on few seeds, and "
        "the best of many looks better than it is: compare it on seeds that chose nothing, "
        f"first_seed={fresh}.",
        highlight=False,
    )


@command("tune")
def main(config: Settings) -> None:
    run = Path(HydraConfig.get().runtime.output_dir)
    told = [text.lstrip("+").partition("=")[0] for text in HydraConfig.get().overrides.task]
    given = [name.removeprefix("policy.") for name in told if name.startswith("policy.")]
    show(tune(config, run, given), config, Console())
    print(f"trials: {run / 'trials.parquet'}")


if __name__ == "__main__":
    main()
