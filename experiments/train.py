"""Train a policy from the log of another one.

python -m experiments.train policy=offpolicy log=runs/demo/units/random-0

Only what was logged is used: members, pools, choices, propensities, clicks. Each issue from
`judge_from` on is judged before it is learned from, so the estimate rests on clicks that the policy
had not seen. Leaves a bundle for serving.send.
"""

from collections.abc import Iterable
from pathlib import Path

import hydra
import numpy as np
import pandas as pd
import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from bandit.core.files import read_json, write_json, write_table
from bandit.core.threads import use_one_thread
from bandit.core.types import Round
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import normal_interval
from bandit.policy import Informed, Policy
from bandit.slates.propensity import replay
from experiments.asked.known import check_known
from experiments.runner.configs import Settings, check_whole, make, resolve
from experiments.runner.digest import describe_origin, digest_file
from experiments.runner.folders import choose_folder
from experiments.runner.one_line import in_one_line
from experiments.runner.unit import write_bundle
from simulators.base import Simulator
from simulators.play import play_back

COLUMNS = ["estimator", "slots", "value", "low", "high", "ess", "reason"]


def read_unit(path: str | None) -> Settings:
    """The simulator, the seed and the policy's class of a finished unit, from its unit.json.

    Raises ValueError where `path` is no finished unit.
    """
    if not path:
        raise ValueError(
            "log is not given; name the folder of a finished unit, "
            "e.g. log=runs/demo/units/random-0"
        )
    unit = Path(path)
    if not unit.is_dir():
        raise ValueError(f"log = {path!r}: there is no such folder")
    for name, meaning in (
        ("unit.json", "it is not one policy's run"),
        ("done.json", "its run is not finished"),
    ):
        if not (unit / name).is_file():
            raise ValueError(f"log = {path!r} holds no {name}: {meaning}")
    try:
        asked = read_json(unit / "unit.json")
        policy = asked["policy"]["_target_"]
        return {"simulator": asked["simulator"], "seed": asked["seed"], "policy": policy}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{unit / 'unit.json'} does not say how the run was made: {error!r}"
        ) from None


def train(
    policy: Policy, log: Iterable[Round], judge_from: int, slots: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let a started policy learn the whole log.

    log: its issues, in order
    judge_from: first issue that the policy is judged on before it learns from it
    slots: how many of the top slots to judge

    Returns what each estimator says that the policy would have earned, in clicks a send on the top
    slots, and what the logger earned on the same. Raises ValueError where nothing is left to judge
    by.
    """
    parts = []
    for round in log:
        if round.context.issue >= judge_from:
            slates, k = round.slates, min(slots, round.slates.choice.shape[1])
            target = replay(policy.plan(round.context), round.context, slates.choice[:, :k])
            clicked = round.feedback.clicked[:, :k].astype(np.float64)
            supported, members = slates.supported[:, :k], round.context.member_ids
            parts.append((slates.propensity[:, :k], target, clicked, supported, members))
        policy.learn(round)
    if not parts:
        raise ValueError(
            f"judge_from = {judge_from}; the log ends before that issue, "
            "so nothing is left to judge by"
        )
    policy.finish()
    logged, target, clicked, supported, members = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    estimates = evaluate(logged, target, clicked, supported, members)
    own = []
    for s in range(1, clicked.shape[1] + 1):
        earned = normal_interval(clicked[:, :s].sum(axis=1), members)
        interval = earned.estimate, earned.low, earned.high
        own.append(["logger", s, *interval, float(len(members)), ""])
    rows = [_list_values(each) for each in estimates]
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(own, columns=COLUMNS)


def _list_values(each: Estimate) -> list[object]:
    given = each.interval
    value = (given.estimate, given.low, given.high) if given else (np.nan,) * 3
    return [each.estimator, each.slots, *value, each.ess, each.reason]


def show(estimates: pd.DataFrame, own: pd.DataFrame, console: Console) -> None:
    """Print both tables, the logger's on the slots that the estimates are about."""
    table = Table(
        title="clicks per 1,000 delivered, on the issues judged before they were learned from"
    )
    for name in ("", "slots", "estimate", "95 % interval", "counts as sends"):
        table.add_column(name, justify="left" if not name else "right")
    slots = max(int(estimates["slots"].max()), 1)
    shown = pd.concat([own[own["slots"] == slots], estimates])
    for name, count, value, low, high, ess, _ in shown[COLUMNS].to_numpy().tolist():
        words = (f"{1000 * value:.1f}", f"{1000 * low:.1f} to {1000 * high:.1f}")
        table.add_row(name, str(count), *(("-", "-") if np.isnan(value) else words), f"{ess:,.0f}")
    console.print(table)
    reason = str(estimates["reason"].iloc[0])
    if reason:
        console.print(f"no further: {reason}", markup=False, highlight=False, soft_wrap=True)


@use_one_thread()
def run(config: Settings, name: str) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """Train, judge, and write bundle/, estimates.parquet and run.json.

    config: as in configs/train.yaml
    name: of the policy's config

    Returns the folder and the two tables of `train`. Raises ValueError for settings that cannot be.
    """
    for what in ("judge_from", "slots"):
        check_whole(what, config[what], 1)
    asked = read_unit(config["log"])
    unit = Path(config["log"])
    settings = {key: config[key] for key in config if key != "name"}
    made = choose_folder(config["name"], f"train-{name}-{unit.name}", settings)
    if made.exists() and any(made.iterdir()) and not (made / "estimates.parquet").exists():
        raise ValueError(
            f"{made} holds something else than a training from a log; choose another name"
        )
    policy: Policy = make(config["policy"])
    if isinstance(policy, Informed):
        raise ValueError(
            f"policy = {name}: it knows the simulator's truth, and there is none in a log"
        )
    simulator: Simulator = make(asked["simulator"], seed=asked["seed"])
    if config["judge_from"] > simulator.issues:
        raise ValueError(
            f"judge_from = {config['judge_from']}; the log ends with issue {simulator.issues}"
        )
    policy.start(simulator.features)
    log = play_back(unit / "log", simulator)
    estimates, own = train(policy, log, config["judge_from"], config["slots"])
    origin = describe_origin(["experiments.train"], [config["policy"], asked["simulator"]])
    made_from = {
        "log": unit.name,
        "logger": asked["policy"],
        "unit": digest_file(unit / "unit.json"),
        "issues": simulator.issues,
        "git": origin["git"],
        "code": origin["code"],
    }
    write_bundle(made / "bundle", policy, config["policy"], simulator.features, made_from)
    both = pd.concat([own, estimates], ignore_index=True)
    write_table(made / "estimates.parquet", pa.Table.from_pandas(both, preserve_index=False))
    write_json(made / "run.json", {"config": config, "made_from": made_from} | origin)
    return made, estimates, own


@hydra.main(str(Path(__file__).parent / "configs"), "train", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with in_one_line("train"):
        check_known(resolve(cfg), "train")
        made, estimates, own = run(resolve(cfg), HydraConfig.get().runtime.choices["policy"])
    show(estimates, own, Console())
    print(f"bundle: {made / 'bundle'}")


if __name__ == "__main__":
    main()
