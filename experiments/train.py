"""Train a policy from another's log: python -m experiments.train policy=offpolicy log=runs/demo/units/random-0

Only what was logged is used: members, pools, choices, propensities, clicks. Each issue from `judge_from` on is judged before
it is learned from, so the estimate rests on clicks that the policy had not seen. Leaves a bundle for serving.send.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pandas as pd
import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from bandit.core.files import read_json, write_json, write_table
from bandit.core.types import Round
from bandit.log import issue as log
from bandit.ope.evaluate import Estimate, evaluate
from bandit.ope.intervals import normal_interval
from bandit.policy import Informed
from bandit.slates.walk import replay
from experiments.runner.runs import file_digest, folder, one_thread, plain, provenance
from experiments.runner.unit import make
from serving import bundle

COLUMNS = ["estimator", "slots", "value", "low", "high", "ess", "reason"]


def unit_of(path: str | None) -> dict[str, Any]:
    """unit.json of a finished unit. Raises ValueError where `path` is none."""
    if not path:
        raise ValueError(
            "log is not given; name the folder of a finished unit, e.g. log=runs/demo/units/random-0"
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
        asked: dict[str, Any] = read_json(unit / "unit.json")
        return {
            "simulator": asked["simulator"],
            "seed": asked["seed"],
            "policy": asked["policy"]["_target_"],
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{unit / 'unit.json'} does not say how the run was made: {error!r}"
        ) from None


def rounds(unit: Path, association: Any) -> Iterator[Round]:
    """The logged issues in order, each with the context that it was sent in."""
    for number in range(1, association.issues + 1):
        path = unit / "log" / f"{number:03d}.parquet"
        if not path.exists():
            raise ValueError(f"{path} is missing; the log must be whole")
        round = log.read(path, association.issue(number))
        association.remember(round.context, round.slates, round.feedback)
        yield round


def train(
    learner: Any, logged: Iterator[Round], judge_from: int, slots: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let a started policy learn the whole log. Returns what each estimator says it would have earned, clicks a send on the
    top slots, and what the logger earned on the same. Raises ValueError where nothing is left to judge by."""
    parts: list[tuple[Any, ...]] = []
    for round in logged:
        if round.context.issue >= judge_from:
            slates, k = round.slates, min(slots, round.slates.choice.shape[1])
            target = replay(learner.plan(round.context), round.context, slates.choice[:, :k])
            clicked = round.feedback.clicked[:, :k].astype(np.float64)
            parts.append(
                (
                    slates.propensity[:, :k],
                    target,
                    clicked,
                    slates.supported[:, :k],
                    round.context.member_ids,
                )
            )
        learner.learn(round)
    if not parts:
        raise ValueError(
            f"judge_from = {judge_from}; the log ends before that issue, so nothing is left to judge by"
        )
    learner.finish()
    logged_p, target, clicked, supported, members = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    estimates = evaluate(logged_p, target, clicked, supported, members)
    earned = [
        normal_interval(clicked[:, :s].sum(axis=1), members) for s in range(1, clicked.shape[1] + 1)
    ]
    own = [
        ["logger", s, each.estimate, each.low, each.high, float(len(members)), ""]
        for s, each in enumerate(earned, 1)
    ]
    return pd.DataFrame([_row(each) for each in estimates], columns=COLUMNS), pd.DataFrame(
        own, columns=COLUMNS
    )


def _row(each: Estimate) -> list[Any]:
    given = (
        asdict(each.interval)
        if each.interval
        else dict.fromkeys(("estimate", "low", "high"), np.nan)
    )
    return [
        each.estimator,
        each.slots,
        given["estimate"],
        given["low"],
        given["high"],
        each.ess,
        each.reason,
    ]


def show(estimates: pd.DataFrame, own: pd.DataFrame, console: Console) -> None:
    """Both tables, the logger's on the slots that the estimates are about."""
    table = Table(
        title="clicks per 1,000 delivered, on the issues judged before they were learned from"
    )
    for name in ("", "slots", "estimate", "95 % interval", "counts as sends"):
        table.add_column(name, justify="left" if not name else "right")
    slots = max(int(estimates["slots"].max()), 1)
    shown = pd.concat([own[own["slots"] == slots], estimates])
    for name, count, value, low, high, ess, _ in shown[COLUMNS].to_numpy().tolist():
        told = (
            ("-", "-")
            if np.isnan(value)
            else (f"{1000 * value:.1f}", f"{1000 * low:.1f} to {1000 * high:.1f}")
        )
        table.add_row(name, str(count), *told, f"{ess:,.0f}")
    console.print(table)
    reason = str(estimates["reason"].iloc[0])
    if reason:
        console.print(f"no further: {reason}", markup=False, highlight=False, soft_wrap=True)


@one_thread()
def run(config: dict[str, Any], name: str) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """Train, judge, and write bundle/, estimates.parquet and run.json; returns the folder and the two tables."""
    for what in ("judge_from", "slots"):
        if not isinstance(config[what], int) or config[what] < 1:
            raise ValueError(f"{what} = {config[what]!r}; must be a whole number of at least 1")
    asked = unit_of(config["log"])
    unit = Path(config["log"])
    made = folder(
        config["name"],
        f"train-{name}-{unit.name}",
        {key: config[key] for key in config if key != "name"},
    )
    if made.exists() and any(made.iterdir()) and not (made / "estimates.parquet").exists():
        raise ValueError(
            f"{made} holds something else than a training from a log; choose another name"
        )
    learner = make(config["policy"])
    if isinstance(learner, Informed):
        raise ValueError(
            f"policy = {name}: it knows the simulator's truth, and there is none in a log"
        )
    association = make(asked["simulator"], seed=asked["seed"])
    if config["judge_from"] > association.issues:
        raise ValueError(
            f"judge_from = {config['judge_from']}; the log ends with issue {association.issues}"
        )
    learner.start(association.features)
    estimates, own = train(
        learner, rounds(unit, association), config["judge_from"], config["slots"]
    )
    parameters = {key: value for key, value in config["policy"].items() if key != "_target_"}
    facts = {"log": unit.name, "logger": asked["policy"], "unit": file_digest(unit / "unit.json")}
    made_from = (
        facts | {"issues": association.issues} | {key: provenance()[key] for key in ("git", "code")}
    )
    bundle.write(
        made / "bundle",
        learner,
        config["policy"]["_target_"],
        parameters,
        association.features,
        made_from,
    )
    both = pd.concat([own, estimates], ignore_index=True)
    write_table(made / "estimates.parquet", pa.Table.from_pandas(both, preserve_index=False))
    write_json(made / "run.json", {"config": config, "made_from": made_from} | provenance())
    return made, estimates, own


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(cfg: DictConfig) -> None:
    try:
        made, estimates, own = run(plain(cfg), HydraConfig.get().runtime.choices["policy"])
    except (ValueError, OSError) as error:
        raise SystemExit(f"train: {error}") from None
    show(estimates, own, Console())
    print(f"bundle: {made / 'bundle'}")


if __name__ == "__main__":
    main()
